//! What a build consists of: the run, and a job for each service.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bstr::BString;
use gix::ObjectId;

use super::{naming::ImageNames, options::BuildOptions, products::Products};
use crate::{
    container::{BuiltImage, ImageRequest, embedded::Bases, engine},
    fleet::lineage::{BaseNames, KnownImage, Lineage, Refresher},
    git::repository::Repository,
    model::{
        error::Error,
        event::Events,
        evidence::GateReport,
        plan::Step,
        report::{BuiltService, ImageReport, Status},
        settings::{ServiceSettings, Settings},
        timing::{Phase, PhaseEnding, PhaseTime, Timing},
    },
    registry::Registries,
};

/// What all jobs of a run share.
pub(super) struct Run<'a> {
    pub repository: &'a Repository,
    pub settings: &'a Settings,
    pub options: &'a BuildOptions,
    pub products: &'a Products,
    pub builder: Option<engine::Builder>,
    /// What registries said before, and the connections to them.
    pub registries: Arc<Registries>,
    /// What images of the embedded builder stand on.
    pub bases: Bases,
    /// When the build began.
    pub began: Instant,
    /// The fleet's commit.
    pub head: ObjectId,
    /// What images build on.
    pub lineage: Lineage<'a>,
    /// The services whose images this run is to build, by their paths.
    pub images: BTreeSet<BString>,
    /// Those that it has by now.
    pub made: Mutex<BTreeMap<BString, FoundImage>>,
    pub events: Events<'a>,
}

impl Run<'_> {
    /// What resolves the base images that count by their content.
    pub(super) fn refresher(&self) -> Refresher<'_> {
        Refresher {
            repository: self.repository,
            head: self.head,
            names: BaseNames::of(self.builder, &self.bases),
        }
    }

    /// The image of the service at `path`, if this run has built it, or found it there.
    pub(super) fn made(&self, path: &BString) -> Option<FoundImage> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(path).cloned()
    }
}

/// A service that can be built.
pub(super) struct Job {
    /// What to do and why.
    pub step: Step,
    /// What holds for this service.
    pub settings: ServiceSettings,
    /// Its `code/`, `config/` and `charts/`, as the commit has them.
    pub source: PathBuf,
    /// The commit it is built from.
    pub commit: ObjectId,
    /// Its image, whether it is to be built or only named by the chart.
    pub image: Option<ImageJob>,
    /// Whether there is a chart to package.
    pub has_chart: bool,
    /// The digest that its package has, as far as it can be known before the image is.
    pub chart_digest: Option<String>,
    /// Where its children's output goes.
    pub log: PathBuf,
    /// When its parts began.
    pub phases: Mutex<Vec<(Phase, Instant)>>,
}

/// The image of a service.
pub(super) struct ImageJob {
    /// What it is called.
    pub names: ImageNames,
    /// Where it comes from.
    pub origin: ImageOrigin,
    /// The images of other services that it is built on, if it is built.
    pub parents: Vec<ImageParent>,
}

/// An image that another is built on.
pub(super) struct ImageParent {
    /// The path of its service.
    pub path: BString,
    /// What it is known by.
    pub image: KnownImage,
    /// Where it is.
    pub origin: ParentOrigin,
}

/// Where an image is that another is built on.
pub(super) enum ParentOrigin {
    /// This run builds it, before the other.
    InRun,
    /// It is there already.
    Found(FoundImage),
}

/// Where an image comes from.
pub(super) enum ImageOrigin {
    /// It is there already.
    Found(FoundImage),
    /// It is to be built.
    Request(ImageRequest),
    /// A chart names it, and it was not found.
    Unknown,
}

impl ImageOrigin {
    /// Where it is already, if it is.
    pub(super) fn found(&self) -> Option<&FoundImage> {
        match self {
            Self::Found(found) => Some(found),
            Self::Request(_) | Self::Unknown => None,
        }
    }
}

