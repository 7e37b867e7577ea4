//! In CI, without a range: the commits that the system's own variables speak of. How each system is understood in all its
//! kinds of runs is tested beside `src/ci`; here, that the right two commits are compared.

use std::fs;

use super::actions;
use crate::sandbox::{Ran, Sandbox};

/// A run of flota in `ci.sh`'s fleet. `{start}`, `{api}`, `{web}` and `{trial}` in variables and in the event's payload are the
/// commits of these tags.
struct Run {
    sandbox: Sandbox,
    variables: Vec<(String, String)>,
}

impl Run {
    fn new(variables: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::scripted("ci");
        let filled = |text: &str| fill(&sandbox, text);
        let variables = variables
            .iter()
            .map(|(key, value)| ((*key).to_owned(), filled(value)));
        Self {
            variables: variables.collect(),
            sandbox,
        }
    }

    /// A run of GitHub Actions, with its event's payload.
    fn github(event: &str, reference: &str, sha: &str, payload: &str) -> Self {
        let mut run = Self::new(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REF", reference),
            ("GITHUB_SHA", sha),
        ]);
        let file = run.sandbox.path("event.json");
        fs::write(&file, fill(&run.sandbox, payload)).unwrap();
        let path = file.to_str().unwrap().to_owned();
        run.variables.push(("GITHUB_EVENT_PATH".to_owned(), path));
        run
    }

    fn flota(&self, dir: &str, args: &[&str]) -> Ran {
        self.sandbox.flota_with(dir, args, |flota| {
            flota.envs(self.variables.iter().map(|(key, value)| (key, value)));
        })
    }

    /// Asserts which commits are compared, by their tags, how the base was found, and what is to be built.
    #[track_caller]
    fn compares(&self, base: &str, kind: &str, head: &str, want: &[&str]) {
        let changed = self.flota("fleet", &["changed", "--format", "json"]).json();
        let commit = |tag: &str| Some(fill(&self.sandbox, &format!("{{{tag}}}")));
        let end = |end: &str| changed[end]["commit"].as_str().map(str::to_owned);
        let base = if kind == "empty" { None } else { commit(base) };
        assert_eq!((end("base"), end("head")), (base, commit(head)));
        assert_eq!(changed["base"]["kind"], kind);
        assert_eq!(actions(&changed), want);
    }
}

/// `text` with the commits of tags of the fleet in the place of `{TAG}`.
pub fn fill(sandbox: &Sandbox, text: &str) -> String {
    let tags = sandbox.git("fleet", &["tag", "--format=%(refname:short) %(objectname)"]);
    tags.lines().fold(text.to_owned(), |text, line| {
        let (tag, commit) = line.split_once(' ').unwrap();
        text.replace(&format!("{{{tag}}}"), commit)
    })
}

const ZEROS: &str = "0000000000000000000000000000000000000000";
const GONE: &str = "0123456789012345678901234567890123456789";

fn push(branch: &str, before: &str, after: &str) -> Run {
    let reference = format!("refs/heads/{branch}");
    let payload = format!(
        r#"{{"ref":"{reference}","before":"{before}","after":"{after}","repository":{{"default_branch":"main"}}}}"#
    );
    Run::github("push", &reference, after, &payload)
}

fn pull_request() -> Run {
    let payload = r#"{"pull_request":{"number":7,"base":{"ref":"main","sha":"{web}"},"head":{"ref":"topic","sha":"{api}"}},
                      "repository":{"default_branch":"main"}}"#;
    Run::github("pull_request", "refs/pull/7/merge", "{trial}", payload)
}

#[test]
fn github_compares_the_trial_merge_with_the_target() {
    pull_request().compares("web", "merge-base", "trial", &["api image"]);
}

#[test]
fn github_compares_a_push_with_the_commit_before() {
    push("main", "{start}", "{web}").compares("start", "exact", "web", &["web image"]);
}

#[test]
fn github_compares_a_forced_push_with_the_base_branch() {
    let run = push("topic", GONE, "{api}");
    run.compares("start", "merge-base", "api", &["api image"]);
    insta::assert_snapshot!(run.flota("fleet", &["changed"]).transcript());
}

#[test]
fn github_compares_a_forced_push_of_the_base_branch_with_nothing() {
    let run = push("main", GONE, "{web}");
    run.compares("", "empty", "web", &["api image", "web image"]);
    insta::assert_snapshot!(run.flota("fleet", &["changed"]).transcript());
}

