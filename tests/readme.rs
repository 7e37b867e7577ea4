//! The README and CONTRIBUTING.md say what the program does and where things are. What moved from the README to the topics of
//! `flota help` is tested in `tests/cli/help.rs`.

use std::{collections::BTreeSet, fs, path::Path};

use clap::CommandFactory;
use regex::Regex;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn every_command_is_in_its_tables_once() {
    let command = flota::cli::Cli::command();
    let commands = command.get_subcommands().map(clap::Command::get_name);
    let mut commands: Vec<_> = commands.collect();
    assert!(commands.len() > 3, "{commands:?}");
    let readme = read("README.md");
    let rows = readme.lines().filter_map(|line| {
        let row = line.strip_prefix("| `flota ")?;
        row.split(|c: char| !c.is_ascii_lowercase()).next()
    });
    let mut rows: Vec<_> = rows.collect();
    commands.sort_unstable();
    rows.sort_unstable();
    assert_eq!(rows, commands);
}

#[test]
fn every_topic_is_listed() {
    let readme = read("README.md");
    for (topic, _) in flota::cli::TOPICS {
        assert!(readme.contains(&format!("`{topic}`")), "{topic}");
    }
}

/// What they name in backticks and links as a path of the repository is there; `<verb>` stands for each command.
#[test]
fn the_paths_that_they_name_are_there() {
    let quoted = Regex::new("`([^`\n]+)`").unwrap();
    for page in ["README.md", "CONTRIBUTING.md", "benches/README.md"] {
        let text = read(page);
        let quoted = quoted
            .captures_iter(&text)
            .map(|path| path.extract::<1>().1[0]);
        let linked = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let tops = [
            "src/",
            "tests/",
            "templates/",
            "fixtures/",
            "benches/",
            ".ci/",
            ".github/",
        ];
        let paths: BTreeSet<_> = quoted
            .chain(linked)
            .filter(|path| tops.iter().any(|top| path.starts_with(top)))
            .filter(|path| !path.contains(['<', ' ', '*', '@']))
            .collect();
        for path in paths {
            assert!(root().join(path).exists(), "{page}: {path}");
        }
    }
}
