//! `flota build`

use std::fmt::Write;

use super::{
    table::table,
    words::{action_word, ends, kebab},
};
use crate::{
    model::{
        change::Action,
        evidence::{GateReport, GateState},
        report::{BuildReport, BuiltService, Status},
    },
    output::{service_names::ServiceNames, text, theme},
};

/// `flota build`
pub(crate) fn build(report: &BuildReport) -> String {
    let mut out = ends(report.base.as_ref(), &report.head, &report.exceptions);
    if report.services.is_empty() {
        out.push_str("Nothing to build.\n");
        return out;
    }
    let steps = report.services.iter().map(|service| &service.step);
    let names = ServiceNames::of_named(steps.map(|step| (step.name.as_ref(), &step.path)));
    let rows = report.services.iter().map(|service| {
        let step = &service.step;
        vec![
            theme::heading(names.cell(step.name.as_ref(), &step.path)).to_string(),
            theme::action(service.step.action)
                .apply_to(action_word(service.step.action))
                .to_string(),
            theme::status(service.status)
                .apply_to(status_word(service.status))
                .to_string(),
            products(service),
            // What failed its checks took no time.
            if service.took.is_zero() {
                String::new()
            } else {
                text::duration(service.took)
            },
        ]
    });
    out.push_str(&table(
        &["SERVICE", "ACTION", "STATUS", "RESULT", "TIME"],
        rows,
    ));
    let _ = writeln!(out, "\n{}", outcome(report));
    out
}

/// `2 built, 1 reused in 3.1 s.`
pub(crate) fn outcome(report: &BuildReport) -> String {
    let order = [
        Status::Built,
        Status::Reused,
        Status::Planned,
        Status::Failed,
        Status::Cancelled,
    ];
    let counts: Vec<_> = order
        .into_iter()
        .filter(|status| report.count(*status) > 0)
        .map(|status| format!("{} {}", report.count(status), status_word(status)))
        .collect();
    format!("{} in {}.", counts.join(", "), text::duration(report.took))
}

/// What a service has now; of a chart build its image is none of the products.
fn products(service: &BuiltService) -> String {
    match &service.error {
        Some(error) if error.exit().is_signal() => {
            return "interrupted".to_owned();
        }
        // The error itself is printed below, with its cause and its hints.
        Some(_) => return "see below".to_owned(),
        None => {}
    }
    let image = service
        .image
        .as_ref()
        .filter(|_| service.step.action == Action::Image);
    let image = image.map(|image| {
        let known = match (&image.digest, &image.id) {
            (Some(digest), _) => Some(short_digest(digest).to_owned()),
            // An engine's own number, which no registry knows.
            (None, Some(id)) => Some(format!("id {}", short_digest(id))),
            (None, None) => None,
        };
        let there = match service.status {
            Status::Planned if known.is_some() => " exists",
            _ => "",
        };
        with_dim(text::line(&image.reference) + there, known.as_deref())
    });
    let chart = service.chart.as_ref().map(|chart| {
        let name = match &chart.reference {
            Some(reference) => format!("oci://{}", reference.split('@').next().unwrap_or_default()),
            None => format!("{}-{}.tgz", chart.name, chart.version),
        };
        with_dim(text::line(&name), chart.digest.as_deref().map(short_digest))
    });
    let lines = [image, chart, gates(&service.gates)];
    let lines: Vec<_> = lines.into_iter().flatten().collect();
    lines.join("\n")
}

/// `gates: scan passed, lint reused`
fn gates(gates: &[GateReport]) -> Option<String> {
    let word = |state| match state {
        GateState::Planned => "to run".to_owned(),
        state => kebab(&state).replace('-', " "),
    };
    let gates: Vec<_> = gates
        .iter()
        .map(|gate| format!("{} {}", gate.name, word(gate.state)))
        .collect();
    (!gates.is_empty()).then(|| theme::dim(format!("gates: {}", gates.join(", "))).to_string())
}

fn with_dim(text: String, more: Option<&str>) -> String {
    match more {
        Some(more) => format!("{text} {}", theme::dim(more)),
        None => text,
    }
}

/// The word JSON uses.
pub(crate) fn status_word(status: Status) -> String {
    kebab(&status)
}

/// `sha256:` and 12 digits.
fn short_digest(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}
