//! Plans of every size, and their systems' limits.

use std::{collections::BTreeSet, num::NonZeroUsize};

use gix::ObjectId;
use serde_json::Value;

use super::*;
use crate::model::{
    change::{Action, End, Reason},
    error::Result,
    image_edge::ImageEdges,
    leg::Leg,
    pipeline::AZURE_MATRICES,
    plan::{Plan, Step},
    step_id::StepId,
};

/// Services with the name's length of a real one, each its own path.
fn plan_of(services: usize) -> Plan {
    let commit = ObjectId::null(gix::hash::Kind::Sha1);
    let step = |number: usize| Step {
        name: format!("service-{number:05}").into(),
        path: format!("code-repos/service-{number:05}").into(),
        action: if number.is_multiple_of(3) {
            Action::Image
        } else {
            Action::Chart
        },
        reason: Reason::CodeChanged,
        commit: Some(commit),
        code: Some(commit),
        config: Some(commit),
        url: None,
    };
    Plan {
        base: None,
        head: End {
            rev: "HEAD".to_owned(),
            commit,
        },
        exceptions: Default::default(),
        steps: (0..services).map(step).collect(),
        unaffected: 0,
        warnings: Vec::new(),
        unread: Vec::new(),
    }
}

fn rendered(
    plan: &Plan,
    legs: Option<usize>,
    render: fn(&Division<'_>) -> Result<String>,
) -> Result<String> {
    let legs = Leg::of(
        plan,
        &ImageEdges::default(),
        legs.and_then(NonZeroUsize::new),
    )?;
    render(&Division { plan, legs: &legs })
}

/// Outputs as the runner reads them: `NAME<<END`, the value, `END`.
fn github_outputs(text: &str) -> Vec<(String, String)> {
    let lines: Vec<_> = text.lines().collect();
    let read = |three: &[&str]| {
        let (name, end) = three[0].split_once("<<").unwrap();
        assert_eq!(three[2], end);
        (name.to_owned(), three[1].to_owned())
    };
    assert!(lines.len().is_multiple_of(3));
    lines.chunks(3).map(read).collect()
}

fn azure_outputs(text: &str) -> Vec<(String, String)> {
    let read = |line: &str| {
        let (name, value) = line
            .strip_prefix("##vso[task.setvariable variable=")
            .and_then(|rest| rest.split_once(";isOutput=true]"))
            .unwrap();
        (name.to_owned(), value.to_owned())
    };
    text.lines().map(read).collect()
}

fn matrices(outputs: &[(String, String)]) -> Vec<Value> {
    let matrix = |(name, value): &(String, String)| {
        let is_matrix = name == "matrix" || name.starts_with("matrix_");
        is_matrix.then(|| serde_json::from_str(value).unwrap())
    };
    outputs.iter().filter_map(matrix).collect()
}

/// Each step once, whatever the legs are.
fn assert_whole<'a>(plan: &Plan, legs: impl IntoIterator<Item = &'a str>) {
    let words: Vec<_> = legs
        .into_iter()
        .flat_map(|steps| steps.split(','))
        .collect();
    let read: BTreeSet<String> = words
        .iter()
        .map(|word| word.parse::<StepId>().unwrap().path.to_string())
        .collect();
    let want: BTreeSet<String> = plan.builds().map(|step| step.path.to_string()).collect();
    assert_eq!(words.len(), want.len());
    assert_eq!(read, want);
}

