//! What the user chose when the fleet was cloned, and how many nested submodules there may be: `flota.*` of git's configuration. It is
//! the user's, and not part of the repository.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::Path,
};

use crate::{
    git::{config_file::ConfigFile, network::clone::CloneOptions, repository::Repository},
    model::error::{Error, Result},
};

/// How many nested submodules one service may have, when nobody says: more than anybody has, and few enough to be cloned by mistake.
const NESTED_PER_SERVICE: usize = 1_000;

/// The same of all services together.
const NESTED_IN_ALL: usize = 20_000;

/// How new clones of submodules are made, unless the command says something else.
pub(crate) struct Choices {
    depth: Option<NonZeroU32>,
    is_partial: bool,
}

impl Choices {
    /// What `options` say.
    pub(crate) fn new(options: &CloneOptions<'_>) -> Self {
        Self {
            depth: options.depth,
            is_partial: options.is_partial,
        }
    }

    /// Those that are noted in `fleet`.
    ///
    /// # Errors
    /// Misuse: a number is none.
    pub(super) fn of(fleet: &Repository) -> Result<Self> {
        let depth = number(fleet, "flota.depth")?.and_then(NonZeroU32::new);
        let repo = fleet.to_local()?;
        let filter = repo.config_snapshot().string("flota.filter");
        Ok(Self {
            depth,
            is_partial: filter.is_some_and(|filter| !filter.is_empty()),
        })
    }

    /// Notes them in the repository `git_dir`.
    ///
    /// # Errors
    /// As for [`ConfigFile::write`].
    pub(crate) fn note(&self, git_dir: &Path) -> Result<()> {
        let mut config = ConfigFile::of(git_dir)?;
        if let Some(depth) = self.depth {
            config.set("flota", None, "depth", depth.to_string().as_bytes())?;
        }
        if self.is_partial {
            config.set("flota", None, "filter", b"blob:none")?;
        }
        config.write()
    }

    /// `options`, and these where they say nothing.
    pub(super) fn complete<'a>(&self, options: CloneOptions<'a>) -> CloneOptions<'a> {
        CloneOptions {
            depth: options.depth.or(self.depth),
            is_partial: options.is_partial || self.is_partial,
            ..options
        }
    }
}

/// How many nested submodules there may be.
#[derive(Clone, Copy)]
pub(super) struct NestedLimits {
    pub(super) per_service: usize,
    pub(super) in_all: usize,
}

impl NestedLimits {
    /// Those that the configuration of `fleet` has.
    ///
    /// # Errors
    /// Misuse: a number is none.
    pub(super) fn of(fleet: &Repository) -> Result<Self> {
        let limit = |key| Ok(number(fleet, key)?.map(|number| number as usize));
        Ok(Self {
            per_service: limit("flota.nestedPerService")?.unwrap_or(NESTED_PER_SERVICE),
            in_all: limit("flota.nestedInAll")?.unwrap_or(NESTED_IN_ALL),
        })
    }
}

/// How many submodules to fetch at a time where the command does not say (git-config(1), `submodule.fetchJobs`); none where it is not
/// set, or 0: then flota chooses, as git does.
///
/// # Errors
/// Misuse: it is no number.
pub(crate) fn fetch_jobs(fleet: &Repository) -> Result<Option<NonZeroUsize>> {
    Ok(number(fleet, "submodule.fetchJobs")?.and_then(jobs))
}

/// The same for `git fetch`, and `flota fetch`: where `submodule.fetchJobs` is not set, `fetch.parallel` counts (git-config(1)).
///
/// # Errors
/// As for [`fetch_jobs`].
pub(crate) fn jobs_of_fetch(fleet: &Repository) -> Result<Option<NonZeroUsize>> {
    let said = match number(fleet, "submodule.fetchJobs")? {
        Some(number) => Some(number),
        None => number(fleet, "fetch.parallel")?,
    };
    Ok(said.and_then(jobs))
}

fn jobs(number: u32) -> Option<NonZeroUsize> {
    NonZeroUsize::new(usize::try_from(number).ok()?)
}

fn number(fleet: &Repository, key: &str) -> Result<Option<u32>> {
    let repo = fleet.to_local()?;
    let Some(value) = repo.config_snapshot().string(key) else {
        return Ok(None);
    };
    let number = value.to_string().parse();
    number.map(Some).map_err(|err| {
        Error::misuse(format!(
            "`{value}` is no number for {key} of git's configuration"
        ))
        .because(err)
        .hint(format!("set it: git config {key} NUMBER"))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::git::command::git;

    fn options(depth: Option<u32>, is_partial: bool) -> CloneOptions<'static> {
        CloneOptions {
            depth: depth.and_then(NonZeroU32::new),
            is_partial,
            patience: Duration::ZERO,
            children: NonZeroUsize::MIN,
            is_cached: false,
            events: &|_| (),
        }
    }

    #[test]
    fn what_was_chosen_is_found_again_and_the_command_has_the_last_word() {
        for (noted, said, want) in [
            ((None, false), (None, false), (None, false)),
            ((Some(1), false), (None, false), (Some(1), false)),
            ((Some(1), false), (Some(5), false), (Some(5), false)),
            ((None, true), (None, false), (None, true)),
            ((Some(2), true), (None, false), (Some(2), true)),
            ((None, false), (Some(3), true), (Some(3), true)),
        ] {
            let dir = tempfile::tempdir().unwrap();
            git(dir.path()).args(["init", "--quiet"]).run().unwrap();
            let chosen = options(noted.0, noted.1);
            Choices::new(&chosen)
                .note(&dir.path().join(".git"))
                .unwrap();
            let fleet = Repository::discover(dir.path()).unwrap();
            let found = Choices::of(&fleet)
                .unwrap()
                .complete(options(said.0, said.1));
            assert_eq!((found.depth.map(NonZeroU32::get), found.is_partial), want);
        }
    }

    #[test]
    fn jobs_are_those_of_git() {
        for (said, want) in [
            (None, Ok(None)),
            (Some("0"), Ok(None)),
            (Some("1"), Ok(Some(1))),
            (Some("12"), Ok(Some(12))),
            // git refuses these, too.
            (Some("-1"), Err(())),
            (Some("many"), Err(())),
        ] {
            let dir = tempfile::tempdir().unwrap();
            git(dir.path()).args(["init", "--quiet"]).run().unwrap();
            if let Some(said) = said {
                let set = git(dir.path()).args(["config", "submodule.fetchJobs", said]);
                assert!(set.run().unwrap().success());
            }
            let fleet = Repository::discover(dir.path()).unwrap();
            let found = fetch_jobs(&fleet).map(|jobs| jobs.map(NonZeroUsize::get));
            assert_eq!(found.map_err(drop), want, "{said:?}");
        }
    }

    #[test]
    fn a_limit_is_a_number() {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path()).args(["init", "--quiet"]).run().unwrap();
        let limits = || NestedLimits::of(&Repository::discover(dir.path()).unwrap());
        let set = |value| {
            let args = ["config", "flota.nestedPerService", value];
            git(dir.path()).args(args).run().unwrap();
        };
        assert_eq!(limits().unwrap().per_service, NESTED_PER_SERVICE);
        set("7");
        assert_eq!(limits().unwrap().per_service, 7);
        assert_eq!(limits().unwrap().in_all, NESTED_IN_ALL);
        set("many");
        let error = limits().err().unwrap();
        assert!(
            error.to_string().contains("flota.nestedPerService"),
            "{error}"
        );
    }
}
