//! The documents that a report is made from.

use std::time::Duration;

use bstr::{BStr, ByteSlice};
use jiff::Timestamp;

use crate::{
    model::{
        document::{BuildV1, BuiltV1, FailureV1},
        excerpt::Excerpt,
        report::Status,
    },
    output::text,
};

/// How much of the beginning of a log is worth showing, in bytes.
pub(crate) const LOG_FIRST: u64 = 8 << 10;
/// How much of its end.
pub(crate) const LOG_LAST: u64 = 56 << 10;

/// The document of one job, with the logs of its services.
pub(crate) struct JobReport<'a> {
    /// What the job is called, where there are several.
    pub name: Option<String>,
    /// What it built.
    pub build: BuildV1<'a>,
    /// The log of each service, in the document's order.
    pub logs: Vec<Option<Excerpt>>,
}

/// A service with what belongs to it.
pub(super) struct Entry<'a> {
    /// Which part it is of.
    pub part: usize,
    pub built: &'a BuiltV1<'a>,
    /// Why it failed, if it did.
    pub failure: Option<FailureText>,
    pub log: Option<&'a Excerpt>,
}

/// The services of all parts.
pub(super) fn entries<'a>(parts: &'a [JobReport<'a>]) -> Vec<Entry<'a>> {
    let all = parts.iter().enumerate();
    let entries = all.flat_map(|(number, part)| {
        let services = part.build.services.iter().enumerate();
        services.map(move |(index, built)| Entry {
            part: number,
            built,
            failure: (built.status == Status::Failed).then(|| FailureText::of(part, built)),
            log: part.logs.get(index).and_then(Option::as_ref),
        })
    });
    entries.collect()
}

/// Why something failed.
pub(super) struct FailureText {
    /// What failed.
    pub message: String,
    /// The same with causes and hints, a line for each.
    pub whole: String,
}

impl FailureText {
    fn of(part: &JobReport<'_>, built: &BuiltV1<'_>) -> Self {
        let mut errors = part.build.errors.iter();
        match errors.find(|error| error.path == built.step.path) {
            Some(error) => Self::from(error),
            None => {
                let message = built.error.clone().unwrap_or("it failed".to_owned());
                Self {
                    whole: message.clone(),
                    message,
                }
            }
        }
    }
}

impl From<&FailureV1<'_>> for FailureText {
    fn from(failure: &FailureV1<'_>) -> Self {
        let mut lines = vec![failure.message.clone()];
        lines.extend(failure.causes.iter().map(|it| format!("caused by: {it}")));
        lines.extend(failure.hints.iter().map(|it| format!("hint: {it}")));
        Self {
            message: failure.message.clone(),
            whole: lines.join("\n"),
        }
    }
}

/// What failed that is none of the services: submodules that could not be read.
pub(super) fn unread<'a>(parts: &'a [JobReport<'a>]) -> Vec<&'a FailureV1<'a>> {
    let errors = |part: &'a JobReport<'a>| {
        let is_service = |error: &&FailureV1<'_>| {
            let mut services = part.build.services.iter();
            services.any(|built| built.step.path == error.path && built.status == Status::Failed)
        };
        part.build.errors.iter().filter(move |it| !is_service(it))
    };
    parts.iter().flat_map(errors).collect()
}

/// When a part began, in seconds after the first of all began.
pub(super) fn offsets(parts: &[JobReport<'_>]) -> Vec<f64> {
    let started = |part: &JobReport<'_>| part.build.started.as_ref()?.parse::<Timestamp>().ok();
    let first = parts.iter().filter_map(started).min();
    let offset = |part: &JobReport<'_>| {
        let since = started(part)?.duration_since(first?);
        Some(since.as_secs_f64())
    };
    parts.iter().map(|it| offset(it).unwrap_or(0.0)).collect()
}

/// A name or a path on one line.
pub(super) fn name(bytes: &BStr) -> String {
    text::controls_line(&bytes.to_str_lossy())
}

/// A time in seconds for people.
pub(super) fn took(seconds: f64) -> String {
    // A document may have been edited.
    let took = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    text::duration(took)
}
