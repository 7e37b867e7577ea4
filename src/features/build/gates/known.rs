//! What gates found before: on this machine, and in the ref that a fleet's runs share.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::super::{job::Run, options::BuildOptions};
use crate::{
    files,
    git::{
        network::{fetch::PATIENCE, shallow::RemoteAccess},
        records::{
            evidence::{read_evidence, reference},
            remote::RecordRemote,
            shared_ref::PREFIX,
        },
        repository::Repository,
    },
    model::{
        digest::oci_digest,
        document::EvidenceV1,
        event::{Event, Events},
        evidence::{Evidence, RunKind, key},
        evidence_key::EvidenceKey,
        settings::{Gate, GateField, Settings},
    },
};

/// A piece of evidence is a few hundred bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// Brings what the runs of branches found to a run of a CI system. Without it gates run again, so that nothing stops here.
pub(in super::super) fn fetch(
    repository: &Repository,
    settings: &Settings,
    options: &BuildOptions,
    events: Events<'_>,
) {
    if settings.gates.is_empty() || options.run == RunKind::Local || options.offline {
        return;
    }
    let access = RemoteAccess {
        offline: false,
        patience: PATIENCE,
    };
    let fetch = || match RecordRemote::of(repository, access)? {
        Some(remote) => remote.fetch(&[&reference(PREFIX)]).map(drop),
        None => Ok(()),
    };
    if let Err(error) = fetch() {
        events(Event::Note(format!(
            "gates run again whose results are only at the remote: {error}"
        )));
    }
}

/// The results that are here.
pub(super) struct KnownEvidence<'a> {
    repository: &'a Repository,
    folder: PathBuf,
    /// A checkout that a CI system keeps may hold what a pull request's run left in the folder of products: no run of such a system
    /// reads it.
    has_folder: bool,
}

impl<'a> KnownEvidence<'a> {
    pub(super) fn of(run: &Run<'a>) -> Self {
        Self {
            repository: run.repository,
            folder: run.products.evidence(),
            has_folder: run.options.run == RunKind::Local,
        }
    }

    /// The result of `gate` about the content that has these names, if it holds at `now`; and what its program made, which belongs
    /// to it.
    pub(super) fn find(
        &self,
        gate: &Gate,
        names: [Option<&str>; 2],
        now: i64,
    ) -> Option<(Evidence, Option<PathBuf>)> {
        names.into_iter().flatten().find_map(|name| {
            let key = key(gate.per, name, &gate.name)?;
            let places = [self.in_folder(&key), self.in_ref(&key)];
            places.into_iter().flatten().find_map(|text| {
                let document: EvidenceV1 = serde_json::from_slice(&text).ok()?;
                let evidence = document.evidence.into_owned();
                let is_about = [&evidence.digest, &evidence.id]
                    .into_iter()
                    .any(|known| known.as_deref() == Some(name));
                if !is_about || !evidence.counts() || !evidence.holds(gate, now) {
                    return None;
                }
                if !makes_output(gate) {
                    return Some((evidence, None));
                }
                let output = output(&self.folder, &evidence)?;
                Some((evidence, Some(output)))
            })
        })
    }

    fn in_folder(&self, key: &EvidenceKey) -> Option<Vec<u8>> {
        let file = self.folder.join(key.path());
        let is_small = fs::symlink_metadata(&file)
            .is_ok_and(|found| found.is_file() && found.len() <= SIZE_LIMIT);
        fs::read(&file).ok().filter(|_| is_small && self.has_folder)
    }

    /// One that cannot be read is none: the gate runs again.
    fn in_ref(&self, key: &EvidenceKey) -> Option<Vec<u8>> {
        let found = read_evidence(self.repository, &reference(PREFIX), [key]);
        found.ok()?.remove(key)
    }

    /// Keeps a result. That it cannot be kept is no reason to stop.
    pub(super) fn keep(&self, evidence: &Evidence) {
        let Ok(text) = serde_json::to_vec_pretty(&EvidenceV1::from(evidence)) else {
            return;
        };
        for key in evidence.keys().filter(|_| self.has_folder) {
            let file = self.folder.join(key.path());
            let _ = files::create_parent(&file);
            let _ = files::replace(&file, &text);
        }
    }
}

/// Whether the gate's program is given a file for what it makes.
pub(super) fn makes_output(gate: &Gate) -> bool {
    let mut fields = gate.run.iter().flat_map(|argument| argument.fields());
    fields.any(|field| field == GateField::Output)
}

/// What the program made, at one of the places of its result, as it was.
fn output(folder: &Path, evidence: &Evidence) -> Option<PathBuf> {
    let digest = evidence.output.as_deref()?;
    evidence.keys().find_map(|key| {
        let file = folder.join(key.path()).with_extension("output");
        let bytes = fs::read(&file).ok()?;
        (oci_digest(&bytes) == digest).then_some(file)
    })
}
