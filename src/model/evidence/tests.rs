use super::*;
use crate::model::settings::gate::{Finding, GATE_TIMEOUT};

const AT: i64 = 1_800_000_000;

fn gate(valid: Option<u64>) -> Gate {
    Gate {
        name: "scan".to_owned(),
        per: GateSubject::Image,
        run: vec!["scan".parse().unwrap(), "{image}".parse().unwrap()],
        finding: Finding::default(),
        valid: valid.map(Duration::from_secs),
        timeout: GATE_TIMEOUT,
    }
}

fn evidence() -> Evidence {
    Evidence {
        gate: "scan".to_owned(),
        definition: gate(None).definition(),
        per: GateSubject::Image,
        digest: Some(format!("sha256:{}", "ab".repeat(32))),
        id: None,
        passed: true,
        at: jiff::Timestamp::from_second(AT).unwrap().to_string(),
        seconds: 1.0,
        run: RunKind::Branch,
        output: None,
    }
}

#[test]
fn a_result_holds_for_as_long_as_the_gate_says() {
    let day = Some(86_400);
    for (valid, later, holds) in [
        (None, 0, true),
        (None, 10 * 365 * 86_400, true),
        (day, 0, true),
        (day, 86_399, true),
        (day, 86_400, false),
        (day, 86_401, false),
        // The clock that it was written by went ahead a little, or is wrong.
        (day, -300, true),
        (day, -301, false),
        (None, -301, false),
    ] {
        let found = evidence().holds(&gate(valid), AT + later);
        assert_eq!(found, holds, "{valid:?} {later}");
    }
}

#[test]
fn a_result_is_one_gates_alone() {
    let changes: [fn(&mut Evidence); 5] = [
        |it| it.gate = "other".to_owned(),
        |it| it.definition = "other".to_owned(),
        |it| it.per = GateSubject::Chart,
        |it| it.passed = false,
        |it| it.at = "yesterday".to_owned(),
    ];
    for change in changes {
        let mut other = evidence();
        change(&mut other);
        assert!(!other.holds(&gate(None), AT), "{other:?}");
    }
}

#[test]
fn evidence_is_kept_by_its_content() {
    let mut evidence = evidence();
    evidence.id = Some(format!("sha256:{}", "cd".repeat(32)));
    let paths: Vec<_> = evidence.keys().map(|key| key.path()).collect();
    let want = ["ab", "cd"].map(|two| format!("image/{two}/{}/scan.json", two.repeat(31)));
    assert_eq!(paths, want);
    for digest in [
        "",
        "sha256:",
        "sha256:../../x",
        "sha512:ab",
        &"a".repeat(64),
    ] {
        assert_eq!(key(GateSubject::Image, digest, "scan"), None);
    }
}

#[test]
fn what_a_pull_requests_run_found_counts_on_no_branch() {
    for (run, counts) in [
        (RunKind::Local, true),
        (RunKind::Branch, true),
        (RunKind::PullRequest, false),
    ] {
        assert_eq!(Evidence { run, ..evidence() }.counts(), counts);
    }
}
