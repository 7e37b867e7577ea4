//! What is found in a repository that git made.

use tempfile::TempDir;

use super::*;
use crate::model::exit::Exit;

/// A repository with one commit on `main`, in which `file` holds `one`.
struct Worktree(TempDir);

impl Worktree {
    fn new() -> Self {
        let new = Self(tempfile::tempdir().unwrap());
        new.git(&["init", "--quiet", "--initial-branch=main"]);
        new.commit("one");
        new
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn git_dir(&self) -> std::path::PathBuf {
        self.dir().join(".git")
    }

    fn git(&self, args: &[&str]) -> String {
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        let done = git(self.dir())
            .args(who)
            .args(args)
            .stdout_as_data(1 << 10)
            .run()
            .unwrap();
        assert!(done.success(), "{args:?}: {}", done.text.as_bstr());
        done.stdout.to_str_lossy().trim().to_owned()
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.dir().join(file), text).unwrap();
    }

    fn commit(&self, text: &str) -> ObjectId {
        self.write("file", text);
        self.git(&["add", "file"]);
        self.git(&["commit", "--quiet", "--no-gpg-sign", "-m", text]);
        self.head()
    }

    fn head(&self) -> ObjectId {
        let id = self.git(&["rev-parse", "HEAD"]);
        ObjectId::from_hex(id.as_bytes()).unwrap()
    }

    fn unreachable(&self) -> Option<Error> {
        unreachable_commits(self.dir(), &self.git_dir()).unwrap()
    }
}

#[test]
fn work_in_no_commit_is_counted_and_files_that_git_does_not_know_are_not() {
    let tree = Worktree::new();
    assert!(uncommitted(tree.dir()).unwrap().is_none());
    tree.write("unknown", "two");
    assert!(uncommitted(tree.dir()).unwrap().is_none());

    tree.write("file", "two");
    let error = uncommitted(tree.dir()).unwrap().unwrap();
    assert_eq!(error.exit(), Exit::Repository);
    assert_eq!(error.to_string(), "it has uncommitted changes (1 file)");

    tree.git(&["add", "unknown"]);
    let error = uncommitted(tree.dir()).unwrap().unwrap();
    assert_eq!(error.to_string(), "it has uncommitted changes (2 files)");
}

#[test]
fn a_commit_that_only_a_detached_head_leads_to_would_be_lost() {
    let tree = Worktree::new();
    assert!(tree.unreachable().is_none(), "on a branch");
    tree.commit("two");
    assert!(tree.unreachable().is_none(), "on a branch, not pushed");
    tree.git(&["checkout", "--quiet", "--detach"]);
    assert!(tree.unreachable().is_none(), "detached where a branch is");
    let first = tree.git(&["rev-parse", "HEAD^"]);
    tree.git(&["checkout", "--quiet", &first]);
    assert!(tree.unreachable().is_none(), "detached below a branch");

    let alone = tree.commit("three");
    let error = tree.unreachable().unwrap();
    assert_eq!(error.exit(), Exit::Repository);
    assert_eq!(
        error.to_string(),
        format!("its HEAD {alone} is on no branch")
    );

    for reference in [
        "refs/heads/kept",
        "refs/remotes/origin/kept",
        "refs/tags/kept",
    ] {
        tree.git(&["update-ref", reference, "HEAD"]);
        assert!(tree.unreachable().is_none(), "{reference}");
        tree.git(&["update-ref", "-d", reference]);
    }
    // What is neither branch nor tag keeps nothing.
    tree.git(&["update-ref", "refs/other/kept", "HEAD"]);
    assert!(tree.unreachable().is_some());
}

#[test]
fn where_a_server_cut_the_history_nothing_is_lost() {
    let tree = Worktree::new();
    tree.git(&["checkout", "--quiet", "--detach"]);
    let cut = tree.commit("two");
    assert!(tree.unreachable().is_some());
    fs::write(tree.git_dir().join("shallow"), format!("{cut}\n")).unwrap();
    assert!(tree.unreachable().is_none());
    tree.commit("three");
    assert!(tree.unreachable().is_some(), "made on top of it");
}

#[test]
fn a_switch_is_refused_where_it_would_overwrite_or_lose() {
    let tree = Worktree::new();
    let from = tree.head();
    let target = tree.commit("two");
    tree.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    let plan = |from: Option<&str>, way, head| SwitchPlan {
        from: from.map(Into::into),
        way,
        head,
    };
    let refused = |plan: &SwitchPlan| of_switch(tree.dir(), plan, false).unwrap();
    let there = plan(Some("main"), Way::Existing(target), from);
    assert!(refused(&there).is_none());
    tree.write("file", "mine");
    let error = refused(&there).unwrap();
    assert_eq!(error.to_string(), "changes in it would be overwritten");
    // Nothing is written where both are one commit, or a branch begins here.
    assert!(refused(&plan(Some("main"), Way::Existing(from), from)).is_none());

    tree.git(&["checkout", "--quiet", "--detach"]);
    let alone = tree.commit("alone");
    let error = refused(&plan(None, Way::Existing(from), alone)).unwrap();
    assert_eq!(
        error.to_string(),
        format!("its HEAD {alone} is on no branch")
    );
    // Even when the branch is at that commit: HEAD alone says who made it, until the branch is there.
    assert!(refused(&plan(None, Way::Existing(alone), alone)).is_some());
    // Who comes from a branch loses no commit.
    assert!(refused(&plan(Some("main"), Way::Existing(from), alone)).is_none());
}

#[test]
fn a_lock_of_git_is_named() {
    for name in ["index.lock", "HEAD.lock"] {
        let git_dir = tempfile::tempdir().unwrap();
        assert!(locked(git_dir.path()).is_none());
        fs::write(git_dir.path().join(name), "").unwrap();
        let error = locked(git_dir.path()).unwrap();
        assert_eq!(error.exit(), Exit::Repository);
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn what_git_refused_is_left_and_what_it_could_not_do_has_failed() {
    for (said, name, message) in [
        (
            "error: Your local changes to the following files would be overwritten by checkout:\n\tfile",
            "left",
            "files would be lost",
        ),
        (
            "fatal: Unable to create '/x/index.lock': File exists.",
            "left",
            "/x/index.lock",
        ),
        (
            "fatal: unable to read tree",
            "failed",
            "cannot check out its pin",
        ),
    ] {
        let outcome = not_moved(said.as_bytes(), "repos/web".as_ref());
        assert_eq!(outcome.name(), name, "{said}");
        let (SyncOutcome::Left(error) | SyncOutcome::Failed(error)) = outcome else {
            panic!("{said}");
        };
        assert!(error.to_string().contains(message), "{said}: {error}");
    }
}
