//! `report.html`: one file that loads nothing and runs nothing.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    facts::{Fact, Line, facts},
    log_text::{log_text, readable},
    parts::{Entry, FailureText, JobReport, entries, name, offsets, took, unread},
    render::render,
    timeline::{Timeline, phase_word, timeline},
};
use crate::{
    model::{
        change::Action,
        document::BuildV1,
        report::{ChartReport, ImageCheck, ImageReport, Status},
    },
    output::text,
};

const TEMPLATE: &str = include_str!("../../../templates/report/report.html.jinja");
const STYLE: &str = include_str!("../../../templates/report/report.css");

/// How much of logs one page shows, in bytes: a browser still scrolls through it.
const LOGS: usize = 8 << 20;

#[derive(Serialize)]
struct Page {
    style: &'static str,
    /// The only style that the page may have (Content Security Policy, level 2, hashes).
    style_hash: String,
    title: String,
    verdict: &'static str,
    outcome: String,
    facts: Vec<Fact>,
    timeline: Option<Timeline>,
    has_parts: bool,
    services: Vec<Row>,
    failures: Vec<Text>,
    logs: Vec<Text>,
    warnings: Vec<Line>,
    version: &'static str,
    schema: &'static str,
}

#[derive(Serialize)]
struct Row {
    name: String,
    /// Where it is not the name.
    path: Option<String>,
    part: Option<String>,
    action: &'static str,
    reason: String,
    status: &'static str,
    mark: &'static str,
    image: Option<Product>,
    chart: Option<Product>,
    took: String,
    is_critical: bool,
    /// The number of its log, where it has one below.
    has_text: bool,
}

#[derive(Serialize)]
struct Product {
    name: String,
    digest: Option<String>,
    /// What is to be said of it.
    note: Option<&'static str>,
}

/// What a service said, or why it failed.
#[derive(Serialize)]
struct Text {
    /// The number of the service's row; none for what is no service.
    row: Option<usize>,
    name: String,
    what: String,
    message: Option<String>,
    log: Option<String>,
    file: Option<String>,
}

/// The page of these parts; a build that was one job has one.
pub(crate) fn page(parts: &[JobReport<'_>]) -> String {
    let entries = entries(parts);
    let (timeline, path) = timeline(parts, &entries);
    let (failures, logs) = texts(parts, &entries);
    let with_text: Vec<_> = failures
        .iter()
        .chain(&logs)
        .filter_map(|it| it.row)
        .collect();
    let (verdict, title) = match () {
        () if !failures.is_empty() => ("failed", "failed"),
        () if entries
            .iter()
            .any(|it| it.built.status == Status::Cancelled) =>
        {
            ("failed", "not finished")
        }
        () if entries.is_empty() => ("good", "nothing to build"),
        () => ("good", "succeeded"),
    };
    let page = Page {
        style: STYLE,
        style_hash: STANDARD.encode(Sha256::digest(STYLE)),
        title: title.to_owned(),
        verdict,
        outcome: outcome(parts, &entries),
        facts: facts(parts),
        has_parts: parts.iter().any(|part| part.name.is_some()),
        services: entries
            .iter()
            .enumerate()
            .map(|(number, entry)| Row {
                is_critical: path.contains(&number),
                has_text: with_text.contains(&number),
                ..row(parts, entry)
            })
            .collect(),
        timeline,
        failures,
        logs,
        warnings: warnings(parts),
        version: env!("CARGO_PKG_VERSION"),
        schema: BuildV1::SCHEMA,
    };
    render("report.html", TEMPLATE, &page)
}

/// `2 built, 1 reused in 3.1 s`
fn outcome(parts: &[JobReport<'_>], entries: &[Entry<'_>]) -> String {
    let order = [
        Status::Built,
        Status::Reused,
        Status::Planned,
        Status::Failed,
        Status::Cancelled,
    ];
    let counts = order.into_iter().filter_map(|status| {
        let count = entries.iter().filter(|it| it.built.status == status);
        let count = count.count();
        (count > 0).then(|| format!("{count} {}", status_word(status)))
    });
    let counts: Vec<_> = counts.collect();
    let offsets = offsets(parts).into_iter();
    let ends = offsets
        .zip(parts)
        .map(|(offset, it)| offset + it.build.seconds);
    let took = took(ends.fold(0.0, f64::max));
    match counts.is_empty() {
        true => format!("in {took}"),
        false => format!("{} in {took}", counts.join(", ")),
    }
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Built => "built",
        Status::Reused => "reused",
        Status::Planned => "planned",
        Status::Failed => "failed",
        Status::Cancelled => "not started",
    }
}

