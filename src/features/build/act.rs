//! Runs the jobs, several at a time.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    bake, chart, image,
    job::{ImageOrigin, Job, Prepared, Run, ended},
    products,
};
use crate::{
    container::engine::Outcome,
    interrupt,
    model::{
        change::Action,
        error::{Error, Result},
        event::{Ending, Event},
        report::{BuiltService, Status},
    },
    parallel,
};

impl Run<'_> {
    /// Runs the jobs in the plan's order, as many at a time as asked for; the report keeps that order.
    pub(super) fn act(&self, prepared: Vec<Prepared>) -> Result<Vec<BuiltService>> {
        (self.events)(Event::Planned {
            jobs: prepared.len(),
        });
        let baked = bake::all(self, &prepared)?;
        let ended: Vec<OnceLock<BuiltService>> = prepared.iter().map(|_| OnceLock::new()).collect();
        let stop = AtomicBool::new(false);
        parallel::pool(self.options.jobs)?.in_place_scope_fifo(|scope| {
            let jobs = prepared.into_iter().zip(baked).zip(&ended);
            for (index, ((job, baked), slot)) in jobs.enumerate() {
                let stop = &stop;
                scope.spawn_fifo(move |_| {
                    let outcome = self.one(index, job, baked, stop);
                    if outcome.status == Status::Failed && !self.options.keep_going {
                        stop.store(true, Ordering::SeqCst);
                    }
                    let _ = slot.set(outcome);
                });
            }
        });
        Ok(ended.into_iter().filter_map(OnceLock::into_inner).collect())
    }

    fn one(
        &self,
        index: usize,
        job: Prepared,
        baked: Option<Outcome>,
        stop: &AtomicBool,
    ) -> BuiltService {
        let job = match job {
            Ok(job) => job,
            Err(unfit) => return self.tell(index, unfit.failed(), &Made::default()),
        };
        let is_over = stop.load(Ordering::SeqCst) || interrupt::pending().is_some();
        let is_stopped = match &baked {
            Some(Outcome::Stopped) => true,
            Some(Outcome::Failed(..)) => false,
            Some(Outcome::Built(..)) | None => is_over,
        };
        if is_stopped {
            let cancelled = ended(job.step, Status::Cancelled, Duration::ZERO, None);
            return self.tell(index, cancelled, &Made::default());
        }
        // With its image it began before.
        if baked.is_none() {
            (self.events)(Event::Started {
                job: index,
                name: job.step.name.to_string(),
                doing: match job.step.action {
                    Action::Chart => "chart",
                    _ => "image",
                },
            });
        }
        let started = Instant::now();
        let before = match &baked {
            Some(Outcome::Built(_, took) | Outcome::Failed(_, took)) => *took,
            _ => Duration::ZERO,
        };
        let mut built = ended(job.step.clone(), Status::Failed, Duration::ZERO, None);
        let mut made = Made::default();
        match self.make(index, &job, baked, &mut built, &mut made) {
            Ok(()) => built.status = made.status(job.step.action),
            Err(error) => built.error = Some(error),
        }
        built.took = before + started.elapsed();
        built.log = job.log.exists().then_some(job.log);
        self.tell(index, built, &made)
    }

    /// The image, then its chart. What was made is in `built` also when something after it fails.
    fn make(
        &self,
        index: usize,
        job: &Job,
        baked: Option<Outcome>,
        built: &mut BuiltService,
        made: &mut Made,
    ) -> Result<()> {
        let step = |step| (self.events)(Event::Step { job: index, step });
        if baked.is_none() {
            products::clear_log(&job.log)?;
        }
        if let Some(image) = &job.image {
            step("image");
            let (image, status) = image::obtain(self, job, image, baked)?;
            built.image = Some(image);
            made.image = Some(status);
        }
        if job.has_chart {
            step("chart");
            self.warn_of_missing_image(job);
            let (chart, status) = chart::package(self, job, built.image.as_ref())?;
            built.chart = Some(chart);
            made.chart = Some(status);
        }
        Ok(())
    }

    /// A chart build does not build the image, and a pushed chart should deploy one that others can pull.
    fn warn_of_missing_image(&self, job: &Job) {
        let Some(image) = &job.image else { return };
        let is_missing = matches!(image.origin, ImageOrigin::Unknown);
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
            _ => "chart packaged",
        });
        let words: Vec<_> = image.into_iter().chain(chart).collect();
        words.join(", ")
    }
}
