//! Builds to report.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use gix::ObjectId;

use crate::model::{
    change::{Action, Base, BaseKind, End, Reason, Unread, Warning, WarningKind},
    error::Error,
    plan::Step,
    report::{BuildReport, BuiltService, ChartReport, ImageReport, Status},
    success::Exceptions,
    timing::{Phase, PhaseEnding, PhaseTime, Timing},
};

fn id(digit: u8) -> ObjectId {
    ObjectId::from_bytes_or_panic(&[digit; 20])
}

pub(super) fn service(name: &[u8], status: Status) -> BuiltService {
    BuiltService {
        step: Step {
            name: name.into(),
            path: [b"services/", name].concat().into(),
            action: Action::Image,
            reason: Reason::CodeChanged,
            commit: Some(id(1)),
            code: Some(id(2)),
            config: Some(id(3)),
            url: None,
        },
        status,
        image: None,
        chart: None,
        gates: Vec::new(),
        after: Vec::new(),
        timing: None,
        took: Duration::ZERO,
        log: None,
        error: None,
    }
}

/// In `slot`, from the millisecond `start` on: each part, how long it took and how it ended.
pub(super) fn timed(
    service: BuiltService,
    slot: usize,
    start: u64,
    parts: &[(Phase, u64, PhaseEnding)],
) -> BuiltService {
    let mut at = start;
    let phases = parts.iter().map(|&(phase, took, ending)| {
        let start = Duration::from_millis(at);
        at += took;
        PhaseTime {
            phase,
            start,
            took: Duration::from_millis(took),
            ending,
        }
    });
    let timing = Timing {
        slot,
        start: Duration::from_millis(start),
        phases: phases.collect(),
    };
    BuiltService {
        timing: Some(timing),
        took: Duration::from_millis(at - start),
        ..service
    }
}

fn image(name: &str) -> Option<ImageReport> {
    let reference = format!("registry.example.com/{name}:code-1");
    Some(ImageReport {
        references: vec![reference.clone()],
        reference,
        digest: Some(format!("sha256:{}", "ab".repeat(32))),
        id: None,
        platforms: vec!["linux/amd64".to_owned()],
    })
}

pub(super) fn report(services: Vec<BuiltService>) -> BuildReport {
    BuildReport {
        base: Some(Base {
            rev: "main".to_owned(),
            commit: Some(id(4)),
            kind: BaseKind::MergeBase,
        }),
        head: End {
            rev: "HEAD".to_owned(),
            commit: id(5),
        },
        exceptions: Exceptions::default(),
        builder: Some("docker"),
        services,
        warnings: Vec::new(),
        unread: Vec::new(),
        started: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        jobs: NonZeroUsize::new(2).unwrap(),
        took: Duration::from_secs(10),
    }
}

/// One of each kind.
pub(super) fn ordinary() -> BuildReport {
    use PhaseEnding::{Done, Failed, Reused};
    let base = BuiltService {
        image: image("base"),
        ..service(b"base", Status::Built)
    };
    let api = BuiltService {
        image: image("api"),
        chart: Some(ChartReport {
            name: "api".to_owned(),
            version: "1.0.0".to_owned(),
            file: Some(PathBuf::from("charts/api-1.0.0.tgz")),
            digest: Some(format!("sha256:{}", "cd".repeat(32))),
            reference: None,
            check: None,
        }),
        after: vec!["services/base".into()],
        log: Some(PathBuf::from(".flota/logs/api.log")),
        ..service(b"api", Status::Built)
    };
    let bad = BuiltService {
        log: Some(PathBuf::from(".flota/logs/bad.log")),
        error: Some(
            Error::work("docker cannot build bad")
                .because("exit status: 1")
                .hint("look"),
        ),
        ..service(b"bad", Status::Failed)
    };
    let web = service(b"web", Status::Reused);
    let unfit = BuiltService {
        error: Some(Error::work(
            "services/unfit has no `Dockerfile` in its code",
        )),
        ..service(b"unfit", Status::Failed)
    };
    let mut report = report(vec![
        timed(
            api,
            1,
            3000,
            &[
                (Phase::Image, 4000, Done),
                (Phase::PushImage, 500, Done),
                (Phase::Chart, 200, Done),
            ],
        ),
        timed(bad, 1, 1000, &[(Phase::Image, 1000, Failed)]),
        timed(base, 0, 1000, &[(Phase::Image, 2000, Done)]),
        service(b"late", Status::Cancelled),
        unfit,
        timed(
            web,
            0,
            3000,
            &[(Phase::Image, 100, Reused), (Phase::Chart, 50, Reused)],
        ),
    ]);
    report.warnings.push(Warning {
        path: Some("services/web".into()),
        kind: WarningKind::UrlChanged,
        message: "its URL is another".to_owned(),
    });
    report.unread.push(Unread {
        path: "services/gone".into(),
        pin: id(6),
        url: None,
        why: "not found".to_owned(),
        hints: Vec::new(),
    });
    report
}

/// A report in which every text is hostile.
pub(super) fn hostile(said: &str) -> BuildReport {
    let mut failed = BuiltService {
        image: image(said),
        chart: Some(ChartReport {
            name: said.to_owned(),
            version: said.to_owned(),
            file: None,
            digest: Some(said.to_owned()),
            reference: None,
            check: None,
        }),
        log: Some(PathBuf::from(said)),
        error: Some(Error::work(said).because(said.to_owned()).hint(said)),
        ..service(said.as_bytes(), Status::Failed)
    };
    failed.step.reason = Reason::Fanout(said.into());
    let failed = timed(failed, 0, 0, &[(Phase::Image, 9000, PhaseEnding::Failed)]);
    let mut report = report(vec![failed, service(b"\xff\xfe<b>", Status::Cancelled)]);
    report.base = Some(Base {
        rev: said.to_owned(),
        commit: Some(id(4)),
        kind: BaseKind::Exact,
    });
    report.head.rev = said.to_owned();
    report.exceptions = Exceptions::from([(said.into(), None)]);
    report.warnings.push(Warning {
        path: Some(said.into()),
        kind: WarningKind::UrlChanged,
        message: said.to_owned(),
    });
    report.unread.push(Unread {
        path: said.into(),
        pin: id(6),
        url: None,
        why: said.to_owned(),
        hints: vec![said.to_owned()],
    });
    report
}
