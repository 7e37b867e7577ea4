//! The pipelines of Azure, GitLab and Buildkite, played: each job's scripts by bash, on a clone of its own. What the systems
//! themselves decide, which job runs when, is taken for granted.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::runner::program_folders;
use crate::{
    consumers::{azure_outputs, yaml},
    sandbox::{Ran, Sandbox},
};

type Variables = BTreeMap<String, String>;

/// A push to main, as one of the systems sees it.
struct Push<'a> {
    sandbox: &'a Sandbox,
    /// Where jobs leave things for others, and what the system says of the push.
    server: PathBuf,
    variables: Variables,
    jobs: usize,
}

/// How many jobs a push was divided among, and how many of them failed.
#[derive(Debug, PartialEq)]
struct Legs {
    all: usize,
    failed: usize,
}

impl<'a> Push<'a> {
    fn new(sandbox: &'a Sandbox, variables: &[(&str, &str)]) -> Self {
        let server = tempfile::tempdir_in(sandbox.root()).unwrap().keep();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            sandbox,
            server,
            variables: variables.iter().map(owned).collect(),
            jobs: 0,
        }
    }

    /// A clone for a job.
    fn clone(&mut self) -> PathBuf {
        self.jobs += 1;
        let clone = self.server.join(format!("job-{}", self.jobs));
        let url = format!("file://{}", self.sandbox.path("fleet.git").display());
        let clone = clone.to_str().unwrap().to_owned();
        self.sandbox.git("", &["clone", "--quiet", &url, &clone]);
        clone.into()
    }

    fn bash(&self, clone: &Path, script: &str, more: &Variables) -> Ran {
        let mut bash = self.sandbox.program("bash", clone);
        bash.args(["-eo", "pipefail", "-c", script])
            .env("PATH", program_folders())
            .env("FAKE_ENGINE", &self.server)
            .env("FAKE_AGENT", &self.server)
            .env("AGENT_TEMPDIRECTORY", &self.server)
            .envs(&self.variables)
            .envs(more);
        self.sandbox.ran(bash.output().unwrap())
    }

    fn good(&self, clone: &Path, script: &str, more: &Variables) -> Ran {
        let ran = self.bash(clone, script, more);
        assert_eq!(
            ran.status,
            Some(0),
            "{script}\n{}{}",
            ran.text(),
            ran.stderr
        );
        ran
    }
}