impl Job {
    /// Says that what follows belongs to this part of the job.
    pub(super) fn enter(&self, phase: Phase) {
        self.enter_at(phase, Instant::now());
    }

    /// Says that this part of the job began at `at`.
    pub(super) fn enter_at(&self, phase: Phase, at: Instant) {
        self.phases().push((phase, at));
    }

    /// When the job ran, which is over by now, in a build that began at `began`.
    pub(super) fn timing(
        &self,
        slot: usize,
        (began, started): (Instant, Instant),
        ending: impl Fn(Phase) -> PhaseEnding,
    ) -> Timing {
        let phases = self.phases();
        let next = phases.iter().skip(1).map(|(_, at)| *at);
        let ends = next.chain([Instant::now()]);
        Timing {
            slot,
            start: started.duration_since(began),
            phases: phases
                .iter()
                .zip(ends)
                .map(|(&(phase, at), end)| PhaseTime {
                    phase,
                    start: at.duration_since(began),
                    took: end.duration_since(at),
                    ending: ending(phase),
                })
                .collect(),
        }
    }

    /// The part that it came to.
    pub(super) fn last_phase(&self) -> Option<Phase> {
        self.phases().last().map(|(phase, _)| *phase)
    }

    fn phases(&self) -> MutexGuard<'_, Vec<(Phase, Instant)>> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The services whose images this run builds before this one's.
    pub(super) fn after(&self) -> impl Iterator<Item = &BString> {
        let parents = self.image.iter().flat_map(|image| &image.parents);
        parents
            .filter(|parent| matches!(parent.origin, ParentOrigin::InRun))
            .map(|parent| &parent.path)
    }

    /// As a dry run reports it.
    pub(super) fn planned(self, gates: Vec<GateReport>) -> BuiltService {
        let image = self.image.as_ref();
        BuiltService {
            gates,
            image: image.map(|image| report(&image.names, &self.settings, image.origin.found())),
            ..ended(self.step, Status::Planned, Duration::ZERO, None)
        }
    }
}

/// Where an image is already.
#[derive(Clone, Debug)]
pub(super) enum FoundImage {
    /// In its registry; the digest of its manifest there.
    InRegistry(String),
    /// In the builder's own store.
    InStore(BuiltImage),
}

impl FoundImage {
    /// The digest of its manifest, where it is known.
    pub(super) fn digest(&self) -> Option<String> {
        match self {
            Self::InRegistry(digest) => Some(digest.clone()),
            Self::InStore(built) => built.digest.clone(),
        }
    }
}

/// A service that passed every check, or the reason why it did not.
pub(super) type Prepared = std::result::Result<Job, Box<Unfit>>;

/// A service that did not pass.
pub(super) struct Unfit {
    /// What was to be done.
    pub step: Step,
    /// Why it cannot be.
    pub error: Error,
}

impl Unfit {
    /// As the report has it.
    pub(super) fn failed(self) -> BuiltService {
        ended(self.step, Status::Failed, Duration::ZERO, Some(self.error))
    }
}

/// A service that made nothing.
pub(super) fn ended(
    step: Step,
    status: Status,
    took: Duration,
    error: Option<Error>,
) -> BuiltService {
    BuiltService {
        step,
        status,
        image: None,
        chart: None,
        gates: Vec::new(),
        after: Vec::new(),
        timing: None,
        took,
        log: None,
        error,
    }
}

/// An image as the report has it.
pub(super) fn report(
    names: &ImageNames,
    own: &ServiceSettings,
    found: Option<&FoundImage>,
) -> ImageReport {
    let (digest, id) = match found {
        Some(FoundImage::InRegistry(digest)) => (Some(digest.clone()), None),
        Some(FoundImage::InStore(BuiltImage { digest, id })) => {
            (digest.clone(), Some(id.clone()).filter(|id| !id.is_empty()))
        }
        None => (None, None),
    };
    ImageReport {
        reference: names.identity_reference(),
        references: names.references(),
        digest,
        id,
        platforms: own.image.platforms.to_vec(),
    }
}
