//! What a build leaves beside `build.json`: `report.html` and `junit.xml`.

use std::fs;

use serde_json::Value;

use crate::{
    build_run::{many, run},
    record,
    sandbox::Sandbox,
};

fn written(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.path("fleet/.flota").join(name)).unwrap()
}

#[test]
fn a_failed_build_leaves_a_page_and_results_of_tests() {
    let sandbox = many(&[("s2", "fails")]);
    let ran = run(&sandbox, &["--all", "--keep-going", "-j2"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let page = written(&sandbox, "report.html");
    let (before, failures) = page.split_once("<h2>Failures</h2>").unwrap();
    assert!(before.contains("3 built, 1 failed in "), "{before}");
    assert!(
        failures.contains("<details open class=\"failure\""),
        "{failures}"
    );
    assert!(failures.contains("building s2\n"), "{failures}");
    let xml = written(&sandbox, "junit.xml");
    let read = roxmltree::Document::parse(&xml).unwrap();
    let failed = read.descendants().filter(|it| it.has_tag_name("failure"));
    let failed: Vec<_> = failed.map(|it| it.parent_element().unwrap()).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].attribute("classname"), Some("code-repos/s2"));
    assert_eq!(failed[0].attribute("name"), Some("image"));
    let output = failed[0]
        .children()
        .find(|it| it.has_tag_name("system-out"));
    assert!(output.unwrap().text().unwrap().contains("building s2"));
}

#[test]
fn a_flood_leaves_small_reports() {
    let sandbox = many(&[("s1", "floods")]);
    assert_eq!(run(&sandbox, &["s1"]).status, Some(1));
    for (name, most) in [("report.html", 200 << 10), ("junit.xml", 100 << 10)] {
        let text = written(&sandbox, name);
        assert!(text.len() < most, "{name}: {}", text.len());
        assert!(text.contains("s1 has said enough"), "{name}");
    }
    assert!(written(&sandbox, "report.html").contains(" MiB left out …]"));
}

#[test]
fn a_dry_run_leaves_none() {
    let sandbox = many(&[]);
    assert_eq!(run(&sandbox, &["--all", "--dry-run"]).status, Some(0));
    assert!(!sandbox.path("fleet/.flota").exists());
}

/// A slot runs one job at a time, and every part of a job lies within it.
#[test]
fn times_are_within_one_another() {
    let sandbox = many(&[("s1", "lags"), ("s3", "lags")]);
    let ran = run(&sandbox, &["--all", "-j2", "--format=json"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["jobs"], 2);
    assert!(report["started"].as_str().unwrap().ends_with('Z'));
    assert_eq!(slots(&report), 2);
}

/// How many job slots a build had whose services all built an image: each job lies within the build, its parts follow each other,
/// and no two of a slot overlap.
pub fn slots(report: &Value) -> usize {
    // What a float loses.
    let (whole, little) = (report["seconds"].as_f64().unwrap(), 1e-6);
    let mut lanes: Vec<Vec<(f64, f64)>> = Vec::new();
    for service in report["services"].as_array().unwrap() {
        let number = |value: &Value| value.as_f64().unwrap();
        let timing = &service["timing"];
        let (start, took) = (number(&timing["start"]), number(&service["seconds"]));
        let end = start + took;
        assert!(end <= whole + little, "{report}");
        let slot = usize::try_from(timing["slot"].as_u64().unwrap()).unwrap();
        lanes.resize_with(lanes.len().max(slot + 1), Vec::new);
        lanes[slot].push((start, end));
        let mut at = start;
        for phase in timing["phases"].as_array().unwrap() {
            assert!(number(&phase["start"]) >= at - little, "{report}");
            at = number(&phase["start"]) + number(&phase["seconds"]);
        }
        assert!(at <= end + 0.1, "{report}");
        assert_eq!(timing["phases"][0]["phase"], "image");
        assert_eq!(timing["phases"][0]["ending"], "done");
    }
    for lane in &mut lanes {
        assert!(!lane.is_empty());
        lane.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(
            lane.windows(2).all(|two| two[0].1 <= two[1].0 + little),
            "{lane:?}"
        );
    }
    lanes.len()
}

#[test]
fn the_jobs_of_a_run_have_one_page() {
    let sandbox = Sandbox::scripted("record");
    for (job, built, failed) in [
        ("flota-0", ["docs", "lib"], "web"),
        ("flota-1", ["api", "lib"], "docs"),
    ] {
        let folder = sandbox.path("reports").join(job);
        fs::create_dir_all(&folder).unwrap();
        let report = record::leg(&sandbox, &built, &[failed]);
        fs::write(folder.join("build.json"), report).unwrap();
    }
    let args = [
        "record",
        "--base=",
        "--for=main",
        "--out=../page",
        "../reports",
    ];
    let ran = sandbox.flota("fleet", &args);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let read = |name: &str| fs::read_to_string(sandbox.path("page").join(name)).unwrap();
    let page = read("report.html");
    assert!(page.contains("4 built, 2 failed in "), "{page}");
    assert!(page.contains("<td>flota-1</td>"), "{page}");
    let xml = read("junit.xml");
    let suites = roxmltree::Document::parse(&xml).unwrap();
    assert_eq!(suites.root_element().attribute("failures"), Some("2"));
}
