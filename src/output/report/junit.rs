//! `junit.xml`: what CI systems read as results of tests. A test suite is a service, a test case is a part of its work.
//!
//! There is no standard: this keeps to what the parsers of GitLab, Azure Pipelines and Jenkins have in common
//! (<https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd>).
//! A template writes it: quick-junit would bring chrono, uuid and an XML library for these few elements.

use serde::Serialize;

use super::{
    log_text::{log_end, readable},
    parts::{Entry, FailureText, JobReport, entries, name, unread},
    render::render,
};
use crate::{
    model::{
        change::Action,
        document::PhaseV1,
        report::Status,
        timing::{Phase, PhaseEnding},
    },
    output::text,
};

const TEMPLATE: &str = include_str!("../../../templates/report/junit.xml.jinja");

/// How much of a log's end a failure has, in bytes.
const FAILED_LOG: usize = 64 << 10;
/// The same of what succeeded.
const LOG: usize = 4 << 10;
/// Of all logs together: some systems refuse a file of more than 10 MB.
const LOGS: usize = 6 << 20;

#[derive(Serialize)]
struct Suites {
    tests: usize,
    failures: usize,
    time: String,
    suites: Vec<Suite>,
}

#[derive(Serialize)]
struct Suite {
    name: String,
    tests: usize,
    failures: usize,
    skipped: usize,
    time: String,
    timestamp: Option<String>,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
}

#[derive(Serialize)]
struct Case {
    name: &'static str,
    time: String,
    /// Why it did not run.
    skipped: Option<&'static str>,
    /// The first line, and all of it.
    failure: Option<(String, String)>,
    output: Option<String>,
}

/// The file of these parts; a build that was one job has one.
pub(crate) fn junit(parts: &[JobReport<'_>]) -> String {
    let mut room = LOGS;
    let entries = entries(parts);
    // The room is for failures first.
    let mut order: Vec<_> = (0..entries.len()).collect();
    order.sort_by_key(|number| entries[*number].built.status != Status::Failed);
    let mut suites: Vec<(usize, Suite)> = order
        .into_iter()
        .map(|number| (number, suite(parts, &entries[number], &mut room)))
        .collect();
    suites.sort_by_key(|(number, _)| *number);
    let mut suites: Vec<_> = suites.into_iter().map(|(_, suite)| suite).collect();
    let unread = unread(parts).into_iter();
    suites.extend(unread.map(|it| not_read(name(&it.path), &FailureText::from(it))));
    let total: f64 = parts.iter().map(|part| part.build.seconds).sum();
    let suites = Suites {
        tests: suites.iter().map(|it| it.tests).sum(),
        failures: suites.iter().map(|it| it.failures).sum(),
        time: seconds(total),
        suites,
    };
    render("junit.xml", TEMPLATE, &suites)
}

fn suite(parts: &[JobReport<'_>], entry: &Entry<'_>, room: &mut usize) -> Suite {
    let built = entry.built;
    let phases = built.timing.iter().flat_map(|timing| &timing.phases);
    let mut cases: Vec<_> = phases.map(case).collect();
    if cases.is_empty() {
        cases.push(Case {
            name: match built.step.action {
                Action::Chart => phase_name(Phase::Chart),
                _ => phase_name(Phase::Image),
            },
            time: seconds(built.seconds),
            skipped: (built.status == Status::Cancelled).then_some("not started"),
            failure: None,
            output: None,
        });
    }
    // A job that failed did so in the last part that it came to.
    if let (Some(failed), Some(last)) = (&entry.failure, cases.last_mut()) {
        last.failure = Some(failure(failed));
    }
    let most = match &entry.failure {
        Some(_) => FAILED_LOG,
        None => LOG,
    };
    let log = entry.log.map(|log| xml(&log_end(log, most)));
    // What its children said belongs to what failed, else to the image: hardly anything else has children.
    let place = cases.iter().position(|case| case.failure.is_some());
    if let Some(log) = log.filter(|log| !log.is_empty())
        && let Some(left) = room.checked_sub(log.len())
    {
        *room = left;
        cases[place.unwrap_or(0)].output = Some(log);
    }
    let started = parts[entry.part].build.started.as_deref();
    let mut properties = Vec::new();
    if let Some(part) = &parts[entry.part].name {
        properties.push(("job", xml_line(part)));
    }
    if let Some(image) = &built.image {
        properties.push(("image", xml_line(&image.reference)));
        properties.extend(
            image
                .digest
                .as_ref()
                .map(|it| ("image-digest", xml_line(it))),
        );
    }
    if let Some(chart) = &built.chart {
        properties.push((
            "chart",
            xml_line(&format!("{}-{}", chart.name, chart.version)),
        ));
        properties.extend(
            chart
                .digest
                .as_ref()
                .map(|it| ("chart-digest", xml_line(it))),
        );
    }
    suite_of(Suite {
        // Two services may have the same name.
        name: match &*built.step.path {
            path if *path == "." => xml_line(&name(&built.step.name)),
            path => xml_line(&name(path)),
        },
        time: seconds(built.seconds),
        // ISO 8601 without a zone, as the schemas have it: UTC.
        timestamp: started.and_then(|it| it.get(..19)).map(xml_line),
        properties,
        cases,
        tests: 0,
        failures: 0,
        skipped: 0,
    })
}

/// The suite with its cases counted.
fn suite_of(suite: Suite) -> Suite {
    let cases = &suite.cases;
    Suite {
        tests: cases.len(),
        failures: cases.iter().filter(|it| it.failure.is_some()).count(),
        skipped: cases.iter().filter(|it| it.skipped.is_some()).count(),
        ..suite
    }
}

fn not_read(path: String, unread: &FailureText) -> Suite {
    suite_of(Suite {
        name: xml_line(&path),
        time: seconds(0.0),
        timestamp: None,
        properties: Vec::new(),
        cases: vec![Case {
            name: "read",
            time: seconds(0.0),
            skipped: None,
            failure: Some(failure(unread)),
            output: None,
        }],
        tests: 0,
        failures: 0,
        skipped: 0,
    })
}

fn case(phase: &PhaseV1) -> Case {
    Case {
        name: phase_name(phase.phase),
        time: seconds(phase.seconds),
        skipped: None,
        failure: None,
        output: (phase.ending == PhaseEnding::Reused)
            .then(|| "reused: it was there already".to_owned()),
    }
}

/// The word that JSON uses.
fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Image => "image",
        Phase::PushImage => "push-image",
        Phase::Chart => "chart",
        Phase::PushChart => "push-chart",
    }
}

fn failure(failure: &FailureText) -> (String, String) {
    (
        xml_line(&failure.message),
        xml(&readable(failure.whole.as_bytes())),
    )
}

fn seconds(seconds: f64) -> String {
    // A document may have been edited, and the schema knows no sign.
    let seconds = if seconds.is_finite() {
        seconds.max(0.0)
    } else {
        0.0
    };
    format!("{seconds:.3}")
}

/// What XML 1.0 can hold (<https://www.w3.org/TR/xml/#charsets>): other control characters are made visible.
fn xml(text: &str) -> String {
    legal(text::controls(text))
}

/// The same on one line: an attribute loses its line breaks.
fn xml_line(text: &str) -> String {
    legal(text::controls_line(text))
}

fn legal(text: String) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
