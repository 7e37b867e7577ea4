//! Runs the jobs, several at a time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    bake, chart,
    durations::Durations,
    image,
    job::{FoundImage, ImageOrigin, Job, ParentOrigin, Prepared, Run, ended},
    products,
    queue::{Queue, QueuedJob},
};
use crate::{
    container::{
        BuiltImage,
        engine::{Builder, Outcome},
    },
    interrupt,
    model::{
        change::Action,
        error::{Error, Result},
        event::{Ending, Event},
        report::{BuiltService, ImageReport, Status},
        timing::{Phase, PhaseEnding},
    },
    parallel,
};

impl Run<'_> {
    /// Runs the jobs, as many at a time as asked for: an image after those that it builds on, and what takes longest first. The
    /// report keeps the plan's order.
    pub(super) fn act(&self, prepared: Vec<Prepared>) -> Result<Vec<BuiltService>> {
        (self.events)(Event::Planned {
            jobs: prepared.len(),
        });
        let durations = Durations::of(self.repository);
        let queue = Queue::new(&queued(&prepared, &durations));
        let baked = bake::all(self, &prepared)?;
        let ended: Vec<OnceLock<BuiltService>> = prepared.iter().map(|_| OnceLock::new()).collect();
        let jobs: Vec<_> = prepared
            .into_iter()
            .zip(baked)
            .map(|job| Mutex::new(Some(job)))
            .collect();
        let failures = AtomicUsize::new(0);
        let work = |slot| {
            while let Some(turn) = queue.next() {
                let index = turn.number;
                let job = jobs[index]
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                if let Some((job, baked)) = job {
                    let _ = ended[index].set(self.one(slot, index, job, baked, &failures));
                }
            }
        };
        parallel::pool(self.options.jobs)?.in_place_scope(|scope| {
            let work = &work;
            for slot in 0..self.options.jobs.get().min(jobs.len()) {
                scope.spawn(move |_| work(slot));
            }
        });
        let mut services: Vec<_> = ended.into_iter().filter_map(OnceLock::into_inner).collect();
        if self.builder == Some(Builder::Buildx) {
            bake::give_slots(&mut services);
        }
        durations.keep(self.repository, &services);
        Ok(services)
    }

    fn one(
        &self,
        slot: usize,
        index: usize,
        job: Prepared,
        baked: Option<Outcome>,
        failures: &AtomicUsize,
    ) -> BuiltService {
        let job = match job {
            Ok(job) => job,
            Err(unfit) => {
                failures.fetch_add(1, Ordering::SeqCst);
                return self.tell(index, unfit.failed(), &Made::default());
            }
        };
        let is_over = || {
            let failures = failures.load(Ordering::SeqCst);
            self.options.is_too_many(failures) || interrupt::pending().is_some()
        };
        let is_stopped = match &baked {
            Some(Outcome::Failed(..)) => false,
            // It is there, and would be built again if it got no name.
            Some(Outcome::Built(..)) => interrupt::pending().is_some(),
            Some(Outcome::Stopped) | None => is_over(),
        };
        // A failure is told whatever became of its parents.
        let has_failed = matches!(baked, Some(Outcome::Failed(..)));
        let is_cancelled = is_stopped || !has_failed && self.lacks_a_parent(&job);
        if is_cancelled || matches!(baked, Some(Outcome::Stopped)) {
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
        let mut started = Instant::now();
        if let Some(Outcome::Built(_, took) | Outcome::Failed(_, took)) = &baked {
            // How long buildx took is known, and counts as if it had been right before. Its clock may be another machine's.
            let before = started.checked_sub(*took);
            started = before.map_or(self.began, |before| before.max(self.began));
            job.enter_at(Phase::Image, started);
        }
        let mut built = ended(job.step.clone(), Status::Failed, Duration::ZERO, None);
        let mut made = Made::default();
        match self.make(index, &job, baked, &mut built, &mut made) {
            Ok(()) => built.status = made.status(job.step.action),
            Err(error) => {
                failures.fetch_add(1, Ordering::SeqCst);
                built.error = Some(error);
            }
        }
        built.took = started.elapsed();
        built.after = job.after().cloned().collect();
        let last = job.last_phase();
        let has_failed = built.error.is_some();
        let timing = job.timing(slot, (self.began, started), |phase| match phase {
            phase if has_failed && last == Some(phase) => PhaseEnding::Failed,
            phase => made.ending(phase),
        });
        built.timing = Some(timing);
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
        let step = |phase, step| {
            job.enter(phase);
            (self.events)(Event::Step { job: index, step });
        };
        if baked.is_none() {
            products::clear_log(&job.log)?;
        }
        if let Some(image) = &job.image {
            if baked.is_none() {
                step(Phase::Image, "image");
            }
            let (image, status) = image::obtain(self, job, image, baked, &mut built.gates)?;
            self.remember(job, &image);
            built.image = Some(image);
            made.image = Some(status);
        }
        if job.has_chart {
            step(Phase::Chart, "chart");
            self.warn_of_missing_image(job);
            let (chart, status) =
                chart::package(self, job, built.image.as_ref(), &mut built.gates)?;
            built.chart = Some(chart);
            made.chart = Some(status);
        }
        Ok(())
    }

    /// Whether an image that this one builds on was to be built by this run, and was not.
    fn lacks_a_parent(&self, job: &Job) -> bool {
        let parents = job.image.iter().flat_map(|image| &image.parents);
        let mut missing = parents.filter(|parent| {
            matches!(parent.origin, ParentOrigin::InRun) && self.made(&parent.path).is_none()
        });
        let Some(parent) = missing.next() else {
            return false;
        };
        (self.events)(Event::Notice(format!(
            "{} is not built: it builds on the image of {}, which was not built",
            job.step.name, parent.image.name
        )));
        true
    }

    /// Keeps where the image is, for those that build on it.
    fn remember(&self, job: &Job, image: &ImageReport) {
        if job.step.action != Action::Image {
            return;
        }
        let found = match (&image.digest, &image.id) {
            (Some(digest), None) => FoundImage::InRegistry(digest.clone()),
            (digest, id) => FoundImage::InStore(BuiltImage {
                digest: digest.clone(),
                id: id.clone().unwrap_or_default(),
            }),
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(job.step.path.clone(), found);
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

/// What waits for what, and how long each took last time. What is there already, and a chart alone, takes no time worth speaking
/// of; where nobody knows how long the others take, all keep the plan's order.
fn queued(prepared: &[Prepared], durations: &Durations) -> Vec<QueuedJob> {
    let path = |job: &Prepared| match job {
        Ok(job) => job.step.path.clone(),
        Err(unfit) => unfit.step.path.clone(),
    };
    let numbers: BTreeMap<_, _> = prepared.iter().map(path).zip(0..).collect();
    let to_build = |job: &Prepared| {
        let image = job.as_ref().ok().and_then(|job| job.image.as_ref());
        image.is_some_and(|image| matches!(image.origin, ImageOrigin::Request(_)))
    };
    let last = |job: &Prepared| durations.last(path(job).as_ref());
    let is_first_run = !prepared
        .iter()
        .any(|job| to_build(job) && last(job).is_some());
    let queued = |job: &Prepared| {
        let after = job.as_ref().ok().into_iter().flat_map(|job| job.after());
        QueuedJob {
            after: after
                .filter_map(|path| numbers.get(path).copied())
                .collect(),
            took: match to_build(job) {
                _ if is_first_run => None,
                true => last(job),
                false => Some(Duration::ZERO),
            },
        }
    };
    prepared.iter().map(queued).collect()
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

    /// How a part of a job ended that did not fail.
    fn ending(&self, phase: Phase) -> PhaseEnding {
        let status = match phase {
            Phase::Image => self.image,
            Phase::Chart => self.chart,
            Phase::PushImage | Phase::Gate | Phase::PushChart => None,
        };
        match status {
            Some(Status::Reused) => PhaseEnding::Reused,
            _ => PhaseEnding::Done,
        }
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
