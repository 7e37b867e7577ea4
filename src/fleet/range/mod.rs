//! Which two commits to compare: what the user says ([`user`]), a record of last success ([`last_success`]), else what the CI
//! system says ([`ci`]), else the base branch ([`base_branch`]).

use crate::{
    ci::CiRun,
    git::repository::Repository,
    model::{error::Result, range::Range, settings::Settings, success::asked_for},
};

mod base_branch;
mod ci;
mod ends;
mod finder;
mod last_success;
mod pull_request;
mod user;

use base_branch::Shared;
pub use ci::own_branch;
pub use ends::Ends;
use finder::RangeFinder;
pub use finder::is_ancestor;
pub use last_success::for_record;

/// Settles the ends. `range` is the user's; without one, `run` is what the CI system says. History that a clone in CI or a
/// shallow one lacks is fetched, unless `offline`.
pub fn resolve(
    repository: &Repository,
    settings: &Settings,
    range: Option<&Range>,
    run: Option<&CiRun>,
    offline: bool,
) -> Result<Ends> {
    let finder = RangeFinder::new(repository, settings, run, offline);
    let mut ends = match range {
        Some(range) => match asked_for(&range.base) {
            Some(name) => finder.last_success(name, &range.head)?,
            None => finder.range(range)?,
        },
        None => finder.told(match run {
            // Whoever asks on a machine of their own sees what the answer is.
            None => Shared::Nothing,
            Some(_) => Shared::Everything,
        })?,
    };
    let mut said = finder.said.take();
    said.dedup();
    ends.warnings.append(&mut said);
    Ok(ends)
}
