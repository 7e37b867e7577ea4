//! Says of which commit the program is: `flota --version`. Release builds alone are told, so that a developer's commit makes
//! nothing but those anew.

use std::{env, fs, path::Path, process::Command};

/// What `git archive` puts in the place of this (gitattributes(5), `export-subst`): in a tarball without a repository.
const ARCHIVED: &str = "$Format:%h %cs$";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=FLOTA_COMMIT");
    let version = env::var("CARGO_PKG_VERSION").expect("cargo sets it");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let told = || env::var("FLOTA_COMMIT").ok().filter(|told| is_plain(told));
    let commit = told().or_else(|| is_release.then(found).flatten());
    let shown = commit.map_or(version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo::rustc-env=FLOTA_VERSION={shown}");
    if is_release {
        link_at_fixed_address();
    }
}

/// Half of what `flota --version` took above a program that does nothing were 36,000 pointers that the loader had to move on each
/// start, page by page. What is given up: the addresses of the program's own code and constants are the same in each run.
/// Libraries, heap and stack still lie elsewhere each time, and flota has no unsafe code of its own.
fn link_at_fixed_address() {
    let is = |name, value| env::var(name).is_ok_and(|found| found == value);
    // musl's start-up files go by rustc's own option: `-C relocation-model=static`.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

/// The commit and its date, wherever they are known from: this repository, the package that cargo made of it, or a tarball.
fn found() -> Option<String> {
    repository()
        .or_else(package)
        .or_else(|| Some(ARCHIVED.to_owned()))
        .filter(|found| is_plain(found))
}

/// Not a repository that this folder only lies in, as a vendored package does.
fn repository() -> Option<String> {
    let here = fs::canonicalize(env::var_os("CARGO_MANIFEST_DIR")?).ok()?;
    let root = fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if here != root {
        return None;
    }
    // Every commit is noted in the log of HEAD, wherever its branch is kept.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        // A file that is not there would make every build a new one.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["log", "-1", "--abbrev=7", "--format=%h %cs"])
}

/// `.cargo_vcs_info.json`, which cargo puts into every package it makes from a clean repository.
fn package() -> Option<String> {
    let info = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, after) = info.split_once("\"sha1\"")?;
    let commit = after.split('"').nth(1)?;
    commit.get(..7).map(str::to_owned)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Whether it is a commit, and a date at most: nothing that would show in another way.
fn is_plain(commit: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_hexdigit() || c == '-' || c == ' ';
    !commit.is_empty() && commit.chars().all(is_plain)
}
