//! What is written, whatever services are called and say.

mod samples;

use std::time::Duration;

use self::samples::{hostile, ordinary, report, service, timed};
use super::*;
use crate::model::{
    document::BuildV1,
    excerpt::Excerpt,
    report::{BuildReport, Status},
    timing::{Phase, PhaseEnding},
};

/// What pages, terminals, XML and CI systems could take for something else than text.
const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "]]></system-out><failure/>&amp;&#x41;",
    "a\u{0}\u{8}\u{b}\u{1b}[31mb\u{7f}\u{9b}c",
    "x\u{202e}y\u{2028}z\u{feff}\u{fffe}\u{ffff}",
    "[[ style ]][% include 'x' %]{{ 7 * 7 }}",
    "line\nbreak\tand ::error::x ##vso[task.complete]",
];

fn log(text: &[u8]) -> Option<Excerpt> {
    Some(Excerpt {
        first: text.to_vec(),
        ..Excerpt::default()
    })
}

fn part(report: &BuildReport, logs: Vec<Option<Excerpt>>) -> JobReport<'_> {
    JobReport {
        name: None,
        build: BuildV1::from(report),
        logs,
    }
}

#[test]
fn a_build_is_reported_for_people_and_for_ci_systems() {
    let report = ordinary();
    let logs = vec![
        log(b"step 1\n\x1b[32mok\x1b[0m\r\n"),
        log(b"compiling\nerror: no\n"),
    ];
    let parts = [part(&report, logs)];
    let page = page(&parts);
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let hash = regex::Regex::new("sha256-[^']+").unwrap();
    let before = hash.replace(before, "sha256-[HASH]");
    let version = env!("CARGO_PKG_VERSION");
    let after = after.replace(&format!("flota {version}"), "flota [VERSION]");
    insta::assert_snapshot!("page", format!("{before}<style>[STYLE]</style>{after}"));
    insta::assert_snapshot!("junit", junit(&parts));
}

