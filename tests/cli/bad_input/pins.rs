//! Pins that are not at hand are fetched; what cannot be fetched or is damaged is named, and never taken for unchanged.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{LAST, REPOSITORY, changed, named};
use crate::sandbox::{Ran, Sandbox};

#[test]
fn a_submodule_that_is_not_initialised_is_fetched_or_named() {
    let sandbox = Sandbox::scripted("code");
    let json = ["--format", "json", LAST];
    let initialised = changed(&sandbox, &json).json();
    let sandbox = Sandbox::scripted("code");
    uninitialise(&sandbox, "api");

    let offline = without_api(&sandbox, &[LAST, "--offline"]);
    assert_eq!(offline.status, Some(REPOSITORY));
    insta::assert_snapshot!(offline.transcript());

    assert_eq!(changed(&sandbox, &json).json(), initialised);
    // What was learned is kept.
    let again = without_api(&sandbox, &[&json[..], &["--offline"]].concat());
    assert_eq!(again.json(), initialised);
    assert!(!module(&sandbox, "api").exists(), "nothing is initialised");
}

#[test]
fn a_remote_that_is_gone_is_named_and_the_others_are_answered_for() {
    let sandbox = Sandbox::scripted("packed");
    uninitialise(&sandbox, "api");
    fs::rename(sandbox.path("api"), sandbox.path("gone")).unwrap();
    let transcripts = [
        &["changed", LAST][..],
        &["changed", LAST, "--format", "json"],
        &["plan", LAST],
        &["plan", LAST, "--format", "json"],
    ]
    .map(|args| {
        let ran = sandbox.flota("fleet", args);
        assert_eq!(ran.status, Some(REPOSITORY));
        format!("$ flota {}\n{}", args.join(" "), ran.transcript())
    });
    insta::assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn a_pin_that_was_never_pushed_is_named() {
    let sandbox = Sandbox::scripted("code");
    let worktree = "fleet/code-repos/api";
    fs::write(sandbox.path(worktree).join("code/app"), "mine alone").unwrap();
    let commit = ["commit", "--quiet", "--all", "--message", "Push it later"];
    sandbox.git(worktree, &commit);
    sandbox.git("fleet", &commit);
    assert_eq!(changed(&sandbox, &[LAST, "--strict"]).status, Some(0));

    // Whoever clones the fleet does not get that commit.
    let clone = [
        "clone",
        "--quiet",
        "--recurse-submodules=code-repos/web",
        "fleet",
        "theirs",
    ];
    sandbox.git("", &clone);
    let ran = sandbox.flota("theirs", &["changed", LAST]);
    assert_eq!(ran.status, Some(REPOSITORY));
    insta::assert_snapshot!(ran.transcript());

    // The command of its hint mends it.
    let hint = "flota update --remote code-repos/api";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    let words: Vec<_> = hint.split(' ').skip(1).collect();
    assert_eq!(sandbox.flota("theirs", &words).status, Some(0));
    sandbox.git("theirs", &["commit", "--quiet", "--message=Pin it"]);
    let ran = sandbox.flota("theirs", &["changed", "HEAD~2..HEAD"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

#[test]
fn nothing_is_read_of_submodules_whose_pins_stand() {
    let sandbox = Sandbox::scripted("code");
    uninitialise(&sandbox, "web");
    assert_eq!(changed(&sandbox, &[LAST]).status, Some(0));
}

#[test]
fn a_damaged_object_is_an_error() {
    let transcripts = ["HEAD", "HEAD^{tree}", "HEAD~1", "HEAD~1^{tree}"].map(|object| {
        let sandbox = Sandbox::scripted("code");
        let id = sandbox.git("api", &["rev-parse", object]);
        overwrite(&loose(&module(&sandbox, "api"), &id), b"no zlib stream");
        let ran = changed(&sandbox, &[LAST]);
        assert_eq!(ran.status, Some(REPOSITORY), "{object}: {}", ran.text());
        format!("{object}: {}", ran.transcript())
    });
    insta::assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn a_damaged_pack_is_an_error() {
    let ran = changed(&with_damaged("pack"), &[LAST]);
    insta::assert_snapshot!(named(&ran, REPOSITORY));
}

/// What is wrong with one submodule says nothing of the others.
#[test]
fn a_damaged_submodule_does_not_silence_the_others() {
    type Damage = fn(&Sandbox);
    let damages: [(&str, Damage); 6] = [
        ("its new commit", |sandbox| damage(sandbox, "HEAD")),
        ("its new tree", |sandbox| damage(sandbox, "HEAD^{tree}")),
        ("its old commit", |sandbox| damage(sandbox, "HEAD~1")),
        ("its old tree", |sandbox| damage(sandbox, "HEAD~1^{tree}")),
        ("its pin is a tree", |sandbox| {
            let tree = sandbox.git("api", &["rev-parse", "HEAD^{tree}"]);
            pin(sandbox, tree.trim());
        }),
        ("its name leads outside", |sandbox| {
            let file = sandbox.path("fleet/.gitmodules");
            let text = fs::read_to_string(&file).unwrap();
            fs::write(file, text.replace("\"api\"", "\"../api\"")).unwrap();
            let amend = ["commit", "--quiet", "--all", "--amend", "--no-edit"];
            sandbox.git("fleet", &amend);
        }),
    ];
    for (what, damage) in damages {
        let sandbox = Sandbox::scripted("worktree");
        bump_both(&sandbox);
        damage(&sandbox);
        for jobs in ["-j1", "-j8"] {
            let ran = changed(&sandbox, &["--format", "names", LAST, jobs]);
            assert_eq!(ran.status, Some(REPOSITORY), "{what}: {}", ran.stderr);
            assert_eq!(ran.text(), "web\n", "{what}: {}", ran.stderr);
            let named = ran.stderr.contains("cannot read code-repos/api at ");
            assert!(named, "{what}: {}", ran.stderr);
        }
        let ran = sandbox.flota("fleet", &["check", LAST, "--format", "json"]);
        assert_eq!(ran.status, Some(REPOSITORY), "{what}: {}", ran.stderr);
        let checked: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(checked["services"][0]["name"], "web", "{what}");
    }
}

/// The same of the submodules inside one: the one around them is answered for.
#[test]
fn a_damaged_submodule_of_a_submodule_does_not_silence_the_one_around_it() {
    let sandbox = Sandbox::scripted("nested");
    let core = sandbox.path("fleet/.git/modules/platform/modules/core");
    let id = sandbox.git("core", &["rev-parse", "HEAD"]);
    overwrite(&loose(&core, &id), b"no zlib stream");
    let ran = changed(&sandbox, &["HEAD~2..HEAD~1", "--format", "json"]);
    assert_eq!(ran.status, Some(REPOSITORY), "{}", ran.stderr);
    let answer: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(answer["services"][0]["name"], "platform");
    assert_eq!(answer["errors"][0]["path"], "code-repos/platform/libs/core");
}

/// The comparison reads objects alone, `check` the refs too.
#[test]
fn a_damaged_configuration_does_not_silence_the_others() {
    let sandbox = Sandbox::scripted("worktree");
    bump_both(&sandbox);
    fs::write(module(&sandbox, "api").join("config"), "[no section").unwrap();
    let ran = sandbox.flota("fleet", &["check", LAST, "--format", "json"]);
    assert_eq!(ran.status, Some(REPOSITORY), "{}", ran.stderr);
    let checked: Value = serde_json::from_slice(&ran.stdout).expect(&ran.stderr);
    assert_eq!(checked["errors"][0]["path"], "code-repos/api");
    assert_eq!(checked["services"].as_array().unwrap().len(), 2);
}

#[test]
fn what_a_damaged_index_hides_is_fetched_or_named() {
    let whole = changed(&Sandbox::scripted("packed"), &[LAST]).text();
    let sandbox = with_damaged("idx");
    let offline = without_api(&sandbox, &[LAST, "--offline"]);
    assert_eq!(offline.status, Some(REPOSITORY));
    insta::assert_snapshot!(offline.transcript());
    assert_eq!(changed(&sandbox, &[LAST]).text(), whole);
}

/// A commit of the fleet that moves api and web.
fn bump_both(sandbox: &Sandbox) {
    for service in ["api", "web"] {
        fs::write(sandbox.path(service).join("code/app"), "one more version").unwrap();
        let commit = ["commit", "--quiet", "--all", "--message", "One more"];
        sandbox.git(service, &commit);
        let linked = format!("fleet/code-repos/{service}");
        sandbox.git(&linked, &["fetch", "--quiet", "origin"]);
        let tip = ["checkout", "--quiet", "--force", "origin/main"];
        sandbox.git(&linked, &tip);
    }
    sandbox.git("fleet", &["add", "code-repos"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message=Move both"]);
}

/// Damages an object of api's own repository.
fn damage(sandbox: &Sandbox, object: &str) {
    let id = sandbox.git("api", &["rev-parse", object]);
    overwrite(&loose(&module(sandbox, "api"), &id), b"no zlib stream");
}

/// Makes `commit` api's pin, whatever it is.
fn pin(sandbox: &Sandbox, commit: &str) {
    let entry = format!("160000,{commit},code-repos/api");
    sandbox.git("fleet", &["update-index", "--cacheinfo", &entry]);
    sandbox.git("fleet", &["commit", "--quiet", "--amend", "--no-edit"]);
}

/// What flota says while the repository that api comes from is not on this machine.
fn without_api(sandbox: &Sandbox, args: &[&str]) -> Ran {
    let (api, gone) = (sandbox.path("api"), sandbox.path("gone"));
    fs::rename(&api, &gone).unwrap();
    let ran = changed(sandbox, args);
    fs::rename(&gone, &api).unwrap();
    ran
}

/// A fleet in which api's packs, or their indices, are zeros behind their headers.
fn with_damaged(extension: &str) -> Sandbox {
    let sandbox = Sandbox::scripted("packed");
    let folder = module(&sandbox, "api").join("objects/pack");
    for file in folder.read_dir().unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|found| found == extension) {
            let mut bytes = fs::read(&file).unwrap();
            bytes[12..].fill(0);
            overwrite(&file, &bytes);
        }
    }
    sandbox
}

/// The git directory of a submodule of the fleet.
fn module(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.path("fleet/.git/modules").join(name)
}

/// The file of a loose object.
fn loose(git_dir: &Path, id: &str) -> PathBuf {
    let (folder, file) = id.trim().split_at(2);
    git_dir.join("objects").join(folder).join(file)
}

fn uninitialise(sandbox: &Sandbox, name: &str) {
    fs::remove_dir_all(module(sandbox, name)).unwrap();
    fs::remove_file(sandbox.path("fleet/code-repos").join(name).join(".git")).unwrap();
}

/// Overwrites a read-only file of git's.
fn overwrite(file: &Path, bytes: &[u8]) {
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
}
