//! Replacement refs (git-replace(1)) and grafts: they count as for git, and what is read through them is not kept.

use std::fs;

use serde_json::Value;

use super::oracle;
use crate::sandbox::Sandbox;

const RANGE: [&str; 4] = ["changed", "HEAD~1..HEAD", "--format", "json"];

fn first(sandbox: &Sandbox, dir: &str) -> Value {
    sandbox.flota(dir, &RANGE).json()["services"][0].clone()
}

/// The git directory of the fleet's submodule `api`.
const MODULE: &str = "fleet/.git/modules/api";

/// In the submodule, for the pin at head: loose and packed; before and after flota learned of the pin.
#[test]
fn a_replaced_pin_is_read_as_git_reads_it() {
    for packed in [false, true] {
        for learned in [false, true] {
            let case = format!("packed {packed}, learned {learned}");
            let sandbox = Sandbox::scripted("code");
            if learned {
                assert_eq!(first(&sandbox, "fleet")["action"], "image", "{case}");
            }
            let inside = "fleet/code-repos/api";
            let new = sandbox.git(inside, &["rev-parse", "HEAD"]);
            let old = sandbox.git("fleet", &["rev-parse", "HEAD~1:code-repos/api"]);
            sandbox.git(inside, &["replace", new.trim(), old.trim()]);
            if packed {
                sandbox.git(inside, &["pack-refs", "--all"]);
            }
            let replaced = first(&sandbox, "fleet");
            assert_eq!(replaced["code"]["from"], replaced["code"]["to"], "{case}");
            assert_eq!(replaced["action"], "none", "{case}");
            let diff = ["diff", "--name-only", old.trim(), new.trim()];
            assert_eq!(sandbox.git(inside, &diff), "", "{case}");
            sandbox.git(inside, &["config", "core.useReplaceRefs", "false"]);
            assert_eq!(first(&sandbox, "fleet")["action"], "image", "{case}");
            sandbox.git(inside, &["config", "--unset", "core.useReplaceRefs"]);
            assert_eq!(first(&sandbox, "fleet")["action"], "none", "{case}");
            sandbox.git(inside, &["replace", "-d", new.trim()]);
            assert_eq!(first(&sandbox, "fleet")["action"], "image", "{case}");
        }
    }
}

/// In the fleet: the base is what stands in for it.
#[test]
fn a_replaced_commit_of_the_fleet_is_read_as_git_reads_it() {
    let sandbox = Sandbox::scripted("code");
    let [base, head] = ["HEAD~1", "HEAD"].map(|rev| sandbox.git("fleet", &["rev-parse", rev]));
    let range = format!("{}..{}", base.trim(), head.trim());
    let args = ["changed", &range, "--format", "json"];
    sandbox.git("fleet", &["replace", base.trim(), head.trim()]);
    let json = sandbox.flota("fleet", &args).json();
    assert_eq!(json["services"].as_array().unwrap().len(), 0);
    sandbox.git("fleet", &["replace", "-d", base.trim()]);
    let json = sandbox.flota("fleet", &args).json();
    oracle::check(&sandbox, "fleet", &json);
    assert_eq!(json["services"].as_array().unwrap().len(), 1);
}

/// In the submodule: the direction follows the parents that the graft names, and is forgotten with it.
#[test]
fn a_graft_turns_the_direction() {
    let sandbox = Sandbox::scripted("diverged");
    let direction = || first(&sandbox, "fleet")["direction"].clone();
    let [from, to] = ["HEAD~1", "HEAD"].map(|rev| {
        let rev = format!("{rev}:code-repos/api");
        sandbox.git("fleet", &["rev-parse", &rev]).trim().to_owned()
    });
    let grafts = sandbox.path(MODULE).join("info/grafts");
    fs::create_dir_all(grafts.parent().unwrap()).unwrap();
    fs::write(&grafts, format!("{to} {from}\n")).unwrap();
    let ancestor = ["merge-base", "--is-ancestor", &from, &to];
    assert!(
        sandbox
            .git_output("fleet/code-repos/api", &ancestor)
            .status
            .success()
    );
    assert_eq!(direction(), "forward");
    fs::write(&grafts, format!("{from} {to}\n")).unwrap();
    assert_eq!(direction(), "rollback");
    fs::remove_file(&grafts).unwrap();
    assert_eq!(direction(), "diverged");
}

/// In the fleet: names of ancestors and the merge base follow it, with a commit graph beside it too.
#[test]
fn a_graft_of_the_fleet_moves_the_base() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--allow-empty", "--message=Nothing"],
    );
    let ids = ["HEAD", "HEAD~1", "HEAD~2"].map(|rev| {
        let id = sandbox.git("fleet", &["rev-parse", rev]);
        id.trim().to_owned()
    });
    sandbox.git("fleet", &["branch", "old", &ids[2]]);
    sandbox.git("fleet", &["commit-graph", "write", "--reachable"]);
    let count = |range: &str| {
        let json = sandbox
            .flota("fleet", &["changed", range, "--format", "json"])
            .json();
        json["services"].as_array().unwrap().len()
    };
    assert_eq!((count("HEAD~1..HEAD"), count("old...HEAD")), (0, 1));
    let grafts = sandbox.path("fleet/.git/info/grafts");
    fs::create_dir_all(grafts.parent().unwrap()).unwrap();
    fs::write(&grafts, format!("{} {}\n", ids[0], ids[2])).unwrap();
    assert_eq!(
        sandbox.git("fleet", &["rev-parse", "HEAD~1"]).trim(),
        ids[2]
    );
    assert_eq!((count("HEAD~1..HEAD"), count("old...HEAD")), (1, 1));
    // Without any parent, the two have nothing in common.
    fs::write(&grafts, format!("{}\n", ids[0])).unwrap();
    let ran = sandbox.flota("fleet", &["changed", "old...HEAD"]);
    assert_eq!(ran.status, Some(4), "{}", ran.text());
    assert!(
        !sandbox
            .git_output("fleet", &["merge-base", "old", "HEAD"])
            .status
            .success()
    );
}
