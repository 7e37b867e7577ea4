//! `.ci/package`, which packs a release.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;

use crate::{consumers::run, sandbox::Sandbox};

const NAME: &str = "flota-0.1.0-target";
const DATE: u64 = 1_700_000_000;

/// Packs into the folder `out`; the archive. `umask` is that of whoever packs.
fn pack(sandbox: &Sandbox, out: &str, umask: &str) -> PathBuf {
    let program = sandbox.path(format!("{out}-program"));
    // The real one is large, and says the same.
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_flota"));
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/package");
    run(sandbox
        .program("bash", "")
        .args(["-c", "umask \"$1\" && shift && \"$@\"", "bash", umask])
        .args([&package, &program, Path::new("target"), &sandbox.path(out)])
        .env("SOURCE_DATE_EPOCH", DATE.to_string()));
    sandbox.path(out).join(format!("{NAME}.tar.gz"))
}

#[test]
fn the_archive_is_the_same_whoever_packs_it() {
    let sandbox = Sandbox::new();
    let [one, other] = [("one", "0022"), ("other", "0077")]
        .map(|(out, umask)| fs::read(pack(&sandbox, out, umask)).unwrap());
    assert!(one == other, "two archives of the same differ");
}

#[test]
fn the_archive_holds_what_an_installation_needs() {
    let sandbox = Sandbox::new();
    let archive = pack(&sandbox, "out", "0027");
    run(sandbox
        .program("sha256sum", "out")
        .args(["--check", &format!("{NAME}.tar.gz.sha256")]));
    let mut archive = tar::Archive::new(GzDecoder::new(fs::File::open(archive).unwrap()));
    let mut files = BTreeSet::new();
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let (path, header) = (entry.path().unwrap().into_owned(), entry.header());
        let owner = (header.uid().unwrap(), header.gid().unwrap());
        assert_eq!((owner, header.mtime().unwrap()), ((0, 0), DATE), "{path:?}");
        let is_run = header.entry_type().is_dir() || path.ends_with("flota");
        let mode = if is_run { 0o755 } else { 0o644 };
        assert_eq!(header.mode().unwrap() & 0o777, mode, "{path:?}");
        if header.entry_type().is_file() {
            let path = path.strip_prefix(NAME).unwrap();
            files.insert(path.to_str().unwrap().to_owned());
        }
    }
    for file in [
        "flota",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "flota.schema.json",
    ] {
        assert!(files.remove(file), "{file}");
    }
    for script in [
        "_flota",
        "_flota.ps1",
        "flota.bash",
        "flota.elv",
        "flota.fish",
    ] {
        assert!(files.remove(&format!("completions/{script}")), "{script}");
    }
    for page in ["flota", "flota-build", "flota-template-drift"] {
        assert!(files.contains(&format!("man/man1/{page}.1")), "{page}");
    }
    for page in ["flota-rules", "flota-exit-codes"] {
        assert!(files.contains(&format!("man/man7/{page}.7")), "{page}");
    }
    files.retain(|file| {
        let is_page = |section: u8| {
            file.starts_with(&format!("man/man{section}/flota"))
                && file.ends_with(&format!(".{section}"))
        };
        !is_page(1) && !is_page(7)
    });
    assert_eq!(files, BTreeSet::new(), "nothing else");
}
