//! Building a plan: check everything, then act, in parallel, and report.
//!
//! Each service is built from its commit's tree, written into a scratch directory ([`prepare`]); images are built or reused
//! ([`image`], all of them at once where buildx builds: [`bake`]), then charts packaged ([`chart`]), several services at a time ([`act`]). All products are in one directory ([`products`]).

mod act;
mod bake;
mod chart;
mod image;
mod job;
mod naming;
mod options;
mod prepare;
mod products;

use std::time::{Duration, Instant};

use self::job::{Prepared, Run, ended};
pub(crate) use self::{options::BuildOptions, products::Products};
use crate::{
    container::engine,
    git::repository::Repository,
    model::{
        change::Action,
        error::Result,
        event::Events,
        plan::{Plan, Step},
        report::{BuildReport, BuiltService, Status},
        settings::Settings,
    },
    parallel,
    registry::{Registries, RegistryOptions},
};

/// Builds what the plan calls for, into `products`. That services fail is part of the report; an error is what concerns
/// all of them.
pub(crate) fn build(
    repository: &Repository,
    settings: &Settings,
    plan: Plan,
    options: &BuildOptions,
    products: &Products,
    events: Events<'_>,
) -> Result<BuildReport> {
    let started = Instant::now();
    let steps: Vec<Step> = plan.builds().cloned().collect();
    let needs_builder = steps.iter().any(|step| step.action == Action::Image);
    let builder = needs_builder
        .then(|| engine::choose(options.builder, settings.image.buildx.as_deref()))
        .transpose()?;
    let head = plan.head.commit;
    let run = Run {
        repository,
        settings,
        options,
        products,
        builder,
        registries: Registries::new(RegistryOptions::default()),
        head,
        events,
    };

    let prepared = parallel::map(options.jobs, &steps, |step| prepare::prepare(&run, step))?;
    prepare::refuse_shared_repositories(&prepared)?;
    let services = if may_act(&prepared, options) {
        run.act(prepared)?
    } else {
        prepared
            .into_iter()
            .map(|job| only_checked(job, options))
            .collect()
    };
    let report = BuildReport {
        base: plan.base,
        head: plan.head,
        exceptions: plan.exceptions,
        builder: builder.map(image::builder_name),
        services,
        warnings: plan.warnings,
        unread: plan.unread,
        took: started.elapsed(),
    };
    Ok(report)
}

/// Nothing is built while one service is known to fail, unless the user wants the others all the same.
fn may_act(prepared: &[Prepared], options: &BuildOptions) -> bool {
    !options.dry_run && (options.keep_going || prepared.iter().all(Result::is_ok))
}

fn only_checked(prepared: Prepared, options: &BuildOptions) -> BuiltService {
    match prepared {
        Ok(job) if options.dry_run => job.planned(),
        Ok(job) => ended(job.step, Status::Cancelled, Duration::ZERO, None),
        Err(unfit) => unfit.failed(),
    }
}
