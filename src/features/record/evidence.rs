//! What gates found in a run, taken from its reports, for the runs to come.

use crate::{
    ci::{CiRun, Trigger},
    git::records::evidence::EvidenceFiles,
    model::{
        document::{BuiltV1, EvidenceV1},
        evidence::{GateState, key},
    },
};

/// What one result may take as a document, in bytes: a report is written by a job that ran the code of services.
const SIZE_LIMIT: usize = 64 << 10;

/// Adds what the gates of a service found now to `all`. What only a pull request's run found, and what is about no content that has
/// a digest, is left out.
pub(super) fn collect(service: &BuiltV1<'_>, all: &mut EvidenceFiles) {
    for gate in &service.gates {
        let Some(EvidenceV1 { evidence, .. }) = &gate.evidence else {
            continue;
        };
        let is_new = matches!(gate.state, GateState::Passed | GateState::Failed);
        let digest = evidence.digest.as_deref().unwrap_or_default();
        let key = key(evidence.per, digest, &evidence.gate);
        let text = serde_json::to_vec_pretty(&EvidenceV1::from(evidence.as_ref()));
        if let (Some(key), Ok(text), true) = (key, text, is_new && evidence.counts())
            && text.len() <= SIZE_LIMIT
            && all.get(&key).is_none_or(|known| !is_newer(&text, known))
        {
            all.insert(key, text);
        }
    }
}

/// Whether a run may add evidence: one of a change that is not merged may not, whatever its reports say.
pub(super) fn may_add(run: Option<&CiRun>) -> bool {
    !matches!(
        run.map(|run| &run.trigger),
        Some(Trigger::PullRequest(_) | Trigger::MergeQueue { .. })
    )
}

/// Whether `there` is from a later time than `text`. What has no time is from none.
pub(super) fn is_newer(text: &[u8], there: &[u8]) -> bool {
    let at = |text: &[u8]| {
        let document: EvidenceV1 = serde_json::from_slice(text).ok()?;
        document.evidence.at.parse::<jiff::Timestamp>().ok()
    };
    match (at(text), at(there)) {
        (Some(text), Some(there)) => there > text,
        (text, there) => text.is_none() && there.is_some(),
    }
}
