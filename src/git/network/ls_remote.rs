//! The refs of a server: the server is asked, and nothing is fetched.

use std::{collections::BTreeMap, path::Path, time::Duration};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{
    command::ServerCommand,
    configuration::Configuration,
    fault::{ServerFault, explain},
};
use crate::{
    git::{command::git, repository::Repository, url::Source},
    model::error::{Error, Result},
};

/// The prefix of a branch's full name.
const HEADS: &str = "refs/heads/";

/// How to ask servers.
pub struct Servers {
    configuration: Configuration,
    patience: Duration,
}

/// The newest commit of a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The branch; none when the remote's HEAD is on none.
    pub branch: Option<BString>,
    /// Its commit.
    pub commit: ObjectId,
}

impl Servers {
    /// With what `fleet`'s own configuration says of servers; one that says nothing for `patience` is given up.
    pub fn new(fleet: &Repository, patience: Duration) -> Result<Self> {
        Ok(Self {
            configuration: Configuration::of_fleet(&fleet.to_local()?),
            patience,
        })
    }

    /// Where `branch` is at `source`; without one, the remote's HEAD.
    ///
    /// # Errors
    /// Work: the server cannot be reached. Repository: it has no such branch.
    pub fn tip(&self, source: &Source, branch: Option<&BStr>) -> Result<Tip> {
        let wanted = match branch {
            Some(branch) => full_name(branch)?,
            None => "HEAD".into(),
        };
        let listed = ServerCommand::outside(source, &self.configuration, self.patience)
            .args(["ls-remote", "--quiet", "--symref", "--", "origin"])
            .arg(wanted.to_str_lossy().into_owned())
            .read(LISTING_LIMIT)
            .map_err(|fault| explain(&fault, source, "cannot be asked"))?;
        parse(&listed, wanted.as_ref()).ok_or_else(|| absent(source, branch))
    }

    /// All refs at `source` but HEAD, each with what it points to.
    ///
    /// # Errors
    /// Work: the server cannot be reached.
    pub fn refs(&self, source: &Source) -> Result<Vec<(BString, ObjectId)>> {
        let listed = ServerCommand::outside(source, &self.configuration, self.patience)
            .args(["ls-remote", "--quiet", "--refs", "--", "origin"])
            .read(LISTING_LIMIT)
            .map_err(|fault| explain(&fault, source, "cannot be asked"))?;
        Ok(entries(&listed).collect())
    }
}

/// What a server may list, in bytes.
const LISTING_LIMIT: usize = 1 << 20;

/// What `remote` of the fleet has under each of `references`, which are full names; none where there is no such ref.
///
/// # Errors
/// `error` because of what the server says.
pub(in crate::git) fn commits_of(
    fleet: &Repository,
    remote: &BStr,
    references: &[&str],
    patience: Duration,
    error: impl FnOnce() -> Error,
) -> Result<Vec<Option<ObjectId>>> {
    let listed = ServerCommand::in_fleet(fleet, remote, false, patience)?
        .args(["ls-remote", "--refs", "--"])
        .arg(remote.to_os_str_lossy().into_owned())
        .args(references.iter().copied())
        .read(LISTING_LIMIT)
        .map_err(|fault| fault.raise(error()))?;
    // A pattern matches the ends of names, too.
    let found: BTreeMap<_, _> = entries(&listed).collect();
    let found = references
        .iter()
        .map(|name| found.get(name.as_bytes().as_bstr()));
    Ok(found.map(Option::<&ObjectId>::copied).collect())
}

/// The branch that the HEAD of the fleet's `remote` is on; none when it is on none.
///
/// # Errors
/// Unavailable: the remote cannot be asked.
pub fn head_branch(
    fleet: &Repository,
    remote: &BStr,
    patience: Duration,
) -> Result<Option<BString>> {
    let listed = ServerCommand::in_fleet(fleet, remote, false, patience)?
        .args(["ls-remote", "--quiet", "--symref", "--"])
        .arg(remote.to_os_str_lossy().into_owned())
        .arg("HEAD")
        .read(LISTING_LIMIT)
        .map_err(|fault| {
            fault.raise(
                Error::unavailable(format!("cannot ask `{remote}` for its default branch"))
                    .hint("name it in flota.toml: [fleet] base_branch = \"main\""),
            )
        })?;
    Ok(parse(&listed, "HEAD".into()).and_then(|tip| tip.branch))
}

