//! `flota init`: what belongs to a fleet is added, and nothing that is there is touched.

use std::fs;

use crate::sandbox::Sandbox;

fn read(sandbox: &Sandbox, path: &str) -> String {
    fs::read_to_string(sandbox.path(path)).unwrap()
}

#[test]
fn an_empty_folder_becomes_a_fleet_and_a_second_run_changes_nothing() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.flota("", &["init", "shop"]).transcript());
    let listed = || sandbox.git("shop", &["status", "--porcelain", "--untracked-files=all"]);
    assert_eq!(
        listed(),
        "?? README.md\n?? code-repos/.gitkeep\n?? flota.schema.json\n?? flota.toml\n?? infrastructure/.gitkeep\n"
    );
    sandbox.git("shop", &["add", "--all"]);
    let again = sandbox.flota("shop", &["init", "--format", "json"]).json();
    assert_eq!(again["new_repository"], false);
    for file in again["files"].as_array().unwrap() {
        assert_eq!(file["outcome"], "kept");
    }
    assert!(sandbox.git("shop", &["diff"]).is_empty());
    // What it says of itself holds: the base branch is found.
    assert!(read(&sandbox, "shop/flota.toml").contains("\nbase_branch = \"main\"\n"));
}

#[test]
fn what_is_there_stays_and_the_readme_gets_its_section_once() {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "--initial-branch=trunk", "shop"]);
    fs::write(sandbox.path("shop/README.md"), "# Ours\n\nText.").unwrap();
    fs::write(sandbox.path("shop/flota.toml"), "[fleet]\n").unwrap();
    for _ in 0..2 {
        let ran = sandbox.flota("shop", &["init"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    }
    let readme = read(&sandbox, "shop/README.md");
    assert!(
        readme.starts_with("# Ours\n\nText.\n\n<!-- flota init -->\n## "),
        "{readme}"
    );
    assert_eq!(readme.matches("flota init").count(), 1);
    assert_eq!(read(&sandbox, "shop/flota.toml"), "[fleet]\n");
    // Every command that the section names is one.
    for command in ["clone", "new", "status", "bump", "changed", "build"] {
        assert!(readme.contains(&format!("`flota {command}")), "{command}");
        assert_eq!(sandbox.flota("", &[command, "--help"]).status, Some(0));
    }
}

#[test]
fn a_fleet_that_has_submodules_is_adopted() {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git("ours", &["switch", "--quiet", "--create", "feature"]);
    let made = sandbox.flota("ours", &["init", "--format", "json"]).json();
    assert!(made["submodules"].as_u64() > Some(1));
    assert_eq!(made["files"][2]["path"], "code-repos/");
    assert_eq!(made["files"][2]["outcome"], "kept");
    // The remote's branch, not the one that happens to be checked out; and no settings for charts of ours.
    let settings = read(&sandbox, "ours/flota.toml");
    assert!(settings.contains("\nbase_branch = \"main\"\n"));
    assert!(settings.contains("\n#tokens = "));
    let status = sandbox.flota("ours", &["status"]);
    assert_eq!(status.status, Some(0), "{}", status.stderr);
}

#[test]
fn nothing_is_made_within_another_repository_or_written_through_a_link() {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "outer"]);
    let ran = sandbox.flota("outer", &["init", "inner"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("is inside the repository"),
        "{}",
        ran.stderr
    );
    assert!(!sandbox.path("outer/inner/.git").exists());

    fs::write(sandbox.path("elsewhere"), "mine").unwrap();
    fs::create_dir(sandbox.path("folder")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", sandbox.path("outer/README.md")).unwrap();
    std::os::unix::fs::symlink("../folder", sandbox.path("outer/infrastructure")).unwrap();
    let ran = sandbox.flota("outer", &["init"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(read(&sandbox, "elsewhere"), "mine");
    assert_eq!(fs::read_dir(sandbox.path("folder")).unwrap().count(), 0);
}
