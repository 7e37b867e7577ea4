//! Building a plan: check everything, then act, in parallel, and report.
//!
//! Each service is built from its commit's tree, written into a scratch folder ([`prepare`]); images are made or found
//! again ([`image`]), then charts baked ([`chart`]). All products lie in one folder ([`products`]).

use std::{
    num::NonZeroUsize,
    path::PathBuf,
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
        report::{BuildReport, BuiltService, ChartReport, ImageReport, Status},
        settings::{Settings, TokenValue},
    },
    parallel,
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
    /// Where the products go.
    pub out: PathBuf,
}

/// Builds what the plan calls for. That services fail is part of the report; an error is what concerns all of them.
pub fn build(
    repository: &Repository,
    settings: &Settings,
    plan: Plan,
    options: &Options,
    events: Events<'_>,
) -> Result<BuildReport> {
    let started = Instant::now();
    let products = Products::open(&options.out)?;
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
        products: &products,
        builder,
        head,
        events,
    };

    let prepared = parallel::map(options.jobs, &steps, |step| prepare::prepare(&run, step))?;
    naming::refuse_shared_repositories(&prepared)?;
    let services = if may_act(&prepared, options) {
        run.act(prepared)?
    } else {
        prepared.into_iter().map(only_checked).collect()
    };
    let report = BuildReport {
        base: plan.base,
        head: plan.head,
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

fn only_checked(prepared: Prepared) -> BuiltService {
    match prepared {
        Ok(job) => job.planned(),
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
            Err(unfit) => return self.tell(index, unfit.failed()),
        };
        if stop.load(Ordering::SeqCst) || interrupt::pending().is_some() {
            return self.tell(
                index,
                ended(job.step, Status::Cancelled, Duration::ZERO, None),
            );
        }
        let (name, action) = (job.step.name.to_string(), job.step.action);
        (self.events)(Event::Started {
            job: index,
            name,
            action,
        });
        let started = Instant::now();
        let outcome = self.make(index, &job);
        let log = job.log.exists().then(|| job.log.clone());
        let mut built = match outcome {
            Ok(made) => BuiltService {
                image: made.image,
                chart: made.chart,
                ..ended(job.step, made.status, Duration::ZERO, None)
            },
            Err(error) => ended(job.step, Status::Failed, Duration::ZERO, Some(error)),
        };
        built.took = started.elapsed();
        built.log = log;
        self.tell(index, built)
    }

    /// The image, then its chart.
    fn make(&self, index: usize, job: &Job) -> Result<Made> {
        let step = |step| (self.events)(Event::Step { job: index, step });
        let mut status = Status::Built;
        let mut image = None;
        if let Some(request) = &job.image {
            step("image");
            let obtained = image::obtain(self, job, request)?;
            status = obtained.status;
            image = Some(obtained.image);
        }
        let mut chart = None;
        if job.has_chart {
            step("chart");
            chart = Some(chart::bake(self, job, image.as_ref())?);
            // A chart baked again from the same identity is the same file: only the image says whether work was done.
            if job.step.action == Action::Chart {
                status = Status::Built;
            }
        }
        Ok(Made {
            status,
            image,
            chart,
        })
    }

    fn tell(&self, index: usize, built: BuiltService) -> BuiltService {
        let ending = match built.status {
            Status::Failed => Ending::Failed,
            Status::Cancelled | Status::Planned => Ending::Cancelled,
            Status::Reused => Ending::Reused(what(&built)),
            Status::Built => Ending::Done(what(&built)),
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

/// What one job made.
struct Made {
    status: Status,
    image: Option<ImageReport>,
    chart: Option<ChartReport>,
}

/// The products in a few words.
fn what(built: &BuiltService) -> String {
    let chart = built
        .chart
        .as_ref()
        .map(|chart| format!("{}-{}.tgz", chart.name, chart.version));
    let image = match built.step.action {
        Action::Image => built.image.as_ref().map(|image| image.reference.clone()),
        _ => None,
    };
    image
        .into_iter()
        .chain(chart)
        .collect::<Vec<_>>()
        .join(", ")
}
