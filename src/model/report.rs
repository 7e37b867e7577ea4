//! The result of a build.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use bstr::BString;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    change::{Base, End, Unread, Warning},
    error::Error,
    evidence::GateReport,
    plan::Step,
    success::Exceptions,
    timing::Timing,
};

/// The whole outcome of a build, in the plan's order.
#[derive(Debug)]
pub struct BuildReport {
    /// The older end; none when services were asked for by name, or all of them.
    pub base: Option<Base>,
    /// The newer end.
    pub head: End,
    /// Services that are compared with another commit than `base`, by path.
    pub exceptions: Exceptions,
    /// What built the images; none when no image was called for.
    pub builder: Option<&'static str>,
    /// One entry for each build of the plan.
    pub services: Vec<BuiltService>,
    /// Carried over from the detection.
    pub warnings: Vec<Warning>,
    /// Submodules that could not be read: nothing of them was built.
    pub unread: Vec<Unread>,
    /// When it began.
    pub started: Timestamp,
    /// How many services were built at a time.
    pub jobs: NonZeroUsize,
    /// How long it all took.
    pub took: Duration,
}

impl BuildReport {
    /// How many ended so.
    pub fn count(&self, status: Status) -> usize {
        self.services
            .iter()
            .filter(|service| service.status == status)
            .count()
    }
}

/// What became of one service.
#[derive(Debug)]
pub struct BuiltService {
    /// The action and why.
    pub step: Step,
    /// How it ended.
    pub status: Status,
    /// The image it has now: built, reused, or what its chart names.
    pub image: Option<ImageReport>,
    /// Its chart, when it has one.
    pub chart: Option<ChartReport>,
    /// The gates of both, in the order in which they are written.
    pub gates: Vec<GateReport>,
    /// The paths of the services whose images had to be built by this run before this one's.
    pub after: Vec<BString>,
    /// When its job ran; none for one that did not begin.
    pub timing: Option<Timing>,
    /// How long it took.
    pub took: Duration,
    /// Where its children's output is, when there were any.
    pub log: Option<PathBuf>,
    /// Why it failed.
    pub error: Option<Error>,
}

/// How a build of one service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It was made now.
    Built,
    /// It was there already.
    Reused,
    /// It would be made (`--dry-run`).
    Planned,
    /// It could not be made.
    Failed,
    /// It was not begun.
    Cancelled,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReport {
    /// Its identity: `registry/repository:code-…`.
    pub reference: String,
    /// All its names, the identity first.
    pub references: Vec<String>,
    /// The digest of its manifest, or of its index of manifests for several platforms, where it is known: an engine with a store of its own learns it by a push.
    pub digest: Option<String>,
    /// Its id, the digest of its configuration; an index of images for several platforms has none of its own everywhere.
    pub id: Option<String>,
    /// What it is for, in OCI's notation.
    #[serde(default)]
    pub platforms: Vec<String>,
}

/// A chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartReport {
    /// Its name, from Chart.yaml.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The packaged file; none in a dry run.
    pub file: Option<PathBuf>,
    /// The digest of the file (`sha256:…`).
    pub digest: Option<String>,
    /// Where it was pushed.
    pub reference: Option<String>,
    /// What a look at the finished chart says; none for one that was not looked at.
    #[serde(default)]
    pub check: Option<ChartCheck>,
}

/// What a look at a finished chart says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartCheck {
    /// Whether it runs the image that it was given; none for a chart that was given none.
    pub image: Option<ImageCheck>,
    /// Where in its values the image was set: keys joined by dots.
    pub path: Option<String>,
    /// Why the image was not found, or not looked for.
    pub reason: Option<String>,
    /// What else does not work as it did before the chart was packaged.
    pub warnings: Vec<String>,
}

/// Whether a chart runs its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageCheck {
    /// It is in what the chart renders to.
    Found,
    /// It is not, or the chart does not render any more with it.
    NotFound,
    /// The chart could not be rendered, with or without it.
    Unchecked,
}
