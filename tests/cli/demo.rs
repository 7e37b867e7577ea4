//! `flota demo`

use crate::{build::timeless, sandbox::Sandbox};

#[test]
fn it_shows_changed_plan_and_build() {
    let sandbox = Sandbox::new();
    let ran = sandbox.flota("", &["demo", "shown"]);
    let mut lines: Vec<_> = timeless(&ran).lines().map(str::to_owned).collect();
    // Services end in any order.
    let is_ending = |line: &String| line.starts_with("✓ ") || line.starts_with("= ");
    for run in lines.chunk_by_mut(|a, b| is_ending(a) && is_ending(b)) {
        run.sort();
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn it_is_the_same_fleet_each_time() {
    let sandbox = Sandbox::new();
    let [one, two] = ["one", "two"].map(|name| {
        assert_eq!(sandbox.flota("", &["demo", name]).status, Some(0));
        let fleet = format!("{name}/fleet");
        let head = sandbox.git(&fleet, &["rev-parse", "HEAD"]);
        assert_eq!(sandbox.git(&fleet, &["status", "--porcelain"]), "");
        assert_eq!(
            sandbox.git(
                &fleet,
                &["submodule", "foreach", "--quiet", "git status --porcelain"]
            ),
            ""
        );
        head
    });
    assert_eq!(one, two);
}

#[test]
fn its_folder_must_be_empty() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("home/mine"), "keep").unwrap();
    insta::assert_snapshot!(sandbox.flota("", &["demo", "home"]).transcript());
    assert_eq!(std::fs::read_dir(sandbox.path("home")).unwrap().count(), 1);
}

#[test]
fn without_a_folder_it_makes_one_and_keeps_it() {
    let sandbox = Sandbox::new();
    let ran = sandbox.flota_with("", &["demo"], |command| {
        command.env("TMPDIR", sandbox.root());
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let place = ran.stderr.rsplit("cd ").next().unwrap().trim_end();
    assert!(std::path::Path::new(place).starts_with(sandbox.root()));
    assert!(
        std::path::Path::new(place).join("flota.toml").is_file(),
        "{place}"
    );
}