#[test]
fn jobs_of_a_run_are_reported_together() {
    let first = ordinary();
    let mut second = report(vec![timed(
        service(b"docs", Status::Built),
        0,
        0,
        &[(Phase::Image, 20_000, PhaseEnding::Done)],
    )]);
    second.started = "2026-01-02T03:04:15.678Z".parse().unwrap();
    second.took = Duration::from_secs(20);
    let named = |name: &str, report| JobReport {
        name: Some(name.to_owned()),
        ..part(report, Vec::new())
    };
    let parts = [named("flota-0", &first), named("flota-1", &second)];
    let page = page(&parts);
    assert!(page.contains("in 30.0 s</p>"), "{page}");
    for lane in ["flota-0 · 1", "flota-0 · 2", "flota-1 · 1"] {
        assert!(page.contains(&format!("<li>{lane}</li>")), "{page}");
    }
    // The second job began ten seconds later, and took until the end.
    assert!(
        page.contains(r#"<svg x="33.333%" y="64" width="66.667%""#),
        "{page}"
    );
    let xml = junit(&parts);
    let read = roxmltree::Document::parse(&xml).unwrap();
    let mut jobs = read
        .descendants()
        .filter(|it| it.attribute("name") == Some("job"));
    assert_eq!(
        jobs.next_back().unwrap().attribute("value"),
        Some("flota-1")
    );
}

#[test]
fn whatever_is_said_is_text() {
    let harmless = hostile("harmless");
    let tags = |text: &str| text.matches('<').count();
    let plain = [part(&harmless, vec![log(b"harmless")])];
    let (plain_page, plain_junit) = (tags(&page(&plain)), tags(&junit(&plain)));
    for said in HOSTILE {
        let report = hostile(said);
        let mut bytes = said.as_bytes().to_vec();
        bytes.extend(b"\xff\xc0 end");
        let parts = [JobReport {
            name: Some(said.to_owned()),
            ..part(&report, vec![log(&bytes)])
        }];
        let page = page(&[part(&report, vec![log(&bytes)])]);
        // Not one element more than where all is harmless.
        assert_eq!(tags(&page), plain_page, "{page}");
        for text in [page, super::page(&parts), junit(&parts)] {
            let steers = |c: char| crate::output::text::is_unsafe(c) && c != '\n' && c != '\t';
            assert!(!text.contains(steers), "{text}");
        }
        let xml = junit(&[part(&report, vec![log(&bytes)])]);
        assert_eq!(tags(&xml), plain_junit, "{xml}");
        let read = roxmltree::Document::parse(&xml).unwrap();
        let output = read.descendants().find(|it| it.has_tag_name("system-out"));
        assert!(
            output
                .unwrap()
                .text()
                .unwrap()
                .contains("\u{fffd}\u{fffd} end"),
            "{xml}"
        );
    }
}

#[test]
fn a_page_loads_and_runs_nothing() {
    let report = hostile(HOSTILE[0]);
    let page = page(&[part(&report, vec![log(HOSTILE[0].as_bytes())])]);
    let policy = "default-src 'none'; style-src 'sha256-";
    assert!(page.find(policy).unwrap() < page.find("<style>").unwrap());
    // The policy would stop these; nothing that it would have to stop is there.
    for way in [
        "<script", "<link", "<img", "<iframe", "@import", "url(http", " style=", " on",
    ] {
        let found = page
            .match_indices(way)
            .map(|(at, _)| &page[at..(at + 20).min(page.len())]);
        let found: Vec<_> = found
            .filter(|it| it.starts_with('<') || it.contains('='))
            .collect();
        assert!(found.is_empty(), "{found:?}");
    }
    let links = page.split("href=\"").skip(1);
    assert!(links.clone().count() > 1);
    for link in links {
        assert!(link.starts_with('#'), "{link}");
    }
    for target in page.split("href=\"#").skip(1) {
        let target = target.split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
    }
}

#[test]
fn logs_are_bounded_and_failures_come_first() {
    let long = |letter: u8| Excerpt {
        first: [vec![letter; 100], b"\n".to_vec()].concat(),
        left_out: 100 << 20,
        last: vec![letter; 1 << 20],
    };
    let services = (0..20).map(|number| {
        let status = match number {
            19 => Status::Failed,
            _ => Status::Built,
        };
        let service = service(format!("s{number}").as_bytes(), status);
        timed(service, 0, number, &[(Phase::Image, 1, PhaseEnding::Done)])
    });
    let report = report(services.collect());
    let logs = (0..20).map(|number| Some(long(b'a' + number))).collect();
    let parts = [part(&report, logs)];
    let page = page(&parts);
    assert!(page.len() < 9 << 20, "{}", page.len());
    assert!(page.contains("[… 100.00 MiB left out …]"));
    assert!(page.contains("the page would be too large"));
    // The last of all failed, and has its log.
    assert!(page.contains(&"t".repeat(1000)));
    let xml = junit(&parts);
    assert!(xml.len() < 7 << 20, "{}", xml.len());
    assert!(xml.contains(&"t".repeat(60_000)));
    roxmltree::Document::parse(&xml).unwrap();
}

/// The content model of Jenkins' schema, which GitLab and Azure Pipelines read a part of.
#[test]
fn junit_has_the_elements_of_its_schema() {
    let report = ordinary();
    let xml = junit(&[part(&report, vec![None, log(b"no")])]);
    let read = roxmltree::Document::parse(&xml).unwrap();
    let root = read.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let number = |node: roxmltree::Node<'_, '_>, name| {
        node.attribute(name).unwrap().parse::<usize>().unwrap()
    };
    let suites: Vec<_> = root.children().filter(|it| it.is_element()).collect();
    let sum = |name| suites.iter().map(|it| number(*it, name)).sum::<usize>();
    assert_eq!(
        (number(root, "tests"), number(root, "failures")),
        (sum("tests"), sum("failures"))
    );
    assert_eq!((sum("failures"), sum("skipped")), (3, 1));
    for suite in suites {
        let names: Vec<_> = suite.children().filter(|it| it.is_element()).collect();
        let cases: Vec<_> = names
            .iter()
            .filter(|it| it.has_tag_name("testcase"))
            .collect();
        assert_eq!(cases.len(), number(suite, "tests"));
        let count = |tag: &str| {
            let has = |it: &&&roxmltree::Node<'_, '_>| it.children().any(|it| it.has_tag_name(tag));
            cases.iter().filter(has).count()
        };
        assert_eq!(count("failure"), number(suite, "failures"));
        assert_eq!(count("skipped"), number(suite, "skipped"));
        assert!(names.iter().skip(1).all(|it| it.has_tag_name("testcase")));
        for case in cases {
            let order = ["skipped", "failure", "system-out"];
            let within = case.children().filter(|it| it.is_element());
            let places: Vec<_> = within
                .map(|it| {
                    order
                        .iter()
                        .position(|name| it.has_tag_name(*name))
                        .unwrap()
                })
                .collect();
            assert!(places.is_sorted(), "{xml}");
            case.attribute("time").unwrap().parse::<f64>().unwrap();
        }
    }
}

#[test]
fn a_document_without_times_is_reported_too() {
    // As an earlier flota wrote it, and one that contradicts itself.
    for text in [
        r#"{"schema":"flota.build/v1","head":{"rev":"HEAD","commit":"0101010101010101010101010101010101010101"},"services":[
            {"name":"a","path":"a","action":"image","reason":"added","status":"failed","error":"it broke"}]}"#,
        r#"{"schema":"flota.build/v1","head":{"rev":"HEAD","commit":"0101010101010101010101010101010101010101"},"started":"?","seconds":-1,
            "services":[{"name":"a","path":"a","action":"chart","reason":"added","status":"failed","error":"it broke","seconds":1e300,
            "timing":{"slot":9,"start":-5,"phases":[{"phase":"chart","start":1e300,"seconds":-1,"ending":"done"}]}}]}"#,
    ] {
        let build: BuildV1<'_> = serde_json::from_str(text).unwrap();
        let parts = [JobReport {
            name: None,
            build,
            logs: Vec::new(),
        }];
        assert!(page(&parts).contains("it broke"));
        let xml = junit(&parts);
        let read = roxmltree::Document::parse(&xml).unwrap();
        let failure = read
            .descendants()
            .find(|it| it.has_tag_name("failure"))
            .unwrap();
        assert_eq!(failure.text(), Some("it broke"));
    }
}
