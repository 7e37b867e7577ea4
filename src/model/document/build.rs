//! `flota.build/v1`

use std::{borrow::Cow, num::NonZeroUsize, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    evidence::GateV1,
    failure::FailureV1,
    parts::{BaseV1, EndV1, ExceptionV1, PathV1, StepV1, WarningV1, exceptions},
    timing::TimingV1,
};
use crate::model::report::{BuildReport, BuiltService, ChartReport, ImageReport, Status};

/// What a build made.
#[derive(Debug, Serialize, Deserialize)]
pub struct BuildV1<'a> {
    /// [`BuildV1::SCHEMA`].
    pub schema: Cow<'a, str>,
    /// The older end; none when services were asked for by name, or all of them.
    pub base: Option<BaseV1<'a>>,
    /// The newer end.
    pub head: EndV1<'a>,
    /// Services that are compared with another commit than the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionV1<'a>>,
    /// How many services there are.
    #[serde(default)]
    pub count: usize,
    /// Whether there is any.
    #[serde(default)]
    pub has_changes: bool,
    /// What built the images; none when no image was called for.
    pub builder: Option<Cow<'a, str>>,
    /// What became of each.
    #[serde(default)]
    pub services: Vec<BuiltV1<'a>>,
    /// What a person should look at.
    #[serde(default)]
    pub warnings: Vec<WarningV1<'a>>,
    /// Services that could not be built, and submodules that could not be read.
    #[serde(default)]
    pub errors: Vec<FailureV1<'a>>,
    /// When it began (RFC 3339, UTC).
    #[serde(default)]
    pub started: Option<Cow<'a, str>>,
    /// How many services were built at a time.
    #[serde(default)]
    pub jobs: Option<NonZeroUsize>,
    /// How long it all took.
    #[serde(default)]
    pub seconds: f64,
}

impl BuildV1<'_> {
    /// What stands under `schema`.
    pub const SCHEMA: &'static str = "flota.build/v1";
}

impl<'a> From<&'a BuildReport> for BuildV1<'a> {
    fn from(report: &'a BuildReport) -> Self {
        Self {
            schema: Self::SCHEMA.into(),
            base: report.base.as_ref().map(BaseV1::from),
            head: EndV1::from(&report.head),
            exceptions: exceptions(&report.exceptions),
            count: report.services.len(),
            has_changes: !report.services.is_empty(),
            builder: report.builder.map(Cow::from),
            services: report.services.iter().map(BuiltV1::from).collect(),
            warnings: report.warnings.iter().map(WarningV1::from).collect(),
            errors: errors(report),
            started: Some(format!("{:.3}", report.started).into()),
            jobs: Some(report.jobs),
            seconds: report.took.as_secs_f64(),
        }
    }
}

/// What failed, by path.
fn errors(report: &BuildReport) -> Vec<FailureV1<'_>> {
    let built = report.services.iter();
    let mut errors = FailureV1::all(built.map(|it| (&it.step.path, it.error.as_ref())));
    let unread = report.unread.iter();
    errors.extend(unread.map(|it| FailureV1::of(&it.path, &it.own_error())));
    errors.sort_by(|one, other| one.path.cmp(&other.path));
    errors
}

/// What became of one service.
#[derive(Debug, Serialize, Deserialize)]
pub struct BuiltV1<'a> {
    /// The action and why.
    #[serde(flatten)]
    pub step: StepV1<'a>,
    /// How it ended.
    pub status: Status,
    /// The image it has now.
    pub image: Option<Cow<'a, ImageReport>>,
    /// Its chart, when it has one.
    pub chart: Option<Cow<'a, ChartReport>>,
    /// The gates of both.
    #[serde(default)]
    pub gates: Vec<GateV1<'a>>,
    /// The services whose images this run had to build before this one's.
    #[serde(default)]
    pub after: Vec<PathV1<'a>>,
    /// When its job ran; none for one that did not begin.
    #[serde(default)]
    pub timing: Option<TimingV1>,
    /// How long it took.
    #[serde(default)]
    pub seconds: f64,
    /// Where its children's output is, when there were any.
    pub log: Option<Cow<'a, Path>>,
    /// Why it failed.
    pub error: Option<String>,
}

impl<'a> From<&'a BuiltService> for BuiltV1<'a> {
    fn from(service: &'a BuiltService) -> Self {
        Self {
            step: StepV1::from(&service.step),
            status: service.status,
            image: service.image.as_ref().map(Cow::Borrowed),
            chart: service.chart.as_ref().map(Cow::Borrowed),
            gates: service.gates.iter().map(GateV1::from).collect(),
            after: service.after.iter().map(PathV1::from).collect(),
            timing: service.timing.as_ref().map(TimingV1::from),
            seconds: service.took.as_secs_f64(),
            log: service.log.as_deref().map(Cow::Borrowed),
            error: service.error.as_ref().map(ToString::to_string),
        }
    }
}
