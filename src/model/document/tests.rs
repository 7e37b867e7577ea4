//! What is written is what is read, whatever the bytes of a path.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use bstr::BString;
use gix::ObjectId;

use super::*;
use crate::model::{
    change::{Action, Base, BaseKind, End, Reason, Unread, Warning, WarningKind},
    error::Error,
    evidence::{Evidence, GateReport, GateState, RunKind},
    plan::{Plan, Step},
    report::{BuildReport, BuiltService, ChartReport, ImageReport, Status},
    settings::GateSubject,
    success::Exceptions,
    timing::{Phase, PhaseEnding, PhaseTime, Timing},
};

fn id(n: u8) -> ObjectId {
    ObjectId::from_bytes_or_panic(&[n; 20])
}

fn odd() -> BString {
    b"a/\xff $'".into()
}

fn step(url: Option<&str>) -> Step {
    Step {
        name: odd(),
        path: odd(),
        action: Action::Image,
        reason: Reason::Fanout("x".into()),
        commit: Some(id(1)),
        code: Some(id(2)),
        config: None,
        url: url.map(Into::into),
    }
}

fn plan() -> Plan {
    Plan {
        base: Some(Base {
            rev: "main".into(),
            commit: None,
            kind: BaseKind::Empty,
        }),
        head: End {
            rev: "HEAD".into(),
            commit: id(3),
        },
        exceptions: Exceptions::from([(odd(), None), ("b".into(), Some(id(4)))]),
        steps: vec![step(Some("https://host/a")), step(None)],
        unaffected: 1,
        warnings: vec![Warning {
            path: Some(odd()),
            kind: WarningKind::UrlChanged,
            message: "look".into(),
        }],
        unread: vec![Unread {
            path: odd(),
            pin: id(5),
            url: None,
            why: "gone".into(),
            hints: Vec::new(),
        }],
    }
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    let plan = plan();
    let written = serde_json::to_string(&PlanV1::from(&plan)).unwrap();
    let read: PlanV1<'_> = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
    assert_eq!(*read.steps[0].path, *odd());
    assert_eq!(read.steps[0].commit, Some(Hex(id(1))));
    assert_eq!(read.steps[1].url, None);
    assert_eq!(*read.exceptions[0].path, *odd());
    assert_eq!(*read.errors[0].failure.path, *odd());
    assert_eq!(read.errors[0].failure.causes, ["gone"]);
}

#[test]
fn a_report_is_read_as_it_was_written() {
    let service = |status, error| BuiltService {
        step: step(None),
        status,
        image: Some(ImageReport {
            platforms: vec!["linux/amd64".into()],
            reference: "r/a:code-1".into(),
            references: vec!["r/a:code-1".into()],
            digest: None,
            id: Some("sha256:1".into()),
        }),
        chart: Some(ChartReport {
            name: "a".into(),
            version: "1.0.0".into(),
            file: Some(PathBuf::from("charts/a-1.0.0.tgz")),
            digest: None,
            reference: None,
            check: None,
        }),
        gates: vec![GateReport {
            name: "scan".into(),
            per: GateSubject::Image,
            state: GateState::Passed,
            reason: None,
            evidence: Some(Evidence {
                gate: "scan".into(),
                definition: "1".repeat(64),
                per: GateSubject::Image,
                digest: None,
                id: Some("sha256:1".into()),
                passed: true,
                at: "2026-01-02T03:04:05Z".into(),
                seconds: 0.5,
                run: RunKind::PullRequest,
                output: None,
            }),
            output: Some(PathBuf::from("evidence/scan.output")),
        }],
        after: vec![odd()],
        timing: Some(Timing {
            slot: 1,
            start: Duration::from_millis(250),
            phases: vec![PhaseTime {
                phase: Phase::PushImage,
                start: Duration::from_millis(500),
                took: Duration::from_millis(1250),
                ending: PhaseEnding::Reused,
            }],
        }),
        took: Duration::from_millis(1500),
        log: Some(PathBuf::from("logs/a.log")),
        error,
    };
    let plan = plan();
    let report = BuildReport {
        base: plan.base,
        head: plan.head,
        exceptions: plan.exceptions,
        builder: Some("embedded"),
        services: vec![
            service(Status::Reused, None),
            service(Status::Failed, Some(Error::work("broken"))),
        ],
        warnings: plan.warnings,
        unread: plan.unread,
        started: jiff::Timestamp::UNIX_EPOCH,
        jobs: NonZeroUsize::MIN,
        took: Duration::from_secs(2),
    };
    assert_eq!(report.count(Status::Reused), 1);
    assert_eq!(report.count(Status::Built), 0);
    let written = serde_json::to_string(&BuildV1::from(&report)).unwrap();
    assert!(written.contains(r#""has_changes":true"#), "{written}");
    let read: BuildV1<'_> = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
    assert_eq!(*read.services[1].step.path, *odd());
    assert_eq!(*read.services[1].after[0].path, *odd());
    assert_eq!(read.started.as_deref(), Some("1970-01-01T00:00:00.000Z"));
    assert_eq!(read.services[0].status, Status::Reused);
    let gate = &read.services[0].gates[0];
    let evidence = gate.evidence.as_ref().unwrap();
    assert_eq!(evidence.schema, "flota.evidence/v1");
    assert_eq!(evidence.evidence.run, RunKind::PullRequest);
    let messages = read.errors.iter().map(|error| error.message.as_str());
    let messages: Vec<_> = messages.collect();
    assert!(messages.contains(&"broken"), "{messages:?}");
    assert!(messages[1].starts_with("cannot read "), "{messages:?}");
}

#[test]
fn what_flota_does_not_write_is_refused() {
    let with = |path: &str, commit: &str| {
        format!(
            r#"{{"schema":"flota.build/v1","head":{{"rev":"HEAD","commit":"{commit}"}},"services":[
                {{"name":"a",{path},"action":"image","reason":"added","status":"built"}}]}}"#
        )
    };
    let commit = id(1).to_string();
    let read = |text: String| serde_json::from_str::<BuildV1<'_>>(&text).map(drop);
    read(with(r#""path":"a""#, &commit)).unwrap();
    for (path, commit, why) in [
        (r#""path":"a","path_b64":"!""#, commit.as_str(), "path_b64"),
        (r#""path":1"#, &commit, "invalid type"),
        (r#""path":"a""#, "--output=x", "not an object id"),
        (r#""path":"a""#, "1234", "not an object id"),
    ] {
        let error = read(with(path, commit)).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
