//! What every command over a repository needs.

use std::path::Path;

use crate::{
    ci::{self, CiRun},
    cli::{Ends as EndsArgs, Global},
    config,
    fleet::range::{self, Ends},
    git::repository::Repository,
    model::{error::Result, range::Range, settings::Settings},
};

/// The repository, its configuration, and the CI system's word on the run.
pub(super) struct Context {
    pub repository: Repository,
    pub settings: Settings,
    pub run: Option<CiRun>,
}

impl Context {
    /// That of the repository in `dir`.
    pub fn open(dir: &Path, global: &Global) -> Result<Self> {
        let repository = Repository::discover(dir)?;
        let settings = config::load(&repository, global.config.as_deref())?;
        let run = ci::detect(&|name| std::env::var_os(name))?;
        Ok(Self {
            repository,
            settings,
            run,
        })
    }

    /// The two ends that the arguments name, else the CI system, else the base branch.
    pub fn ends(&self, range: Option<&str>, args: &EndsArgs, offline: bool) -> Result<Ends> {
        let range = match (range, &args.base) {
            (Some(range), _) => Some(Range::parse(range)?),
            (None, Some(base)) => Some(Range::between(base, args.head.as_deref())?),
            (None, None) => None,
        };
        range::resolve(
            &self.repository,
            &self.settings,
            range.as_ref(),
            self.run.as_ref(),
            offline,
        )
    }
}
