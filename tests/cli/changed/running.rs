//! How it runs: the same answer on any number of threads, and no process started for it.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{LAST, json, oracle};
use crate::sandbox::Sandbox;

#[test]
fn the_answer_is_the_same_for_any_number_of_threads() {
    let sandbox = Sandbox::scripted("many");
    let answer = |jobs| {
        let args = ["changed", LAST, "--files", "--format", "json", jobs];
        let ran = sandbox.flota("fleet", &args);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        ran.text()
    };
    let one = answer("-j1");
    for jobs in ["-j8", "-j8", "-j1", "-j3"] {
        assert_eq!(answer(jobs), one, "{jobs}");
    }
    oracle::check(&sandbox, "fleet", &json(&sandbox, "fleet", &[LAST]));
}

#[test]
fn no_process_is_started() {
    let sandbox = Sandbox::scripted("many");
    let tools = sandbox.path("tools");
    fs::create_dir(&tools).unwrap();
    let record = sandbox.path("started");
    for tool in ["git", "sh", "ssh"] {
        let fake = format!(
            "#!/bin/sh\necho \"$0 $*\" >>'{}'\nexit 1\n",
            record.display()
        );
        fs::write(tools.join(tool), fake).unwrap();
        fs::set_permissions(tools.join(tool), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for command in ["changed", "plan"] {
        let ran = sandbox.flota_with("fleet", &[command, LAST], |flota| {
            flota.env("PATH", &tools);
        });
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert!(!record.exists(), "{}", fs::read_to_string(&record).unwrap());
    }
}
