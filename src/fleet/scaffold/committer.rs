//! Who commits: the user, with hooks and signature as their git has them, or somebody fixed for demonstrations.

use std::path::Path;

use crate::{
    git::command::{git, git_of_user, run},
    model::error::{Error, Result},
    process::Command,
};

/// Who commits.
#[derive(Clone, Debug)]
pub enum Committer {
    /// Whoever git says it is.
    User,
    /// Always the same, so that commits are the same everywhere: nothing of the user's takes part.
    Fixed(Author),
}

/// Who commits, and when.
#[derive(Clone, Debug)]
pub struct Author {
    /// Name and e-mail address.
    pub name: &'static str,
    /// The address.
    pub email: &'static str,
    /// Seconds since the Unix epoch, for both dates of a commit.
    pub date: i64,
}

impl Committer {
    /// git at work in `dir`, with what this one's commits and pushes need.
    pub fn git(&self, dir: &Path) -> Command {
        let Self::Fixed(author) = self else {
            return git_of_user(dir);
        };
        let date = format!("{} +0000", author.date);
        git(dir)
            .args(["-c", "commit.gpgSign=false"])
            .env("GIT_AUTHOR_NAME", author.name)
            .env("GIT_AUTHOR_EMAIL", author.email)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", author.name)
            .env("GIT_COMMITTER_EMAIL", author.email)
            .env("GIT_COMMITTER_DATE", &date)
    }

    /// Commits everything in `worktree`.
    pub fn commit_all(&self, worktree: &Path, message: &str) -> Result<()> {
        let doing = format!("commit in `{}`", worktree.display());
        run(git(worktree).args(["add", "--all"]), doing.as_str())?;
        let commit = self.git(worktree).args(["commit", "--quiet"]);
        run(commit.args(["--message", message]), doing)
    }

    /// Whether git knows a name and an address for commits made in `dir`.
    pub(super) fn check(&self, dir: &Path) -> Result<()> {
        if let Self::Fixed(_) = self {
            return Ok(());
        }
        let asked = git(dir).args(["var", "GIT_COMMITTER_IDENT"]).run()?;
        asked
            .check(|| {
                Error::unavailable("git has no name to commit with")
                    .hint("git config --global user.name \"Your Name\"")
                    .hint("git config --global user.email you@example.com")
            })
            .map(drop)
    }
}
