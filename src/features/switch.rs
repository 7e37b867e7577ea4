//! `flota switch`: services switch to a branch. All are checked before the first one moves; those that would lose work stay.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use bstr::BString;

use crate::{
    fleet::{
        lock::FleetLock,
        select::Selector,
        sync::{SyncOptions, sync_service},
        worktree,
    },
    git::{
        index,
        repository::Repository,
        switch::{self, SwitchPlan, Way},
    },
    interrupt,
    model::{
        error::{Error, Result},
        switch::{SwitchOutcome, Switched},
        sync::{SyncOutcome, Synced},
    },
    parallel,
};

/// What to switch, and where to.
pub(crate) struct SwitchOptions<'a> {
    /// The branch.
    pub branch: &'a str,
    /// Whether to make it.
    pub create: bool,
    /// Which services; all of them when none is named.
    pub selector: &'a Selector,
    /// How many at a time.
    pub jobs: NonZeroUsize,
    /// How to bring the submodules of those that moved.
    pub sync: SyncOptions<'a>,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
    /// Whether files may go that git ignores, and that the branch holds.
    pub overwrites_ignored: bool,
}

/// Switches; sorted by path.
///
/// # Errors
/// Before anything is touched: the branch has no valid name, a name is not one of its services, no service has the branch, the fleet's
/// index cannot be read, flota is interrupted. The results of single services are in their [`SwitchOutcome`].
pub(crate) fn switch(fleet: &Repository, options: SwitchOptions<'_>) -> Result<Vec<Switched>> {
    switch::check_name(options.branch)?;
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    let all = options.selector.among(index::of_index(fleet)?)?.all();
    let paths: Vec<_> = all.into_iter().map(|(path, _)| path).collect();
    let lock = match options.dry_run {
        true => None,
        false => Some(FleetLock::take(fleet)?),
    };

    let is_named = options.selector.is_named();
    let looked = parallel::map(options.jobs, &paths, |path| {
        let outcome = look(&root, path, is_named, &options);
        outcome.unwrap_or_else(|error| Looked::staying(path, SwitchOutcome::Refused(error)))
    })?;
    if let Some(exit) = interrupt::pending() {
        return Err(Error::new(exit, "interrupted before anything was switched"));
    }
    let is_elsewhere = |one: &Looked| {
        matches!(
            one.switched.outcome,
            SwitchOutcome::Absent | SwitchOutcome::Uninitialised
        )
    };
    if !looked.is_empty() && looked.iter().all(is_elsewhere) {
        return Err(nowhere(options.branch));
    }
    let acted = match options.dry_run {
        true => looked.iter().map(|_| Ok(())).collect(),
        false => parallel::map(options.jobs, &looked, |one| {
            one.act(options.branch, options.overwrites_ignored)
        })?,
    };
    let ended = looked.into_iter().zip(acted);
    let mut all = Vec::new();
    // One after the other: each has all threads, and few have submodules of their own.
    for (one, done) in ended {
        let Looked { mut switched, step } = one;
        match (done, step, &lock) {
            (Err(error), ..) => switched.outcome = SwitchOutcome::Failed(error),
            (Ok(()), Some((work_dir, plan)), Some(lock))
                if plan.target() != Some(plan.head)
                    || switch::is_unfinished(&work_dir, plan.head) =>
            {
                match follow(&work_dir, &switched.path, lock, options.sync) {
                    Ok(nested) => switched.nested = nested,
                    Err(error) => switched.outcome = SwitchOutcome::Failed(error),
                }
            }
            (Ok(()), ..) => {}
        }
        all.push(switched);
    }
    Ok(all)
}

/// Brings the submodules of the service at `path` to where it is now; gives those that were not there.
fn follow(
    work_dir: &Path,
    path: &BString,
    lock: &FleetLock,
    options: SyncOptions<'_>,
) -> Result<Vec<Synced>> {
    let mut nested = sync_service(work_dir, path.clone(), lock, options)?;
    let has_failed = |one: &Synced| matches!(one.outcome, SyncOutcome::Failed(_));
    if !nested.iter().any(has_failed) {
        switch::finish(work_dir)?;
    }
    nested.retain(|one| !matches!(one.outcome, SyncOutcome::Current));
    Ok(nested)
}

/// A service, and what is to be done to it.
struct Looked {
    switched: Switched,
    step: Option<(PathBuf, SwitchPlan)>,
}

impl Looked {
    fn staying(path: &BString, outcome: SwitchOutcome) -> Self {
        Self {
            switched: Switched {
                path: path.clone(),
                from: None,
                to: None,
                outcome,
                nested: Vec::new(),
            },
            step: None,
        }
    }

    fn act(&self, branch: &str, overwrites_ignored: bool) -> Result<()> {
        match (&self.step, interrupt::pending()) {
            (Some(_), Some(exit)) => Err(Error::new(exit, "not started")),
            (Some((work_dir, plan)), None) => {
                if let Some(target) = plan.target().filter(|target| *target != plan.head) {
                    switch::begin(work_dir, target)?;
                }
                switch::act(work_dir, branch, plan, overwrites_ignored)
            }
            (None, _) => Ok(()),
        }
    }
}

fn look(
    root: &Path,
    path: &BString,
    is_named: bool,
    options: &SwitchOptions<'_>,
) -> Result<Looked> {
    // Nobody's files are behind a symbolic link: that is as if it were not there.
    let found = worktree::initialised(root, path.as_ref()).unwrap_or_default();
    let Some(work_dir) = found else {
        if is_named {
            return Err(Error::repository("it is not initialised")
                .hint(format!("initialise it: flota update {path}")));
        }
        return Ok(Looked::staying(path, SwitchOutcome::Uninitialised));
    };
    let plan = switch::plan(&work_dir, options.branch, options.create)?;
    let outcome = match plan.way {
        Way::Current => SwitchOutcome::Current,
        Way::Existing(_) => SwitchOutcome::Switched,
        Way::Tracking { .. } => SwitchOutcome::Tracking,
        Way::New => SwitchOutcome::Created,
        Way::Absent if is_named => {
            return Err(Error::repository(format!(
                "neither it nor its remote has a branch `{}`",
                options.branch
            ))
            .hint("create it: add --create")
            .hint(format!("if it is new there: git -C {path} fetch")));
        }
        Way::Absent => SwitchOutcome::Absent,
    };
    let outcome = match worktree::of_switch(&work_dir, &plan, options.overwrites_ignored)? {
        Some(error) => SwitchOutcome::Refused(error),
        None => outcome,
    };
    let moves = match outcome {
        SwitchOutcome::Switched | SwitchOutcome::Tracking | SwitchOutcome::Created => true,
        // Its own submodules have still to follow.
        SwitchOutcome::Current => switch::is_unfinished(&work_dir, plan.head),
        _ => false,
    };
    Ok(Looked {
        switched: Switched {
            path: path.clone(),
            from: plan.from.clone(),
            to: plan.target().filter(|_| outcome.error().is_none()),
            outcome,
            nested: Vec::new(),
        },
        step: moves.then_some((work_dir, plan)),
    })
}

fn nowhere(branch: &str) -> Error {
    Error::repository(format!("no service has a branch `{branch}`"))
        .hint(format!("create it: flota switch --create {branch}"))
        .hint("if it is new on the servers: flota fetch")
}
