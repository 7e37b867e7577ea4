//! The source: each template's own tests, by its ecosystem's own runner, and what linters say.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use flota::templates;

use crate::{
    LONGEST, named, project, run, service,
    support::{need, need_that},
};

/// The interpreter that `FLOTA_TEST_PYTHON` names has what `templates/python` requires.
pub fn python() -> Option<String> {
    let python = env::var("FLOTA_TEST_PYTHON").ok();
    let python = python.filter(|python| {
        let mut import = Command::new(python);
        import.args(["-c", "import starlette, uvicorn"]);
        let ended = import.stderr(Stdio::null()).status();
        ended.is_ok_and(|status| status.success())
    });
    need_that("python-packages", python.is_some())
        .then_some(python)
        .flatten()
}

/// Whether the crates that the service in `code` depends on have been fetched to this machine.
pub fn has_crates(code: &Path) -> bool {
    let mut fetch = Command::new("cargo");
    fetch.args(["fetch", "--locked", "--offline", "--quiet"]);
    let ended = fetch.current_dir(code).stderr(Stdio::null()).status();
    need_that("crates", ended.is_ok_and(|status| status.success()))
}

/// cargo, in the folder `code`, with a target folder that later runs find again.
fn cargo(code: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(code).env(
        "CARGO_TARGET_DIR",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("service"),
    );
    // Nobody will step through it.
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
    cargo
}

#[test]
fn rust_passes_its_tests() {
    let service = service(&named("rust"), LONGEST);
    let code = service.path().join("code");
    if !has_crates(&code) {
        return;
    }
    if need("cargo-fmt") {
        run(cargo(&code).args(["fmt", "--check"]));
    }
    let offline = ["--locked", "--offline"];
    if need("cargo-clippy") {
        let lints = ["--all-targets", "--", "-Dwarnings"];
        run(cargo(&code).arg("clippy").args(offline).args(lints));
    }
    let said = run(cargo(&code).arg("test").args(offline));
    assert!(said.contains("4 passed"), "{said}");
}

#[test]
fn go_passes_its_tests() {
    if !need("go") {
        return;
    }
    let service = service(&named("go"), LONGEST);
    let go = || {
        let mut go = Command::new("go");
        go.current_dir(service.path().join("code"));
        // Nothing is downloaded.
        go.env("GOTOOLCHAIN", "local").env("GOPROXY", "off");
        go
    };
    run(go().args(["vet", "./..."]));
    let said = run(go().args(["test", "-v", "./..."]));
    assert_eq!(said.matches("--- PASS").count(), 4, "{said}");
    // It tells the files that it had to change.
    assert_eq!(run(go().args(["fmt", "./..."])), "");
}

#[test]
fn node_passes_its_tests() {
    if !need("node") {
        return;
    }
    let service = service(&named("node"), LONGEST);
    let code = service.path().join("code");
    let said = run(Command::new("node").arg("--test").current_dir(&code));
    assert!(said.contains("pass 4\n"), "{said}");
    if !need("npm") {
        return;
    }
    // The lock file is the one that npm would write: there is nothing to download, and nothing to change.
    let lock = fs::read(code.join("package-lock.json")).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--offline", "--no-audit", "--no-fund"]);
    run(npm.current_dir(&code));
    assert!(lock == fs::read(code.join("package-lock.json")).unwrap());
}

#[test]
fn python_passes_its_tests() {
    let Some(python) = python() else {
        return;
    };
    let service = service(&named("python"), LONGEST);
    let mut unittest = Command::new(python);
    unittest.args(["-m", "unittest", "--verbose"]);
    let said = run(unittest.current_dir(service.path().join("code")));
    assert!(said.contains("Ran 4 tests"), "{said}");
}

#[test]
fn dockerfiles_pass_hadolint() {
    if !need("hadolint") {
        return;
    }
    for template in templates::all().unwrap() {
        let service = service(&template, "web");
        let mut hadolint = Command::new("hadolint");
        run(hadolint.arg(service.path().join("code/Dockerfile")));
    }
}

/// Kubernetes can tell only by a number that a user is not root, and a tag that moves makes yesterday's build another one.
#[test]
fn images_run_as_a_number_and_name_their_bases() {
    for template in templates::all().unwrap() {
        let file = format!("templates/{}/code/Dockerfile", template.name);
        let text = fs::read_to_string(project(&file)).unwrap();
        let mut has_program = false;
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                ["FROM", "scratch", ..] => {}
                ["FROM", base, ..] => {
                    let (_, tag) = base.rsplit_once(':').unwrap_or_else(|| panic!("{line}"));
                    assert!(!tag.contains("latest"), "{line}");
                }
                ["ENTRYPOINT" | "CMD", ..] => has_program = true,
                _ => {}
            }
        }
        let user = text.lines().rfind(|line| line.starts_with("USER "));
        assert_eq!(user, has_program.then_some("USER 65532:65532"), "{file}");
    }
}
