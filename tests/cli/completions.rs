//! `flota completions`

use std::{fs, process::Command};

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

#[test]
fn bash_completes_by_its_script() {
    if !need("bash") {
        return;
    }
    let sandbox = Sandbox::new();
    let script = sandbox.flota("", &["completions", "bash"]).stdout;
    fs::write(sandbox.path("flota.bash"), script).unwrap();
    let ask = r#"
        . ./flota.bash
        COMP_WORDS=(flota chan) COMP_CWORD=1
        _flota flota chan flota
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", ask])
        .current_dir(sandbox.root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "changed\n",
        "{said}"
    );
}

#[test]
fn a_shell_that_nobody_knows_is_refused() {
    let ran = Sandbox::new().flota("", &["completions", "tcsh"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("bash"), "{}", ran.stderr);
}
