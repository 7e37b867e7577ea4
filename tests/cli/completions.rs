//! `flota completions`

use std::fs;

use crate::{sandbox::Sandbox, support::need};

#[test]
fn every_shell_has_a_script() {
    let sandbox = Sandbox::new();
    for (shell, begin) in [
        ("bash", "_flota()"),
        ("elvish", "edit:completion"),
        ("fish", "complete -c flota"),
        ("powershell", "Register-ArgumentCompleter"),
        ("zsh", "#compdef flota"),
    ] {
        let ran = sandbox.flota("", &["completions", shell]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert!(ran.text().contains(begin), "{shell}");
        assert!(ran.text().contains("changed"), "{shell}");
    }
}

/// What a shell says when its script is there, under the name that it wants, and `ask` is run.
fn asked(shell: &str, script: &str, ask: &[&str]) -> String {
    let sandbox = Sandbox::new();
    let text = sandbox.flota("", &["completions", shell]).stdout;
    fs::write(sandbox.path(script), text).unwrap();
    let output = sandbox.program(shell, "").args(ask).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn bash_completes_by_its_script() {
    if !need("bash") {
        return;
    }
    let ask = r#"
        . ./flota.bash
        COMP_WORDS=(flota chan) COMP_CWORD=1
        _flota flota chan flota
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let said = asked("bash", "flota.bash", &["-euo", "pipefail", "-c", ask]);
    assert_eq!(said, "changed\n");
}

#[test]
fn zsh_finds_its_script() {
    if !need("zsh") {
        return;
    }
    let ask = r#"
        zsh -n _flota
        fpath=($PWD $fpath)
        autoload -Uz compinit
        compinit -u -d compdump
        print -r -- $_comps[flota]
        autoload +X _flota
    "#;
    assert_eq!(asked("zsh", "_flota", &["-efc", ask]), "_flota\n");
}

#[test]
fn fish_completes_by_its_script_and_expands_nothing_in_it() {
    if !need("fish") {
        return;
    }
    let ask = r#"
        source flota.fish
        complete --do-complete "flota chan"
        complete --do-complete "flota plan --format git"
    "#;
    let said = asked("fish", "flota.fish", &["--no-config", "-c", ask]);
    let wanted = "changed\tShow what changed inside the services between two commits\n\
                  github\tA matrix, written to the file in GITHUB_OUTPUT if that is set (and the table is printed)\n\
                  gitlab\tA child pipeline\n";
    assert_eq!(said, wanted);
}

#[test]
fn a_shell_that_nobody_knows_is_refused() {
    let ran = Sandbox::new().flota("", &["completions", "tcsh"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("bash"), "{}", ran.stderr);
}