fn row(parts: &[JobReport<'_>], entry: &Entry<'_>) -> Row {
    let built = entry.built;
    let (service, path) = (name(&built.step.name), name(&built.step.path));
    Row {
        path: (path != service && path != ".").then_some(path),
        name: service,
        part: parts[entry.part].name.as_deref().map(text::controls_line),
        action: match built.step.action {
            Action::Chart => "chart",
            _ => "image",
        },
        reason: text::controls_line(&built.step.reason).replace('-', " "),
        status: status_word(built.status),
        mark: match built.status {
            Status::Built => "✓",
            Status::Reused => "=",
            Status::Planned => "…",
            Status::Failed => "✗",
            Status::Cancelled => "–",
        },
        image: built.image.as_ref().map(|it| image(it)),
        chart: built.chart.as_ref().map(|it| chart(it)),
        took: match built.timing {
            None => String::new(),
            Some(_) => took(built.seconds),
        },
        is_critical: false,
        has_text: false,
    }
}

fn image(image: &ImageReport) -> Product {
    let known = image.digest.as_ref().or(image.id.as_ref());
    Product {
        name: text::controls_line(&image.reference),
        digest: known.map(|it| text::controls_line(it)),
        note: match (&image.digest, &image.id) {
            // An engine's own number, which no registry knows.
            (None, Some(_)) => Some("an id of the engine, not pushed"),
            (None, None) => Some("not built by this run, and not found"),
            _ => None,
        },
    }
}

fn chart(chart: &ChartReport) -> Product {
    let name = match &chart.reference {
        Some(reference) => format!("oci://{}", reference.split('@').next().unwrap_or_default()),
        None => format!("{}-{}.tgz", chart.name, chart.version),
    };
    let check = chart.check.as_ref().and_then(|check| check.image);
    Product {
        name: text::controls_line(&name),
        digest: chart.digest.as_deref().map(text::controls_line),
        note: match check {
            Some(ImageCheck::NotFound) => Some("does not run its image"),
            Some(ImageCheck::Unchecked) => Some("not checked whether it runs its image"),
            Some(ImageCheck::Found) | None => None,
        },
    }
}

/// What failed, and what others said. The page has room for so much: failures come first.
fn texts(parts: &[JobReport<'_>], entries: &[Entry<'_>]) -> (Vec<Text>, Vec<Text>) {
    let mut room = LOGS;
    let mut text = |row: usize, what: String| {
        let entry = &entries[row];
        let log = entry.log.map(log_text).filter(|log| !log.is_empty());
        Text {
            row: Some(row),
            name: name(&entry.built.step.name),
            what,
            message: entry
                .failure
                .as_ref()
                .map(|it| readable(it.whole.as_bytes())),
            log: log.map(|log| match room.checked_sub(log.len()) {
                Some(left) => {
                    room = left;
                    log
                }
                None => "[… left out: the page would be too large …]".to_owned(),
            }),
            file: entry
                .built
                .log
                .as_ref()
                .map(|it| text::controls_line(&it.display().to_string())),
        }
    };
    let mut failures = Vec::new();
    let (failed, others): (Vec<_>, Vec<_>) =
        (0..entries.len()).partition(|row| entries[*row].built.status == Status::Failed);
    for row in failed {
        let built = entries[row].built;
        let phase = built.timing.as_ref().and_then(|it| it.phases.last());
        let what = match phase {
            Some(phase) => format!(
                "failed after {} ({})",
                took(built.seconds),
                phase_word(phase.phase)
            ),
            None => "failed its checks, before anything was built".to_owned(),
        };
        failures.push(text(row, what));
    }
    let logs = others.into_iter().filter(|row| entries[*row].log.is_some());
    let logs: Vec<_> = logs
        .map(|row| text(row, took(entries[row].built.seconds)))
        .filter(|it| it.log.is_some())
        .collect();
    failures.extend(unread(parts).into_iter().map(|failure| Text {
        row: None,
        name: name(&failure.path),
        what: "could not be read".to_owned(),
        message: Some(readable(FailureText::from(failure).whole.as_bytes())),
        log: None,
        file: None,
    }));
    (failures, logs)
}

fn warnings(parts: &[JobReport<'_>]) -> Vec<Line> {
    let mut seen = Vec::new();
    for warning in parts.iter().flat_map(|part| &part.build.warnings) {
        let code = warning.path.as_ref().map(|path| name(path));
        let words = text::controls(&warning.message);
        let is_new = !seen
            .iter()
            .any(|it: &Line| it.words == words && it.code == code);
        if is_new {
            seen.push(Line { words, code });
        }
    }
    seen
}
