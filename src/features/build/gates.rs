//! Gates: programs that judge what was made, before it is pushed.
//!
//! A result is kept by the content that it is about ([`known`]), and the gate does not run again on the same content while that
//! holds. All gates of a content run, so that everything that they find is known at once; then any that did not pass stops the push.

mod content;
mod environment;
mod judge;
mod known;

use std::time::SystemTime;

pub(super) use self::content::Judged;
pub(super) use self::known::fetch;
use self::{content::Content, judge::Judgement, known::KnownEvidence};
use super::job::{FoundImage, Job, Run};
use crate::model::{
    change::Action,
    error::{Error, Result},
    evidence::{Evidence, GateReport, GateState},
    exit::Exit,
    settings::{Gate, GateSubject},
};

/// Lets every gate of this content judge it, and adds what became of each to `reports`.
///
/// # Errors
/// Work: a gate found something. Unavailable: one could not run. The code of the signal, when flota is interrupted.
pub(super) fn pass(
    run: &Run<'_>,
    job: &Job,
    judged: Judged<'_>,
    reports: &mut Vec<GateReport>,
) -> Result<()> {
    let per = judged.subject();
    let mut gates = of(run, per).peekable();
    if gates.peek().is_none() {
        return Ok(());
    }
    let content = Content::new(run, job, judged)?;
    let known = KnownEvidence::of(run);
    let now = now();
    let mut errors = Vec::new();
    for gate in gates {
        let names = content.names();
        if let Some((evidence, output)) = known.find(gate, names, now) {
            let state = GateState::Reused;
            reports.push(report(gate, state, Some(evidence), output));
            continue;
        }
        let judgement = judge::judge(run, job, gate, &content)?;
        let (state, evidence, output, error) = match judgement {
            Judgement::Passed(evidence, output) => {
                (GateState::Passed, Some(evidence), output, None)
            }
            Judgement::Failed(evidence, output, error) => {
                (GateState::Failed, Some(evidence), output, Some(error))
            }
            Judgement::CouldNotRun(error) => (GateState::CouldNotRun, None, None, Some(error)),
        };
        if let Some(evidence) = &evidence {
            known.keep(evidence);
        }
        let mut report = report(gate, state, evidence, output);
        if state == GateState::CouldNotRun {
            report.reason = error.as_ref().map(Error::with_causes);
        }
        reports.push(report);
        errors.extend(error);
    }
    together(errors)
}

/// The digest of an image is known by now: what was found is about it.
pub(super) fn is_pushed(run: &Run<'_>, reports: &mut [GateReport], digest: &str) {
    let known = KnownEvidence::of(run);
    let of_image = reports
        .iter_mut()
        .filter(|report| report.per == GateSubject::Image);
    for evidence in of_image.filter_map(|report| report.evidence.as_mut()) {
        if evidence.digest.is_none() {
            evidence.digest = Some(digest.to_owned());
            known.keep(evidence);
        }
    }
}

/// What would become of the gates of a service.
pub(super) fn planned(run: &Run<'_>, job: &Job) -> Vec<GateReport> {
    let known = KnownEvidence::of(run);
    let now = now();
    let image = job.image.as_ref().and_then(|image| image.origin.found());
    let (digest, id) = match image {
        Some(FoundImage::InStore(built)) => (built.digest.clone(), Some(built.id.clone())),
        found => (found.and_then(FoundImage::digest), None),
    };
    let image = (job.step.action == Action::Image && job.image.is_some()).then_some([digest, id]);
    let chart = job.has_chart.then(|| [job.chart_digest.clone(), None]);
    let subjects = [(GateSubject::Image, image), (GateSubject::Chart, chart)];
    let mut reports = Vec::new();
    for (per, names) in subjects {
        let Some(names) = names else { continue };
        for gate in of(run, per) {
            let names = names.each_ref().map(Option::as_deref);
            reports.push(match known.find(gate, names, now) {
                Some((evidence, output)) => report(gate, GateState::Reused, Some(evidence), output),
                None => report(gate, GateState::Planned, None, None),
            });
        }
    }
    reports
}

/// The gates that judge such content, in the file's order.
fn of<'r>(run: &'r Run<'_>, per: GateSubject) -> impl Iterator<Item = &'r Gate> {
    run.settings
        .gates
        .iter()
        .filter(move |gate| gate.per == per)
}

fn report(
    gate: &Gate,
    state: GateState,
    evidence: Option<Evidence>,
    output: Option<std::path::PathBuf>,
) -> GateReport {
    GateReport {
        name: gate.name.clone(),
        per: gate.per,
        state,
        reason: None,
        evidence,
        output,
    }
}

/// One error for all of them. That one could not run comes first: what it would have found is not known.
fn together(mut errors: Vec<Error>) -> Result<()> {
    let Some(first) = errors
        .iter()
        .position(|error| error.exit() == Exit::Unavailable)
        .or(errors.first().map(|_| 0))
    else {
        return Ok(());
    };
    let first = errors.remove(first);
    Err(errors
        .into_iter()
        .fold(first, |error, other| error.hint(format!("and {other}"))))
}

/// In seconds since the Unix epoch.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}