#[test]
fn github_compares_a_new_branch_with_the_base_branch() {
    push("topic", ZEROS, "{api}").compares("start", "merge-base", "api", &["api image"]);
}

#[test]
fn github_compares_a_new_base_branch_with_nothing() {
    let run = push("main", ZEROS, "{web}");
    run.compares("", "empty", "web", &["api image", "web image"]);
    insta::assert_snapshot!(run.flota("fleet", &["changed"]).transcript());
}

#[test]
fn github_compares_a_merge_group_with_its_base() {
    let payload =
        r#"{"merge_group":{"base_ref":"refs/heads/main","base_sha":"{web}","head_sha":"{trial}"}}"#;
    let reference = "refs/heads/gh-readonly-queue/main/pr-7";
    let run = Run::github("merge_group", reference, "{trial}", payload);
    run.compares("web", "exact", "trial", &["api image"]);
}

#[test]
fn azure_compares_the_trial_merge_with_the_target() {
    Run::new(&[
        ("TF_BUILD", "True"),
        ("BUILD_REASON", "PullRequest"),
        ("BUILD_SOURCEBRANCH", "refs/pull/7/merge"),
        ("BUILD_SOURCEVERSION", "{trial}"),
        ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
        ("SYSTEM_PULLREQUEST_SOURCECOMMITID", "{api}"),
    ])
    .compares("web", "merge-base", "trial", &["api image"]);
}

#[test]
fn azure_compares_a_push_to_the_base_branch_with_nothing() {
    Run::new(&[
        ("TF_BUILD", "True"),
        ("BUILD_REASON", "IndividualCI"),
        ("BUILD_SOURCEBRANCH", "refs/heads/main"),
        ("BUILD_SOURCEVERSION", "{web}"),
    ])
    .compares("", "empty", "web", &["api image", "web image"]);
}

#[test]
fn gitlab_compares_a_merge_request_with_its_merge_base() {
    Run::new(&[
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("CI_MERGE_REQUEST_EVENT_TYPE", "detached"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "{start}"),
        ("CI_COMMIT_SHA", "{api}"),
    ])
    .compares("start", "merge-base", "api", &["api image"]);
}

#[test]
fn buildkite_compares_a_pull_request_with_its_merge_base() {
    Run::new(&[
        ("BUILDKITE", "true"),
        ("BUILDKITE_PULL_REQUEST", "7"),
        ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
        ("BUILDKITE_BRANCH", "topic"),
        ("BUILDKITE_COMMIT", "{api}"),
    ])
    .compares("start", "merge-base", "api", &["api image"]);
}

#[test]
fn jenkins_compares_a_change_request_with_its_merge_base() {
    Run::new(&[
        ("BUILD_TAG", "jenkins-fleet-7"),
        ("CHANGE_ID", "7"),
        ("CHANGE_TARGET", "main"),
        ("CHANGE_BRANCH", "topic"),
        ("GIT_COMMIT", "{api}"),
    ])
    .compares("start", "merge-base", "api", &["api image"]);
}

#[test]
fn jenkins_compares_a_branch_with_its_last_successful_build() {
    Run::new(&[
        ("BUILD_TAG", "jenkins-fleet-8"),
        ("BRANCH_NAME", "main"),
        ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", "{start}"),
        ("GIT_COMMIT", "{web}"),
    ])
    .compares("start", "exact", "web", &["web image"]);
}

#[test]
fn a_range_of_ones_own_comes_first() {
    let args = ["changed", "start..web", "--format", "json"];
    let changed = pull_request().flota("fleet", &args).json();
    assert_eq!(actions(&changed), ["web image"]);
}

#[test]
fn a_clone_cut_short_is_never_everything_and_never_nothing() {
    let run = push("main", "{start}", "{web}");
    let url = format!("file://{}", run.sandbox.path("fleet").display());
    let transcripts = ["1", "2"].map(|depth| {
        let folder = format!("depth-{depth}");
        let clone = [
            "clone", "--quiet", "--depth", depth, "--branch", "web", &url, &folder,
        ];
        run.sandbox.git("", &clone);
        let ran = run.flota(&folder, &["changed"]);
        format!("depth {depth}: {}", ran.transcript())
    });
    insta::assert_snapshot!(transcripts.join("\n"));
}