fn file(clone: &Path, name: &str) -> Value {
    yaml(&fs::read_to_string(clone.join(name)).unwrap())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn variables(object: &Value) -> Variables {
    let object = object.as_object().into_iter().flatten();
    object
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// The lines of a job of GitLab's: a string, or a list of them.
fn lines(job: &Value, key: &str) -> String {
    let list = job[key].as_array().unwrap();
    list.iter().map(|line| text(line) + "\n").collect()
}

fn azure(sandbox: &Sandbox) -> Legs {
    let commit = sandbox.git("fleet", &["rev-parse", "HEAD"]);
    let mut push = Push::new(
        sandbox,
        &[
            ("TF_BUILD", "True"),
            ("BUILD_REASON", "IndividualCI"),
            ("BUILD_SOURCEBRANCH", "refs/heads/main"),
            ("BUILD_SOURCEVERSION", commit.trim()),
        ],
    );
    let clone = push.clone();
    let pipeline = file(&clone, "azure-pipelines.yml");
    let job = |name: &str| {
        let jobs = pipeline["jobs"].as_array().unwrap();
        let job = jobs.iter().find(|job| job["job"] == name).unwrap();
        scripts(job)
    };
    let mut outputs = Variables::new();
    for script in job("plan") {
        let said = push.good(&clone, &script, &Variables::new()).text();
        if script.contains("flota plan") {
            outputs = azure_outputs(&said);
        }
    }
    let build = file(&clone, ".azure/flota-build.yml")["jobs"][0].clone();
    let matrix: Value = serde_json::from_str(&outputs["matrix"]).unwrap();
    let mut legs = Legs { all: 0, failed: 0 };
    for (name, leg) in matrix.as_object().unwrap() {
        let clone = push.clone();
        let leg = variables(leg);
        legs.all += 1;
        let goes_well = |script: &String| push.bash(&clone, script, &leg).status == Some(0);
        legs.failed += usize::from(!scripts(&build).iter().all(goes_well));
        let reports = push.server.join("flota-reports").join(name);
        fs::create_dir_all(&reports).unwrap();
        fs::copy(clone.join(".flota/build.json"), reports.join("build.json")).unwrap();
    }
    let base = [("FLOTA_BASE".to_owned(), outputs["base"].clone())].into();
    let clone = push.clone();
    for script in job("record") {
        push.good(&clone, &script, &base);
    }
    legs
}

/// The steps of a job of Azure's that are scripts, but for those of pull requests.
fn scripts(job: &Value) -> Vec<String> {
    let steps = job["steps"].as_array().unwrap();
    let is_of_a_push = |step: &&Value| {
        let condition = step["condition"].as_str().unwrap_or_default();
        !condition.contains(" eq(variables['Build.Reason'], 'PullRequest')")
    };
    let scripts = steps.iter().filter(is_of_a_push);
    let scripts = scripts.filter_map(|step| step["bash"].as_str());
    scripts.map(str::to_owned).collect()
}

fn gitlab(sandbox: &Sandbox) -> Legs {
    let commit = |rev: &str| sandbox.git("fleet", &["rev-parse", rev]).trim().to_owned();
    let mut push = Push::new(
        sandbox,
        &[
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_COMMIT_BEFORE_SHA", &commit("HEAD~1")),
            ("CI_COMMIT_SHA", &commit("HEAD")),
            ("CI_DEFAULT_BRANCH", "main"),
        ],
    );
    let clone = push.clone();
    let common = file(&clone, ".gitlab/flota.yml");
    let before = lines(&common[".flota"], "before_script");
    let plan = lines(&file(&clone, ".gitlab-ci.yml")["plan"], "script");
    push.good(&clone, &(before.clone() + &plan), &Variables::new());

    let child = file(&clone, "flota-plan.yml");
    let told = [(
        "CI_PIPELINE_SOURCE".to_owned(),
        "parent_pipeline".to_owned(),
    )];
    push.variables.extend(told);
    push.variables.extend(variables(&child["variables"]));
    let mut legs = Legs { all: 0, failed: 0 };
    let reports = push.server.join("flota-reports");
    fs::create_dir(&reports).unwrap();
    for (name, job) in child.as_object().unwrap() {
        if job["extends"] != ".flota-build" {
            continue;
        }
        let clone = push.clone();
        legs.all += 1;
        let mut leg = variables(&job["variables"]);
        leg.insert("CI_JOB_ID".to_owned(), legs.all.to_string());
        let script = before.clone() + &lines(&common[".flota-build"], "script");
        legs.failed += usize::from(push.bash(&clone, &script, &leg).status != Some(0));
        push.good(
            &clone,
            &lines(&common[".flota-build"], "after_script"),
            &leg,
        );
        let report = format!("{}.json", legs.all);
        let kept = clone.join("flota-reports").join(&report);
        fs::copy(kept, reports.join(report)).unwrap_or_else(|err| panic!("{name}: {err}"));
    }
    let clone = push.clone();
    fs::rename(reports, clone.join("flota-reports")).unwrap();
    let record = before + &lines(&common["record"], "script");
    push.good(&clone, &record, &Variables::new());
    legs
}

fn buildkite(sandbox: &Sandbox) -> Legs {
    let commit = sandbox.git("fleet", &["rev-parse", "HEAD"]);
    let mut push = Push::new(
        sandbox,
        &[
            ("BUILDKITE", "true"),
            ("BUILDKITE_SOURCE", "webhook"),
            ("BUILDKITE_BRANCH", "main"),
            ("BUILDKITE_COMMIT", commit.trim()),
            ("BUILDKITE_PULL_REQUEST", "false"),
            ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "main"),
        ],
    );
    let clone = push.clone();
    push.good(&clone, ".buildkite/flota-plan", &Variables::new());
    let uploaded = file(&push.server, "pipeline.yml");
    let mut legs = Legs { all: 0, failed: 0 };
    for step in uploaded["steps"].as_array().unwrap() {
        let clone = push.clone();
        legs.all += 1;
        let mut leg = variables(&step["env"]);
        leg.insert("BUILDKITE_JOB_ID".to_owned(), legs.all.to_string());
        let ran = push.bash(&clone, &text(&step["command"]), &leg);
        legs.failed += usize::from(ran.status != Some(0));
    }
    let clone = push.clone();
    push.good(&clone, ".buildkite/flota-record", &Variables::new());
    legs
}

/// `first` is how many services the first push builds, before there is a record.
fn what_failed_is_built_again(system: &str, first: usize, play: impl Fn(&Sandbox) -> Legs) {
    let sandbox = Sandbox::scripted("record");
    let written = sandbox.flota("fleet", &["ci", system]);
    assert_eq!(written.status, Some(0), "{}", written.stderr);
    for service in ["docs", "web"] {
        sandbox.git(service, &["config", "core.bare", "false"]);
    }
    sandbox.git("fleet", &["add", "--all"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message=Build by flota"]);
    let change = |service: &str, file: &str, text: &str| {
        fs::write(sandbox.path(service).join(file), text).unwrap();
        sandbox.commit_and_pin(service, "Change it");
        sandbox.git("fleet", &["push", "--quiet", "origin", "main"]);
    };
    // The embedded builder has no RUN.
    change("web", "code/Dockerfile", "FROM scratch\nRUN fail\n");
    let expected = Legs {
        all: first,
        failed: 1,
    };
    assert_eq!(play(&sandbox), expected);
    change("docs", "code/app", "third version");
    assert_eq!(play(&sandbox), Legs { all: 2, failed: 1 });
    change("web", "code/Dockerfile", "FROM scratch\nCOPY . /\n");
    assert_eq!(play(&sandbox), Legs { all: 1, failed: 0 });
}

#[test]
fn azure_builds_again_what_failed() {
    // It does not say where the branch was before.
    what_failed_is_built_again("azure", 4, azure);
}

#[test]
fn gitlab_builds_again_what_failed() {
    what_failed_is_built_again("gitlab", 1, gitlab);
}

#[test]
fn buildkite_builds_again_what_failed() {
    what_failed_is_built_again("buildkite", 4, buildkite);
}
