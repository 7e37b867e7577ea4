//! Building a plan: check everything, then act, in parallel, and report.
//!
//! Each service is built from its commit's tree, written into a scratch directory ([`prepare`]); images are built or reused
//! ([`image`], all of them at once where buildx builds: [`bake`]), then charts packaged ([`chart`]), several services at a time ([`act`]).
//! All products are in one directory ([`products`]). Gates judge both before they are pushed ([`gates`]).
//! What an image builds on ([`parents`]) is built before it, and given to its builder ([`handover`]).

mod act;
mod bake;
mod chart;
mod durations;
mod gates;
mod handover;
mod image;
mod job;
mod naming;
mod options;
mod parents;
mod prepare;
mod products;
mod queue;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use self::job::{Prepared, Run, ended};
pub(crate) use self::{options::BuildOptions, products::Products};
use crate::{
    container::{
        embedded::{BaseCache, Bases},
        engine::{self, Builder},
    },
    fleet::{
        image_edges::Reading,
        lineage::{BaseNames, Lineage, Refresher},
    },
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
    let (began, started) = (Instant::now(), Timestamp::now());
    gates::fetch(repository, settings, options, events);
    let steps: Vec<Step> = plan.builds().cloned().collect();
    let needs_builder = steps.iter().any(|step| step.action == Action::Image);
    let builder = needs_builder
        .then(|| engine::choose(options.builder, settings.image.buildx.as_deref()))
        .transpose()?;
    let head = plan.head.commit;
    let registries = Arc::new(Registries::new(RegistryOptions::default()));
    let cache = match BaseCache::of_user() {
        Some(cache) => cache,
        None => BaseCache::at(products.scratch()?),
    };
    let bases = Bases::new(Arc::clone(&registries), cache, products.images());
    let refresher = Refresher {
        repository,
        head,
        names: BaseNames::of(builder, &bases),
    };
    let reading = Reading {
        jobs: options.jobs,
        fetches: !options.offline,
        events,
    };
    let lineage = Lineage::of(repository, settings, &steps, &refresher, reading)?;
    let run = Run {
        repository,
        settings,
        options,
        products,
        builder,
        bases,
        registries,
        began,
        head,
        lineage,
        images: steps
            .iter()
            .filter(|step| step.action == Action::Image)
            .map(|step| step.path.clone())
            .collect(),
        made: Mutex::default(),
        events,
    };

    let prepared = parallel::map(options.jobs, &steps, |step| prepare::prepare(&run, step))?;
    prepare::refuse_shared_repositories(&prepared)?;
    let services = if may_act(&prepared, options) {
        run.act(prepared)?
    } else {
        prepared
            .into_iter()
            .map(|job| only_checked(&run, job))
            .collect()
    };
    let report = BuildReport {
        base: plan.base,
        head: plan.head,
        exceptions: plan.exceptions,
        builder: builder.map(Builder::name),
        services,
        warnings: plan.warnings,
        unread: plan.unread,
        started,
        jobs: options.jobs,
        took: began.elapsed(),
    };
    Ok(report)
}

/// Nothing is built while more services are known to fail than the user allows.
fn may_act(prepared: &[Prepared], options: &BuildOptions) -> bool {
    let unfit = prepared.iter().filter(|job| job.is_err()).count();
    !options.dry_run && !options.is_too_many(unfit)
}

fn only_checked(run: &Run<'_>, prepared: Prepared) -> BuiltService {
    let options = run.options;
    match prepared {
        Ok(job) if options.dry_run => {
            let gates = gates::planned(run, &job);
            job.planned(gates)
        }
        Ok(job) => ended(job.step, Status::Cancelled, Duration::ZERO, None),
        Err(unfit) => unfit.failed(),
    }
}