#[test]
fn github_takes_256_legs_a_matrix() {
    for (services, want) in [(0, 1), (1, 1), (256, 1), (257, 2), (1000, 4)] {
        let plan = plan_of(services);
        let outputs = github_outputs(&rendered(&plan, None, github::plan).unwrap());
        let get = |name: &str| {
            outputs
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(get("count"), Some(services.to_string().as_str()));
        assert_eq!(
            get("has_changes"),
            Some(if services > 0 { "true" } else { "false" })
        );
        assert_eq!(get("matrices"), Some(want.to_string().as_str()));
        assert_eq!(
            get("matrix").is_some(),
            want == 1,
            "a part is not called the whole"
        );
        let matrices = matrices(&outputs);
        assert_eq!(matrices.len(), want);
        let legs: Vec<_> = matrices
            .iter()
            .flat_map(|m| m["include"].as_array().unwrap())
            .collect();
        assert!(
            matrices
                .iter()
                .all(|m| m["include"].as_array().unwrap().len() <= 256)
        );
        assert_whole(&plan, legs.iter().map(|leg| leg["steps"].as_str().unwrap()));
    }
}

#[test]
fn what_github_does_not_take_is_refused_and_shared_legs_fit() {
    let plan = plan_of(5000);
    let refused = rendered(&plan, None, github::plan).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a plan of 5000 builds in 5000 jobs is too large for GitHub: the limit is 1000000 bytes"
    );
    assert_eq!(
        refused.hints(),
        [
            "let services share jobs: flota plan --format github --legs 256",
            "or build all of them in one job: flota build"
        ]
    );
    let lines = rendered(&plan, Some(256), github::plan).unwrap();
    let outputs = github_outputs(&lines);
    let utf16: usize = outputs
        .iter()
        .map(|(name, value)| 2 * (name.len() + value.len()))
        .sum();
    assert!(utf16 < 1_000_000, "{utf16}");
    let matrices = matrices(&outputs);
    let legs = matrices[0]["include"].as_array().unwrap();
    assert_eq!((matrices.len(), legs.len()), (1, 256));
    assert_whole(&plan, legs.iter().map(|leg| leg["steps"].as_str().unwrap()));
    // 1,667 images among 256 legs: 6 or 7 each.
    for leg in legs {
        let images = leg["steps"].as_str().unwrap().matches("image:").count();
        assert!((6..=7).contains(&images), "{images}");
    }
}

#[test]
fn every_delimiter_is_new() {
    let lines = rendered(&plan_of(1), None, github::plan).unwrap();
    let ends: Vec<_> = lines
        .lines()
        .filter(|line| line.starts_with("flota_"))
        .collect();
    let different: BTreeSet<_> = ends.iter().collect();
    assert!(ends.len() > 5 && different.len() == ends.len(), "{ends:?}");
}

#[test]
fn azure_takes_256_legs_and_an_environment_variable_a_matrix() {
    for services in [0, 1, 256, 257, 1000] {
        let plan = plan_of(services);
        let outputs = azure_outputs(&rendered(&plan, None, azure::plan).unwrap());
        assert!(
            outputs
                .iter()
                .all(|(name, value)| name.len() + value.len() < 128 * 1024 - 1)
        );
        let matrices = matrices(&outputs);
        assert!(matrices.iter().all(|m| m.as_object().unwrap().len() <= 256));
        let legs: Vec<_> = matrices
            .iter()
            .flat_map(|m| m.as_object().unwrap())
            .collect();
        let names: BTreeSet<_> = legs.iter().map(|(name, _)| name.to_lowercase()).collect();
        assert_eq!(names.len(), services);
        assert_whole(
            &plan,
            legs.iter()
                .map(|(_, leg)| leg["FLOTA_STEPS"].as_str().unwrap()),
        );
        let prefixed = |leg: &Value| {
            leg.as_object()
                .unwrap()
                .keys()
                .all(|key| key.starts_with("FLOTA_"))
        };
        assert!(
            legs.iter().all(|(_, leg)| prefixed(leg)),
            "PATH would be overwritten"
        );
    }
}

/// With as many legs as the pipeline of `flota ci azure` asks for.
#[test]
fn azure_gets_as_many_parts_as_its_pipeline_reads() {
    let legs = Some(100);
    for (services, is_split) in [(300, false), (2000, true), (5000, true), (7500, true)] {
        let plan = plan_of(services);
        let outputs = azure_outputs(&rendered(&plan, legs, azure::plan).unwrap());
        let is_whole = outputs.iter().any(|(name, _)| name == "matrix");
        assert_eq!(is_whole, !is_split, "a part is not called the whole");
        let matrices = matrices(&outputs);
        assert!(matrices.len() <= AZURE_MATRICES, "{}", matrices.len());
        let legs = matrices
            .iter()
            .flat_map(|m| m.as_object().unwrap().values());
        assert_whole(&plan, legs.map(|leg| leg["FLOTA_STEPS"].as_str().unwrap()));
    }
    let refused = rendered(&plan_of(12_000), legs, azure::plan).unwrap_err();
    assert!(refused.to_string().contains("12000 builds"), "{refused}");
    assert!(rendered(&plan_of(5000), None, azure::plan).is_err());
}

