//! `flota help`: commands, and topics through the pager.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};

use clap::ValueEnum as _;
use flota::cli;
use insta::assert_snapshot;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use regex::Regex;

use crate::{
    sandbox::{Ran, Sandbox},
    support::need,
};

fn page(topic: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(format!("templates/help/{topic}.md"))).unwrap()
}

/// The first cells of the tables of a page, without backticks.
fn first_cells(topic: &str) -> Vec<String> {
    let page = page(topic);
    let rows = page.lines().filter_map(|line| {
        let cell = line.strip_prefix("| ")?.split(" | ").next()?;
        Some(cell.trim_matches('`').to_owned())
    });
    rows.collect()
}

#[test]
fn it_lists_commands_in_groups_and_topics() {
    let sandbox = Sandbox::new();
    let help = sandbox.flota("", &["help"]);
    assert_snapshot!(help.transcript());
    assert_eq!(help.text(), sandbox.flota("", &["--help"]).text());
}

#[test]
fn it_says_of_a_command_what_its_flag_says() {
    let sandbox = Sandbox::new();
    let help = |args: &[&str]| sandbox.flota("", args);
    let command = cli::parse::command();
    for name in command.get_subcommands().map(clap::Command::get_name) {
        let ran = help(&["help", name]);
        assert_eq!(ran.status, Some(0), "{name}: {}", ran.stderr);
        assert_eq!(ran.text(), help(&[name, "--help"]).text(), "{name}");
    }
    let nested = help(&["help", "template", "update"]);
    assert_eq!(
        nested.text(),
        help(&["template", "update", "--help"]).text()
    );
}

