use super::*;

fn gate(run: &[&str], finding: Finding) -> Gate {
    Gate {
        name: "scan".to_owned(),
        per: GateSubject::Image,
        run: run.iter().map(|word| word.parse().unwrap()).collect(),
        finding,
        valid: None,
        timeout: GATE_TIMEOUT,
    }
}

#[test]
fn statuses_of_every_preset_mean_what_their_programs_say() {
    use Verdict::{CouldNotRun, Failed, Passed};
    let lint_failed = "[ERROR] templates/: bad\nError: 1 chart(s) linted, 1 chart(s) failed";
    let invalid = "stdin - Deployment x is invalid: problem validating schema";
    let unschemed = "stdin - Deployment x failed validation: error while downloading schema";
    for (preset, status, text, verdict) in [
        (Preset::Trivy, 0, "", Passed),
        (Preset::Trivy, 10, "", Failed),
        // Without its database, and whatever else goes wrong.
        (
            Preset::Trivy,
            1,
            "FATAL run error: init error: DB error",
            CouldNotRun,
        ),
        (Preset::Trivy, 2, "", CouldNotRun),
        (Preset::Grype, 0, "", Passed),
        (Preset::Grype, 2, "", Failed),
        (
            Preset::Grype,
            1,
            "failed to load vulnerability db",
            CouldNotRun,
        ),
        (Preset::Grype, 100, "", CouldNotRun),
        (Preset::Syft, 0, "", Passed),
        (Preset::Syft, 1, "", CouldNotRun),
        (Preset::Syft, 2, "", CouldNotRun),
        (Preset::HelmLint, 0, "", Passed),
        (Preset::HelmLint, 1, lint_failed, Failed),
        (Preset::HelmLint, 1, "Error: unknown flag", CouldNotRun),
        (Preset::Kubeconform, 0, "", Passed),
        (Preset::Kubeconform, 1, invalid, Failed),
        (Preset::Kubeconform, 1, unschemed, CouldNotRun),
        (Preset::Kubeconform, 2, invalid, CouldNotRun),
    ] {
        let found = preset.finding().verdict(Some(status), text.as_bytes());
        assert_eq!(found, verdict, "{preset:?} {status} {text:?}");
        for status in [None, Some(126), Some(127), Some(137), Some(255)] {
            let found = preset.finding().verdict(status, b"");
            assert_eq!(found, CouldNotRun, "{preset:?} {status:?}");
        }
    }
}

#[test]
fn a_program_that_nobody_knows_finds_something_with_any_status_of_its_own() {
    let finding = Finding::default();
    for status in [1, 2, 10, 124, 128, 193, 255] {
        assert_eq!(
            finding.verdict(Some(status), b""),
            Verdict::Failed,
            "{status}"
        );
    }
    for status in [125, 126, 127, 130, 137, 143] {
        let found = finding.verdict(Some(status), b"");
        assert_eq!(found, Verdict::CouldNotRun, "{status}");
    }
    assert_eq!(finding.verdict(None, b""), Verdict::CouldNotRun);
    assert_eq!(finding.verdict(Some(0), b""), Verdict::Passed);
}

#[test]
fn whatever_a_gate_does_shows_in_its_definition() {
    let some = |statuses: &[u8]| Finding {
        statuses: Some(statuses.to_vec()),
        words: None,
    };
    let base = gate(&["scan", "{image}"], Finding::default());
    let others = [
        gate(&["scan", "{layout}"], Finding::default()),
        gate(&["scan", "-x", "{image}"], Finding::default()),
        gate(&["scan {image}"], Finding::default()),
        gate(&["scan", "{image}"], some(&[1])),
        gate(&["scan", "{image}"], some(&[2])),
        Gate {
            per: GateSubject::Chart,
            ..base.clone()
        },
    ];
    for other in &others {
        assert_ne!(base.definition(), other.definition(), "{other:?}");
    }
    let renamed = Gate {
        name: "other".to_owned(),
        valid: Some(GATE_TIMEOUT),
        timeout: GATE_TIMEOUT * 2,
        ..base.clone()
    };
    assert_eq!(base.definition(), renamed.definition());
}

#[test]
fn each_preset_names_what_it_judges() {
    for (word, preset) in Preset::NAMES {
        let run: Vec<ArgumentTemplate> = preset
            .run()
            .iter()
            .map(|arg| arg.parse().unwrap())
            .collect();
        let mut fields = run.iter().flat_map(ArgumentTemplate::fields);
        assert!(
            fields.any(|field| field.subject() == Some(preset.per())),
            "{word}"
        );
    }
}
