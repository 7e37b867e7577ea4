//! What changes call for.

use super::{
    changed::{self, Options},
    ends::Ends,
};
use crate::{
    git::repository::Repository,
    model::{
        change::{Base, BaseKind, End, Reason},
        error::Result,
        plan::Plan,
        settings::Settings,
    },
};

/// The plan for what changed between two ends.
pub fn of_changes(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    options: Options<'_>,
) -> Result<Plan> {
    changed::changed(repository, settings, ends, options).map(Plan::from_changed)
}

/// The plan that builds every service of HEAD (or those of `options.only`), changed or not: compared with nothing at all,
/// everything is there to be built.
pub fn everything(
    repository: &Repository,
    settings: &Settings,
    options: Options<'_>,
) -> Result<Plan> {
    let head = End {
        rev: "HEAD".to_owned(),
        commit: repository.resolve("HEAD")?,
    };
    let base = Base {
        rev: String::new(),
        commit: None,
        kind: BaseKind::Empty,
    };
    let ends = Ends {
        base,
        head,
        warnings: Vec::new(),
    };
    let mut plan = of_changes(repository, settings, ends, options)?;
    plan.base = None;
    for step in &mut plan.steps {
        step.reason = Reason::Requested;
    }
    Ok(plan)
}
