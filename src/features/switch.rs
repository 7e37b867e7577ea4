//! `flota switch`: services go to a branch. All are looked at before the first one moves; those that would lose something stay.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use bstr::BString;

use super::update::Wanted;
use crate::{
    git::{
        index, path,
        repository::Repository,
        switch::{self, SwitchPlan, Way},
        worktree,
    },
    interrupt,
    model::{
        error::{Error, Result},
        switch::{Outcome, Switched},
    },
    parallel,
};

/// What to switch, and where to.
pub struct Options<'a> {
    /// The branch.
    pub branch: &'a str,
    /// Whether to make it.
    pub create: bool,
    /// Patterns of the services; all of them when there are none.
    pub services: &'a [String],
    /// How many at a time.
    pub jobs: NonZeroUsize,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
}

/// Switches; sorted by path.
///
/// # Errors
/// Before anything is touched: the branch has no valid name, a pattern matches no service, no service has the branch, the fleet's
/// index cannot be read, flota is interrupted. What befalls single services is in their [`Outcome`].
pub fn switch(fleet: &Repository, options: Options<'_>) -> Result<Vec<Switched>> {
    switch::check_name(options.branch)?;
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's folder").because(err))?;
    let all = index::of_index(fleet)?.all();
    let mut paths: Vec<_> = all.into_iter().map(|(path, _)| path).collect();
    let wanted = Wanted::new(options.services)?;
    if let Wanted::Matching(patterns) = &wanted {
        paths = patterns.among(paths, |path| path.as_ref())?;
    }

    let is_named = matches!(wanted, Wanted::Matching(_));
    let looked = parallel::map(options.jobs, &paths, |path| {
        let outcome = look(&root, path, is_named, &options);
        outcome.unwrap_or_else(|error| Looked::staying(path, Outcome::Refused(error)))
    })?;
    if let Some(exit) = interrupt::pending() {
        return Err(Error::new(exit, "interrupted before anything was switched"));
    }
    let is_elsewhere = |one: &Looked| {
        matches!(
            one.switched.outcome,
            Outcome::Absent | Outcome::Uninitialised
        )
    };
    if !looked.is_empty() && looked.iter().all(is_elsewhere) {
        return Err(nowhere(options.branch));
    }
    let acted = match options.dry_run {
        true => looked.iter().map(|_| Ok(())).collect(),
        false => parallel::map(options.jobs, &looked, |one| one.act(options.branch))?,
    };
    let ended = looked.into_iter().zip(acted);
    Ok(ended
        .map(|(one, done)| match done {
            Ok(()) => one.switched,
            Err(error) => Switched {
                outcome: Outcome::Failed(error),
                ..one.switched
            },
        })
        .collect())
}

/// A service, and what is to be done to it.
struct Looked {
    switched: Switched,
    step: Option<(PathBuf, SwitchPlan)>,
}

impl Looked {
    fn staying(path: &BString, outcome: Outcome) -> Self {
        Self {
            switched: Switched {
                path: path.clone(),
                from: None,
                to: None,
                outcome,
            },
            step: None,
        }
    }

    fn act(&self, branch: &str) -> Result<()> {
        match (&self.step, interrupt::pending()) {
            (Some(_), Some(exit)) => Err(Error::new(exit, "not begun")),
            (Some((work_dir, plan)), None) => switch::act(work_dir, branch, plan),
            (None, _) => Ok(()),
        }
    }
}

fn look(root: &Path, path: &BString, is_named: bool, options: &Options<'_>) -> Result<Looked> {
    let relative = path::relative("path", path.as_ref())?;
    let work_dir = root.join(&relative);
    if !worktree::has_real_parents(root, &relative) || !work_dir.join(".git").exists() {
        if is_named {
            return Err(Error::repository("it is not initialised")
                .hint(format!("bring it: flota update {path}")));
        }
        return Ok(Looked::staying(path, Outcome::Uninitialised));
    }
    let plan = switch::plan(&work_dir, options.branch, options.create)?;
    let outcome = match plan.way {
        Way::Current => Outcome::Current,
        Way::Existing(_) => Outcome::Switched,
        Way::Tracking { .. } => Outcome::Tracking,
        Way::New => Outcome::Created,
        Way::Absent if is_named => {
            return Err(Error::repository(format!(
                "neither it nor its remote has a branch `{}`",
                options.branch
            ))
            .hint("make it: add --create")
            .hint(format!("if it is new there: git -C {path} fetch")));
        }
        Way::Absent => Outcome::Absent,
    };
    let outcome = match switch::obstacle(&work_dir, &plan)? {
        Some(error) => Outcome::Refused(error),
        None => outcome,
    };
    let moves = matches!(
        outcome,
        Outcome::Switched | Outcome::Tracking | Outcome::Created
    );
    Ok(Looked {
        switched: Switched {
            path: path.clone(),
            from: plan.from.clone(),
            to: plan.target().filter(|_| outcome.error().is_none()),
            outcome,
        },
        step: moves.then_some((work_dir, plan)),
    })
}

fn nowhere(branch: &str) -> Error {
    Error::repository(format!("no service has a branch `{branch}`"))
        .hint(format!("make it: flota switch --create {branch}"))
        .hint("if it is new at the servers: flota foreach -- git fetch")
}
