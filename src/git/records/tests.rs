//! Clones that share one remote, written at once; plain git says what came of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bstr::ByteSlice;
use gix::ObjectId;
use tempfile::TempDir;

use super::{
    remote::RecordRemote,
    shared_ref::{PREFIX, SharedRef},
};
use crate::git::{
    command::{git, git_of_user},
    network::{fetch::PATIENCE, shallow::RemoteAccess},
    repository::Repository,
};

mod evidence;
mod remote;

const ONLINE: RemoteAccess = RemoteAccess {
    offline: false,
    patience: PATIENCE,
};

/// A remote, and clones of it in `clone0`, `clone1` and so on.
struct SharedRemote {
    dir: TempDir,
}

impl SharedRemote {
    fn new(clones: usize) -> Self {
        Self::of_format(clones, "sha1")
    }

    fn of_format(clones: usize, format: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shared = Self { dir };
        let format = format!("--object-format={format}");
        shared.git("", &["init", "--quiet", "--bare", &format, "remote"]);
        shared.git(
            "",
            &["init", "--quiet", "--initial-branch=main", &format, "first"],
        );
        shared.git("first", &["commit", "--quiet", "--allow-empty", "-m", "x"]);
        shared.git("first", &["push", "--quiet", "../remote", "main"]);
        shared.git(
            "remote",
            &["--git-dir=.", "symbolic-ref", "HEAD", "refs/heads/main"],
        );
        for number in 0..clones {
            shared.git(
                "",
                &["clone", "--quiet", "remote", &format!("clone{number}")],
            );
        }
        shared
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn clone(&self, number: usize) -> Repository {
        Repository::discover(&self.path(&format!("clone{number}"))).unwrap()
    }

    /// What git says, run in `name`.
    fn git(&self, name: &str, args: &[&str]) -> String {
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        let done = git(&self.path(name))
            .args(who)
            .args(args)
            .stdout_as_data(1 << 20)
            .run()
            .unwrap();
        assert!(done.success(), "{args:?}: {}", done.text.as_bstr());
        done.stdout.to_str_lossy().trim().to_owned()
    }

    /// What git says of the remote.
    fn there(&self, args: &[&str]) -> String {
        self.git("remote", &[&["--git-dir=."], args].concat())
    }

    /// A hook of the remote.
    fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let hook = self.path("remote/hooks").join(name);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn remote(fleet: &Repository) -> RecordRemote<'_> {
    RecordRemote::of(fleet, ONLINE).unwrap().unwrap()
}

fn shared_ref(name: &str) -> SharedRef {
    SharedRef::new(PREFIX, format!("{PREFIX}/{name}"))
}

/// A commit of the clone `dir` that nobody else has.
fn commit(dir: &Path, message: &str) -> ObjectId {
    let made = git_of_user(dir)
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
        .args(["commit-tree", "-m", message, "HEAD^{tree}"])
        .stdout_as_data(1 << 10)
        .run()
        .unwrap();
    assert!(made.success(), "{}", made.text.as_bstr());
    made.stdout.to_str_lossy().trim().parse().unwrap()
}