/// The branches and tags of `source`, which is the `origin` of the repository with the worktree `dir`.
///
/// # Errors
/// The server cannot be reached, or does not have the repository.
pub fn refs(
    dir: &Path,
    source: &Source,
) -> std::result::Result<Vec<(BString, ObjectId)>, ServerFault> {
    let listed = ServerCommand::in_repository(git(dir), source, &Configuration::of_user())
        .args(["ls-remote", "--refs", "origin"])
        .read(LISTING_LIMIT)?;
    Ok(entries(&listed).collect())
}

/// The lines of git-ls-remote(1): name and commit.
fn entries(listed: &[u8]) -> impl Iterator<Item = (BString, ObjectId)> {
    listed.lines().filter_map(|line| {
        let (id, name) = line.split_once_str("\t")?;
        Some((name.into(), ObjectId::from_hex(id).ok()?))
    })
}

fn full_name(branch: &BStr) -> Result<BString> {
    let full: BString = [HEADS.as_bytes(), branch].concat().into();
    gix::validate::reference::name(full.as_ref()).map_err(|err| {
        Error::repository(format!("`{branch}` is not a valid branch name")).because(err.to_string())
    })?;
    Ok(full)
}

/// Of what git-ls-remote(1) lists, the line for just this name: `refs/remotes/x/HEAD` matches `HEAD` too.
fn parse(listed: &[u8], wanted: &BStr) -> Option<Tip> {
    let values = || {
        listed.lines().filter_map(|line| {
            let (value, name) = line.split_once_str("\t")?;
            (name == wanted.as_bytes()).then_some(value)
        })
    };
    let commit = values().find_map(|value| ObjectId::from_hex(value).ok())?;
    let target = values().find_map(|value| value.strip_prefix(b"ref: "));
    let full = target.unwrap_or(wanted);
    Some(Tip {
        branch: full.strip_prefix(HEADS.as_bytes()).map(BString::from),
        commit,
    })
}

fn absent(source: &Source, branch: Option<&BStr>) -> Error {
    match branch {
        Some(branch) => Error::repository(format!("{} has no branch `{branch}`", source.shown))
            .hint("name another in .gitmodules: git submodule set-branch --branch BRANCH -- PATH"),
        None => Error::repository(format!("{} has no commit at its HEAD", source.shown))
            .hint("name a branch in .gitmodules: git submodule set-branch --branch BRANCH -- PATH"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn only_the_very_name_counts() {
        let listed = format!(
            "ref: refs/heads/trunk\tHEAD\n{ID}\tHEAD\n{}\trefs/remotes/x/HEAD\n",
            "2".repeat(40)
        );
        let tip = parse(listed.as_bytes(), "HEAD".into()).unwrap();
        assert_eq!(tip.branch, Some("trunk".into()));
        assert_eq!(tip.commit.to_string(), ID);
        let listed = format!("{ID}\trefs/x/refs/heads/main\n");
        assert_eq!(parse(listed.as_bytes(), "refs/heads/main".into()), None);
        let detached = format!("{ID}\tHEAD\n");
        let tip = parse(detached.as_bytes(), "HEAD".into()).unwrap();
        assert_eq!(tip.branch, None);
    }

    #[test]
    fn a_branch_cannot_pass_for_something_else() {
        assert_eq!(
            full_name("feature/x".into()).unwrap(),
            "refs/heads/feature/x"
        );
        for name in ["", "a b", "a..b", "*", "x.lock", "a\nb", "a:b"] {
            assert!(full_name(name.into()).is_err(), "{name:?}");
        }
    }
}
