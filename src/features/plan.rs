//! `flota plan`: what to build or package for the changes.

mod bake;

pub(crate) use bake::bake;

use crate::{
    fleet::{
        changed::{self, ChangedOptions},
        image_edges::{Dockerfiles, Reading},
        range::Ends,
        select::Selector,
    },
    git::repository::Repository,
    model::{
        change::{Action, Base, BaseKind, End, Reason, Unread},
        error::{Error, Result},
        image_edge::ImageEdges,
        plan::{Plan, Step},
        settings::Settings,
        step_id::StepId,
        success::Exceptions,
    },
};

/// The plan for what changed between two ends.
///
/// # Errors
/// Misuse: a service is named that is only a submodule. And what [`changed::changed`] says.
pub(crate) fn of_changes(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    options: ChangedOptions<'_>,
) -> Result<Plan> {
    let changed = changed::changed(repository, settings, ends, options)?;
    changed::refuse_plain(repository, settings, options.only, &changed)?;
    Ok(Plan::from_changed(changed))
}

/// The plan that builds every service of HEAD (or those of `options.only`), changed or not: compared with nothing at all,
/// everything is there to be built.
pub(crate) fn everything(
    repository: &Repository,
    settings: &Settings,
    options: ChangedOptions<'_>,
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
        exceptions: Exceptions::new(),
        warnings: Vec::new(),
    };
    let mut plan = of_changes(repository, settings, ends, options)?;
    plan.base = None;
    for step in &mut plan.steps {
        step.reason = Reason::Requested;
    }
    Ok(plan)
}

/// Which of the images that `plan` builds are built on which others.
///
/// # Errors
/// Misuse: some build on each other in a circle. Repository: a Dockerfile cannot be read, so that nobody can say.
pub(crate) fn image_edges(
    repository: &Repository,
    settings: &Settings,
    plan: &Plan,
    how: Reading<'_>,
) -> Result<ImageEdges> {
    let images = plan.builds().filter(|step| step.action == Action::Image);
    let paths: Vec<_> = images.map(|step| step.path.clone()).collect();
    // One image alone is not built on another of the plan.
    if paths.len() < 2 || plan.head.commit.is_null() {
        return Ok(ImageEdges::default());
    }
    let mut files = Dockerfiles::at(repository, settings, repository.tree_of(plan.head.commit)?)?;
    let found = files.lineage(paths, how)?;
    if let Some((path, why)) = found.unread.iter().next() {
        return Err(Error::repository(format!(
            "the Dockerfile of {path} cannot be read, which says what its image is built on"
        ))
        .because(why.as_str())
        .hint(format!("bring it here: flota update {path}")));
    }
    found.edges.refuse_cycle()?;
    Ok(found.edges)
}

/// The plan of exactly these steps, at HEAD, which must pin what was planned. What changed is not asked again: the job that
/// decided did that.
pub(crate) fn of_steps(
    repository: &Repository,
    settings: &Settings,
    ids: &[StepId],
    options: ChangedOptions<'_>,
) -> Result<Plan> {
    let only = Selector::of_steps(ids.iter().map(|id| id.path.clone()));
    let options = ChangedOptions {
        only: &only,
        ..options
    };
    let mut plan = everything(repository, settings, options)?;
    if let Some(error) = Unread::error(&plan.unread) {
        return Err(error);
    }
    let steps = std::mem::take(&mut plan.steps);
    let chosen = ids.iter().map(|id| choose(&steps, id));
    plan.steps = chosen.collect::<Result<_>>()?;
    // Of two for one service the greater covers the other.
    plan.steps
        .sort_by(|a, b| a.path.cmp(&b.path).then(b.action.cmp(&a.action)));
    plan.steps.dedup_by(|a, b| a.path == b.path);
    Ok(plan)
}

fn choose(steps: &[Step], id: &StepId) -> Result<Step> {
    let elsewhere = |found: &str| {
        Error::repository(format!(
            "{} is {found} at HEAD: the plan was made for another commit of the fleet",
            id.path
        ))
        .hint("check out the commit that was planned, or plan this one: flota plan")
    };
    let step = steps.iter().find(|step| step.path == id.path);
    let step = step.ok_or_else(|| elsewhere("no service"))?;
    if step.commit != Some(id.commit) {
        let pin = step.commit.map(|pin| pin.to_hex_with_len(7).to_string());
        return Err(elsewhere(&format!("pinned to {}", pin.unwrap_or_default())));
    }
    let has = match id.action {
        Action::Chart => step.config.is_some(),
        action => step.action == action,
    };
    if !has {
        let action = StepId::action_word(id.action);
        return Err(elsewhere(&format!(
            "nothing that has a part for the action `{action}`"
        )));
    }
    Ok(Step {
        action: id.action,
        ..step.clone()
    })
}
