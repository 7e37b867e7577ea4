//! `flota man`

use std::{fs, process::Command};

use crate::{sandbox::Sandbox, support::need};

#[test]
fn the_first_page_goes_to_standard_output() {
    let ran = Sandbox::new().flota("", &["man"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.text().contains(".TH flota 1"), "{}", ran.text());
}

#[test]
fn every_command_and_topic_has_a_page_that_man_can_read() {
    let sandbox = Sandbox::new();
    let ran = sandbox.flota("", &["man", "share/man1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for page in ["flota.1", "flota-changed.1", "flota-build.1", "flota-man.1"] {
        assert!(sandbox.path("share/man1").join(page).is_file(), "{page}");
    }
    for (topic, _) in flota::cli::TOPICS {
        let page = format!("flota-{topic}.7");
        assert!(sandbox.path("share/man1").join(&page).is_file(), "{page}");
    }
    if !need("groff") {
        return;
    }
    for page in fs::read_dir(sandbox.path("share/man1")).unwrap() {
        let page = page.unwrap().path();
        let args = ["-Kutf8", "-man", "-Tutf8", "-ww", "-b", "-z"];
        let output = Command::new("groff")
            .args(args)
            .arg(&page)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.is_empty(),
            "{}: {said}",
            page.display()
        );
    }
}

#[test]
fn a_page_has_its_programs_version_and_the_usage_of_help() {
    let sandbox = Sandbox::new();
    sandbox.flota("", &["man", "man1"]);
    for (page, synopsis) in [
        ("flota-clone", r"\fBflota clone\fR [OPTIONS] <URL> [DIR]"),
        (
            "flota-template-drift",
            r"\fBflota template drift\fR [OPTIONS] [SERVICE]...",
        ),
    ] {
        let text = fs::read_to_string(sandbox.path(format!("man1/{page}.1"))).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let title = format!(".TH {page} 1 \" \" \"flota {version}\" flota\n");
        assert!(text.contains(&title), "{text}");
        assert!(
            text.contains(&format!(".SH SYNOPSIS\n{synopsis}\n")),
            "{text}"
        );
    }
}

/// Whatever a topic says stands in its page too.
#[test]
fn a_topics_page_has_its_title_and_its_text() {
    let sandbox = Sandbox::new();
    sandbox.flota("", &["man", "man"]);
    let version = env!("CARGO_PKG_VERSION");
    let page = |name: &str| fs::read_to_string(sandbox.path("man").join(name)).unwrap();
    let codes = page("flota-exit-codes.7");
    let title = format!(".TH flota-exit-codes 7 \" \" \"flota {version}\" flota\n");
    assert!(codes.contains(&title), "{codes}");
    assert!(
        codes.contains(".TP\n\\fB129\\fR\nEnded by SIGHUP"),
        "{codes}"
    );
    let pipelines = page("flota-pipelines.7");
    assert!(
        pipelines.contains(".TP\n\\fBGitHub\\fR\n\\fIpushes with\\fR: the token"),
        "{pipelines}"
    );
    assert!(page("flota-configuration.7").contains("\n[service.cart.change]\n"));
    assert!(page("flota-cloning.7").contains(".IP - 3\nssh and git"));
    let first = sandbox.flota("", &["man"]).text();
    for (topic, _) in flota::cli::TOPICS {
        let named = format!("flota\\-{}", topic.replace('-', "\\-"));
        assert!(first.contains(&named), "{named}: {first}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("file"), "").unwrap();
    let ran = sandbox.flota("", &["man", "file/man1"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("file/man1"), "{}", ran.stderr);
}
