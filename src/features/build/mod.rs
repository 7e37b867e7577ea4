//! Building a plan: check everything, then act, in parallel, and report.
//!
//! Each service is built from its commit's tree, written into a scratch folder ([`prepare`]); images are made or found
//! again ([`image`]), then charts baked ([`chart`]). All products lie in one folder ([`products`]).

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    container::engine,
    git::repository::Repository,
    interrupt,
    model::{
        change::Action,
        error::{Error, Result},
        event::{Ending, Event, Events},
        plan::{Plan, Step},
        report::{BuildReport, BuiltService, Status},
        settings::{Settings, TokenValue},
    },
    parallel,
    registry::{Registries, RegistryOptions},
};

mod chart;
mod image;
mod naming;
mod prepare;
mod products;

use prepare::Job;
pub use products::Products;

/// How to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// What builds images.
    pub builder: engine::Choice,
    /// How many services at a time.
    pub jobs: NonZeroUsize,
    /// Further tags for every image.
    pub tags: Vec<String>,
    /// The branch that `{branch}` of a tag template stands for; without one such templates give no tag.
    pub branch: Option<String>,
    /// Values for tokens in `values.yaml`, over those of the configuration.
    pub tokens: Vec<(String, TokenValue)>,
    /// Whether to push what was built.
    pub push: bool,
    /// Whether to stop after the checks.
    pub dry_run: bool,
    /// Whether one failure lets the others go on.
    pub keep_going: bool,
}

/// Builds what the plan calls for, into `products`. That services fail is part of the report; an error is what concerns
/// all of them.
pub fn build(
    repository: &Repository,
    settings: &Settings,
    plan: Plan,
    options: &Options,
    products: &Products,
    events: Events<'_>,
) -> Result<BuildReport> {
    let started = Instant::now();
    let steps: Vec<Step> = plan.builds().cloned().collect();
    let needs_builder = steps.iter().any(|step| step.action == Action::Image);
    let builder = needs_builder
        .then(|| engine::choose(options.builder))
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
    naming::refuse_shared_repositories(&prepared)?;
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
        took: started.elapsed(),
    };
    Ok(report)
}

/// A service that passed every check, or the reason why it did not.
type Prepared = std::result::Result<Job, Box<Unfit>>;

struct Unfit {
    step: Step,
    error: Error,
}

/// Nothing is built while one service is known to fail, unless the user wants the others all the same.
fn may_act(prepared: &[Prepared], options: &Options) -> bool {
    !options.dry_run && (options.keep_going || prepared.iter().all(Result::is_ok))
}

fn only_checked(prepared: Prepared, options: &Options) -> BuiltService {
    match prepared {
        Ok(job) if options.dry_run => job.planned(),
        Ok(job) => ended(job.step, Status::Cancelled, Duration::ZERO, None),
        Err(unfit) => unfit.failed(),
    }
}

impl Unfit {
    fn failed(self) -> BuiltService {
        ended(self.step, Status::Failed, Duration::ZERO, Some(self.error))
    }
}

fn ended(step: Step, status: Status, took: Duration, error: Option<Error>) -> BuiltService {
    BuiltService {
        step,
        status,
        image: None,
        chart: None,
        took,
        log: None,
        error,
    }
}

/// What all jobs of a run share.
struct Run<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    options: &'a Options,
    products: &'a Products,
    builder: Option<engine::Builder>,
    registries: Registries,
    /// The fleet's commit.
    head: gix::ObjectId,
    events: Events<'a>,
}