#[test]
fn what_it_does_not_know_is_refused_with_the_nearest() {
    let sandbox = Sandbox::new();
    for (args, said) in [
        (&["help", "ruls"][..], "a similar value exists: 'rules'"),
        (&["help", "chagned"], "a similar value exists: 'changed'"),
        (
            &["help", "build", "nosuch"],
            "`flota build` has no command `nosuch`",
        ),
        (
            &["help", "rules", "nosuch"],
            "`flota` has no command `rules`",
        ),
        (
            &["help", "template", "nosuch"],
            "`flota template` has no command `nosuch`",
        ),
    ] {
        let ran = sandbox.flota("", args);
        assert_eq!(ran.status, Some(2), "{args:?}");
        assert!(ran.stdout.is_empty(), "{args:?}");
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn every_topic_is_listed_and_shown_under_its_title() {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/help")).unwrap();
    let files: BTreeSet<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let topics = cli::TOPICS.map(|(topic, _)| format!("{topic}.md"));
    assert_eq!(files, BTreeSet::from(topics));

    let sandbox = Sandbox::new();
    for (topic, title) in cli::TOPICS {
        assert!(
            page(topic).starts_with(&format!("# {title}\n\n")),
            "{topic}"
        );
        let ran = sandbox.flota("", &["help", topic]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert!(
            ran.text().starts_with(&format!("{title}\n\n")),
            "{}",
            ran.text()
        );
    }
}

/// What the terminal's and the manual's form know of Markdown. What they do not know would be left out of them in silence.
#[test]
fn the_pages_keep_to_what_can_be_shown() {
    for (topic, _) in cli::TOPICS {
        let page = page(topic);
        let mut lists = 0;
        for event in Parser::new_ext(&page, Options::all()) {
            match event {
                Event::Start(Tag::List(_)) => {
                    lists += 1;
                    assert_eq!(lists, 1, "{topic}: a list in a list");
                }
                Event::End(TagEnd::List(_)) => lists -= 1,
                Event::Start(
                    Tag::Paragraph
                    | Tag::Heading {
                        level: HeadingLevel::H1 | HeadingLevel::H2,
                        ..
                    }
                    | Tag::CodeBlock(_)
                    | Tag::Item
                    | Tag::Strong
                    | Tag::Table(_)
                    | Tag::TableHead
                    | Tag::TableRow
                    | Tag::TableCell,
                )
                | Event::End(_)
                | Event::Text(_)
                | Event::Code(_)
                | Event::SoftBreak => {}
                other => panic!("{topic}: {other:?}"),
            }
        }
    }
}

#[test]
fn configuration_shows_the_reference_that_the_tests_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference = fs::read_to_string(root.join("fixtures/config/valid/reference.toml")).unwrap();
    assert!(
        page("configuration").contains(reference.trim()),
        "fixtures/config/valid/reference.toml is not in templates/help/configuration.md"
    );
    let shown = Sandbox::new().flota("", &["help", "configuration"]).text();
    for line in reference.lines() {
        assert!(
            shown.contains(&format!("\n{}\n", format!("    {line}").trim_end())),
            "{line}"
        );
    }
}

#[test]
fn every_exit_code_is_in_its_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(root.join("src/model/exit.rs")).unwrap();
    let code = Regex::new(r"(?m)^    [A-Z]\w+ = ([0-9]+),$").unwrap();
    let codes = code.captures_iter(&source).map(|code| code[1].to_owned());
    let codes: Vec<_> = std::iter::once("code".to_owned()).chain(codes).collect();
    for known in ["0", "1", "2", "3", "4", "129", "130", "143"] {
        assert!(codes.iter().any(|code| code == known), "{known}");
    }
    assert_eq!(first_cells("exit-codes"), codes);
}

#[test]
fn every_rule_is_in_its_table() {
    let mut rules = vec!["#".to_owned()];
    rules.extend((1..=15).map(|rule| rule.to_string()));
    assert_eq!(first_cells("rules"), rules);
}

#[test]
fn every_builder_is_in_its_table() {
    let builders = cli::Builder::value_variants().iter();
    let names = builders.map(|it| it.to_possible_value().unwrap().get_name().to_owned());
    let names: Vec<_> = std::iter::once("builder".to_owned()).chain(names).collect();
    assert_eq!(first_cells("builders"), names);
}

#[test]
fn every_ci_system_and_format_is_in_its_table() {
    let cells = first_cells("pipelines");
    for system in cli::CiSystem::value_variants() {
        let name = system.word();
        assert!(
            cells.iter().any(|cell| cell == name),
            "no row for the format {name}"
        );
        let is_it = |cell: &&String| cell.as_str() != name && cell.to_lowercase() == name;
        assert!(
            cells.iter().any(|cell| is_it(&cell)),
            "no row for the system {name}"
        );
    }
}

/// A program that stands for a pager: it notes its arguments, LESS and what it is shown.
fn pager(sandbox: &Sandbox, name: &str) {
    let script =
        "#!/bin/sh\nprintf '%s\\n' \"$LESS\" \"$@\" >\"$HOME/args\"\ncat >\"$HOME/shown\"\n";
    let path = sandbox.path("home").join(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// `flota help exit-codes` on a terminal, which script(1) makes.
fn on_a_terminal(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Ran {
    let command = format!("exec {} help exit-codes", env!("CARGO_BIN_EXE_flota"));
    let mut script = sandbox.program("script", "");
    script.args(["--quiet", "--return", "--command", &command, "typescript"]);
    script.env("SHELL", "/bin/sh").env_remove("LESS");
    script.env_remove("PAGER").env_remove("FLOTA_PAGER");
    script.envs(variables.iter().copied());
    sandbox.ran(script.output().unwrap())
}

#[test]
fn a_topic_goes_through_the_pager_on_a_terminal_alone() {
    if !need("script") {
        return;
    }
    let sandbox = Sandbox::new();
    pager(&sandbox, "pager");
    pager(&sandbox, "other");
    let at = |name: &str| sandbox.path("home").join(name);
    let own = format!("{} -a 'b c'", at("pager").display());
    let other = at("other").display().to_string();

    let ran = on_a_terminal(&sandbox, &[("FLOTA_PAGER", &own), ("PAGER", "false")]);
    assert_eq!(ran.status, Some(0), "{}", ran.text());
    assert!(!ran.text().contains("SIGHUP"), "{}", ran.text());
    assert_eq!(fs::read_to_string(at("args")).unwrap(), "FRX\n-a\nb c\n");
    assert!(fs::read_to_string(at("shown")).unwrap().contains("SIGHUP"));

    let ran = on_a_terminal(&sandbox, &[("PAGER", &other), ("LESS", "M")]);
    assert_eq!(ran.status, Some(0), "{}", ran.text());
    assert_eq!(fs::read_to_string(at("args")).unwrap(), "M\n");

    fs::remove_file(at("shown")).unwrap();
    for none in ["", "cat"] {
        let ran = on_a_terminal(&sandbox, &[("FLOTA_PAGER", none), ("PAGER", &other)]);
        assert_eq!(ran.status, Some(0), "{}", ran.text());
        assert!(ran.text().contains("SIGHUP"), "{}", ran.text());
    }
    let ran = sandbox.flota_with("", &["help", "exit-codes"], |command| {
        command.env("FLOTA_PAGER", &other);
    });
    assert!(ran.text().contains("SIGHUP"), "{}", ran.text());
    assert!(!at("shown").exists());
}

#[test]
fn a_pager_that_cannot_be_run_is_warned_of_and_the_page_is_shown() {
    if !need("script") {
        return;
    }
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("home/damaged"), "").unwrap();
    let damaged = sandbox.path("home/damaged").display().to_string();
    for (value, named) in [
        ("nosuch-pager -x", "nosuch-pager"),
        ("./less", "./less"),
        ("less 'x", "FLOTA_PAGER"),
        (&damaged, &damaged),
    ] {
        let ran = on_a_terminal(&sandbox, &[("FLOTA_PAGER", value)]);
        assert_eq!(ran.status, Some(0), "{value}: {}", ran.text());
        let warning = ran
            .text()
            .lines()
            .find(|line| line.contains("warning:"))
            .map(str::to_owned);
        assert!(
            warning.is_some_and(|line| line.contains(named)),
            "{value}: {}",
            ran.text()
        );
        assert!(ran.text().contains("SIGHUP"), "{value}: {}", ran.text());
    }
}

#[test]
fn a_pager_that_ends_early_has_seen_enough() {
    if !need("script") {
        return;
    }
    let sandbox = Sandbox::new();
    let ran = on_a_terminal(&sandbox, &[("FLOTA_PAGER", "true")]);
    assert_eq!(ran.status, Some(0), "{}", ran.text());
    assert_eq!(ran.text(), "");
    // flota becomes the pager: no process is left beside it that could take a Ctrl-C meant for it.
    let ran = on_a_terminal(&sandbox, &[("FLOTA_PAGER", "false")]);
    assert_eq!(ran.status, Some(1), "{}", ran.text());
}