#[test]
fn a_leg_that_no_matrix_can_hold_is_named() {
    let refused = rendered(&plan_of(5000), Some(2), azure::plan).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the leg of code-repos/service-00000 is too large for one job: 2500 services"
    );
}

#[test]
fn a_child_pipeline_is_never_empty_and_at_most_5_mb() {
    assert!(
        rendered(&plan_of(0), None, gitlab::plan)
            .unwrap()
            .contains("\n\"nothing to build\":\n")
    );
    for (services, legs) in [(1, None), (257, None), (5000, None), (5000, Some(500))] {
        let plan = plan_of(services);
        let yaml = rendered(&plan, legs, gitlab::plan).unwrap();
        assert!(yaml.len() <= 5_000_000);
        assert_eq!(
            yaml.matches("extends: .flota-build").count(),
            legs.unwrap_or(services)
        );
        let steps = yaml
            .lines()
            .filter_map(|line| line.strip_prefix("    FLOTA_STEPS: "));
        assert_whole(&plan, steps.map(|quoted| quoted.trim_matches('"')));
    }
    let refused = rendered(&plan_of(15_000), None, gitlab::plan).unwrap_err();
    assert!(refused.to_string().contains("15000 builds"), "{refused}");
    assert!(rendered(&plan_of(15_000), Some(500), gitlab::plan).is_ok());
}

#[test]
fn an_upload_to_buildkite_has_1_to_500_steps() {
    assert!(
        rendered(&plan_of(0), None, buildkite::plan)
            .unwrap()
            .ends_with("steps:\n  - wait\n")
    );
    for (services, legs) in [(1, None), (500, None), (501, Some(500)), (5000, Some(500))] {
        let plan = plan_of(services);
        let yaml = rendered(&plan, legs, buildkite::plan).unwrap();
        assert_eq!(yaml.matches("  - label: ").count(), services.min(500));
        let steps = yaml
            .lines()
            .filter_map(|line| line.strip_prefix("      FLOTA_STEPS: "));
        assert_whole(&plan, steps.map(|quoted| quoted.trim_matches('"')));
    }
    let refused = rendered(&plan_of(501), None, buildkite::plan).unwrap_err();
    assert_eq!(
        refused.hints(),
        ["let services share jobs: flota plan --format buildkite --legs 500"]
    );
}

#[test]
fn jenkins_takes_any_number() {
    for services in [0, 1, 257, 5000] {
        let plan = plan_of(services);
        let json: Value =
            serde_json::from_str(&rendered(&plan, None, jenkins::plan).unwrap()).unwrap();
        let legs = json["legs"].as_object().unwrap();
        assert_eq!(json["count"], services);
        assert_whole(
            &plan,
            legs.values().map(|leg| leg["steps"].as_str().unwrap()),
        );
    }
}

/// As many as no environment variable can hold are refused, and not left out.
#[test]
fn the_names_of_retired_services_fit_or_the_plan_is_refused() {
    let renderers: [fn(&Division<'_>) -> Result<String>; 5] = [
        github::plan,
        azure::plan,
        gitlab::plan,
        buildkite::plan,
        jenkins::plan,
    ];
    let retiring = |services| {
        let mut plan = plan_of(services);
        for step in &mut plan.steps {
            step.action = Action::Retire;
        }
        plan
    };
    for render in renderers {
        assert!(rendered(&retiring(5000), None, render).is_ok());
    }
    let plan = retiring(10_000);
    let refused: Vec<_> = renderers[1..4]
        .iter()
        .map(|render| rendered(&plan, None, *render).unwrap_err().to_string())
        .collect();
    for (refused, system) in refused
        .iter()
        .zip(["Azure Pipelines", "GitLab", "Buildkite"])
    {
        let want = format!("the names of 10000 retired services are too large for {system}");
        assert!(refused.starts_with(&want), "{refused}");
    }
    assert!(rendered(&plan, None, github::plan).is_ok());
    assert!(rendered(&plan, None, jenkins::plan).is_ok());
}