impl Run<'_> {
    /// Runs the jobs in the plan's order, as many at a time as asked for; the report keeps that order.
    fn act(&self, prepared: Vec<Prepared>) -> Result<Vec<BuiltService>> {
        (self.events)(Event::Planned {
            jobs: prepared.len(),
        });
        let ended: Vec<OnceLock<BuiltService>> = prepared.iter().map(|_| OnceLock::new()).collect();
        let stop = AtomicBool::new(false);
        parallel::pool(self.options.jobs)?.in_place_scope_fifo(|scope| {
            for (index, (job, slot)) in prepared.into_iter().zip(&ended).enumerate() {
                let stop = &stop;
                scope.spawn_fifo(move |_| {
                    let outcome = self.one(index, job, stop);
                    if outcome.status == Status::Failed && !self.options.keep_going {
                        stop.store(true, Ordering::SeqCst);
                    }
                    let _ = slot.set(outcome);
                });
            }
        });
        Ok(ended.into_iter().filter_map(OnceLock::into_inner).collect())
    }

    fn one(&self, index: usize, job: Prepared, stop: &AtomicBool) -> BuiltService {
        let job = match job {
            Ok(job) => job,
            Err(unfit) => return self.tell(index, unfit.failed(), &Made::default()),
        };
        if stop.load(Ordering::SeqCst) || interrupt::pending().is_some() {
            let cancelled = ended(job.step, Status::Cancelled, Duration::ZERO, None);
            return self.tell(index, cancelled, &Made::default());
        }
        (self.events)(Event::Started {
            job: index,
            name: job.step.name.to_string(),
            doing: match job.step.action {
                Action::Chart => "chart",
                _ => "image",
            },
        });
        let started = Instant::now();
        let mut built = ended(job.step.clone(), Status::Failed, Duration::ZERO, None);
        let mut made = Made::default();
        match self.make(index, &job, &mut built, &mut made) {
            Ok(()) => built.status = made.status(job.step.action),
            Err(error) => built.error = Some(error),
        }
        built.took = started.elapsed();
        built.log = job.log.exists().then_some(job.log);
        self.tell(index, built, &made)
    }

    /// The image, then its chart. What was made is in `built` also when something after it fails.
    fn make(
        &self,
        index: usize,
        job: &Job,
        built: &mut BuiltService,
        made: &mut Made,
    ) -> Result<()> {
        let step = |step| (self.events)(Event::Step { job: index, step });
        products::clear_log(&job.log)?;
        if let Some(image) = &job.image {
            step("image");
            let (image, status) = image::obtain(self, job, image)?;
            built.image = Some(image);
            made.image = Some(status);
        }
        if job.has_chart {
            step("chart");
            self.warn_of_missing_image(job);
            let (chart, status) = chart::bake(self, job, built.image.as_ref())?;
            built.chart = Some(chart);
            made.chart = Some(status);
        }
        Ok(())
    }

    /// A chart build does not build the image, and a pushed chart should deploy one that others can pull.
    fn warn_of_missing_image(&self, job: &Job) {
        let Some(image) = &job.image else { return };
        let is_missing = matches!(image.origin, prepare::Origin::Unknown);
        if self.options.push && job.step.action == Action::Chart && is_missing {
            (self.events)(Event::Notice(format!(
                "the chart of {0} deploys {1}, which is not in its registry: flota build {0} --push builds it",
                job.step.name,
                image.names.identity_reference()
            )));
        }
    }

    fn tell(&self, index: usize, built: BuiltService, made: &Made) -> BuiltService {
        let stopped = |error: &Error| error.exit().is_signal();
        let ending = match built.status {
            Status::Failed if built.error.as_ref().is_some_and(stopped) => Ending::Stopped,
            Status::Failed => Ending::Failed,
            Status::Cancelled | Status::Planned => Ending::Cancelled,
            Status::Reused => Ending::Reused(made.words(built.step.action)),
            Status::Built => Ending::Done(made.words(built.step.action)),
        };
        let log = built
            .log
            .as_deref()
            .and_then(products::read_log)
            .map(Arc::from);
        let name = built.step.name.to_string();
        (self.events)(Event::Finished {
            job: index,
            name,
            ending,
            took: built.took,
            log,
        });
        built
    }
}

/// What became of a service's products so far.
#[derive(Default)]
struct Made {
    image: Option<Status>,
    chart: Option<Status>,
}

impl Made {
    /// An image build is known by its image: its chart follows from that. A chart build only names an image.
    fn status(&self, action: Action) -> Status {
        let telling = match action {
            Action::Image => self.image.or(self.chart),
            _ => self.chart,
        };
        telling.unwrap_or(Status::Built)
    }

    /// In a few words.
    fn words(&self, action: Action) -> String {
        let image = self.image.filter(|_| action == Action::Image);
        let image = image.map(|status| match status {
            Status::Reused => "image reused",
            _ => "image built",
        });
        let chart = self.chart.map(|status| match status {
            Status::Reused => "chart reused",
            _ => "chart baked",
        });
        let words: Vec<_> = image.into_iter().chain(chart).collect();
        words.join(", ")
    }
}
