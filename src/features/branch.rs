//! `flota branch`: the branches of the services. None is deleted whose commits its remote does not have.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use bstr::{BStr, BString};

use crate::{
    fleet::{select::Selector, worktree},
    git::{branch, index, repository::Repository, switch},
    interrupt,
    model::{
        branch::{BranchResult, BranchStep, LocalBranch, ServiceBranches},
        error::{Error, Result},
        outcome::Outcome,
    },
    parallel,
};

/// Where to work, and how.
pub(crate) struct BranchOptions<'a> {
    /// Which services; all of them when none is named.
    pub selector: &'a Selector,
    /// How many at a time.
    pub jobs: NonZeroUsize,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
}

/// The branches of each service that is initialised; sorted by path.
///
/// # Errors
/// A name is not one of the fleet's services, the fleet's index cannot be read, or flota is interrupted.
pub(crate) fn list(
    fleet: &Repository,
    options: &BranchOptions<'_>,
) -> Result<Vec<ServiceBranches>> {
    let places = places(fleet, options)?;
    let found = parallel::map(options.jobs, &places, |(path, dir)| {
        let dir = dir.as_ref()?;
        Some(ServiceBranches {
            path: path.clone(),
            branches: branch::list(dir),
        })
    })?;
    checked(found.into_iter().flatten().collect())
}

/// Makes the branch `name` in each service; HEADs stay where they are.
///
/// # Errors
/// As for [`list`]; and the branch has no valid name.
pub(crate) fn create(
    fleet: &Repository,
    name: &str,
    options: &BranchOptions<'_>,
) -> Result<Vec<BranchResult>> {
    switch::check_name(name)?;
    each(fleet, options, |path, dir| {
        let made = branch::create(dir, name, options.dry_run);
        let (commit, outcome) = match made {
            Ok((commit, true)) => (Some(commit), Outcome::Done(BranchStep::Created)),
            Ok((commit, false)) => (Some(commit), Outcome::Done(BranchStep::Unchanged)),
            Err(error) => (None, Outcome::from(error)),
        };
        vec![BranchResult {
            path: path.clone(),
            branch: Some(name.into()),
            commit,
            outcome,
        }]
    })
}

/// Deletes the branch `name` in each service whose remote has all its commits, in its default branch or in the branch's upstream;
/// without a name, every branch that the default branch has, but for that one itself and for the one that HEAD is on.
///
/// # Errors
/// As for [`list`]; and the branch has no valid name.
pub(crate) fn delete(
    fleet: &Repository,
    name: Option<&str>,
    options: &BranchOptions<'_>,
) -> Result<Vec<BranchResult>> {
    name.map_or(Ok(()), switch::check_name)?;
    each(fleet, options, |path, dir| {
        let ended = |branch: Option<BString>, outcome| BranchResult {
            path: path.clone(),
            branch,
            commit: None,
            outcome,
        };
        let all = match branch::list(dir) {
            Ok(all) => all,
            Err(error) => return vec![ended(name.map(BString::from), Outcome::from(error))],
        };
        let is_meant = |one: &LocalBranch| match name {
            Some(name) => one.name == name,
            None => one.is_merged && !one.is_default && !one.is_current,
        };
        let meant = all.into_iter().filter(is_meant);
        let mut done: Vec<_> = meant
            .map(|one| BranchResult {
                commit: Some(one.commit),
                outcome: delete_one(dir, &one, options.dry_run),
                ..ended(Some(one.name), Outcome::Done(BranchStep::Absent))
            })
            .collect();
        if done.is_empty() {
            done.push(ended(
                name.map(BString::from),
                Outcome::Done(BranchStep::Absent),
            ));
        }
        done
    })
}

fn delete_one(dir: &Path, one: &LocalBranch, dry_run: bool) -> Outcome<BranchStep> {
    let (name, shown) = (&one.name, dir.display());
    if one.is_current {
        return Outcome::Left(
            Error::repository(format!("it is on the branch `{name}`")).hint(format!(
                "switch to another one: git -C {shown} switch BRANCH"
            )),
        );
    }
    if !one.is_merged && one.ahead != Some(0) {
        let upstream: &BStr = match &one.upstream {
            Some(upstream) => upstream.as_ref(),
            None => "an upstream".into(),
        };
        return Outcome::Left(
            Error::repository(format!(
                "its branch `{name}` has commits that are neither in the default branch of its remote nor in {upstream}"
            ))
            .hint(format!("see them: git -C {shown} log {name} --not --remotes"))
            .hint(format!(
                "if its remote's default branch is not known: git -C {shown} remote set-head --auto REMOTE"
            )),
        );
    }
    match dry_run {
        true => Outcome::Done(BranchStep::Deleted),
        false => match branch::delete(dir, name.as_ref()) {
            Ok(()) => Outcome::Done(BranchStep::Deleted),
            Err(error) => Outcome::from(error),
        },
    }
}

fn each(
    fleet: &Repository,
    options: &BranchOptions<'_>,
    act: impl Fn(&BString, &Path) -> Vec<BranchResult> + Sync + Send,
) -> Result<Vec<BranchResult>> {
    let places = places(fleet, options)?;
    let done = parallel::map(options.jobs, &places, |(path, dir)| {
        let ended = |outcome| {
            vec![BranchResult {
                path: path.clone(),
                branch: None,
                commit: None,
                outcome,
            }]
        };
        match (dir, interrupt::pending()) {
            (_, Some(exit)) => ended(Outcome::Failed(Error::new(exit, "not started"))),
            (None, None) => ended(Outcome::Done(BranchStep::Uninitialised)),
            (Some(dir), None) => act(path, dir),
        }
    })?;
    Ok(done.into_iter().flatten().collect())
}

/// The selected services, and their folders where they are initialised.
fn places(
    fleet: &Repository,
    options: &BranchOptions<'_>,
) -> Result<Vec<(BString, Option<PathBuf>)>> {
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    let all = options.selector.among(index::of_index(fleet)?)?.all();
    let place = |(path, _): (BString, _)| {
        // Nobody's files are behind a symbolic link: that is as if it were not there.
        let dir = worktree::initialised(&root, path.as_ref()).unwrap_or_default();
        (path, dir)
    };
    Ok(all.into_iter().map(place).collect())
}

fn checked<T>(found: T) -> Result<T> {
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted while reading branches")),
        None => Ok(found),
    }
}
