//! The workflows of GitHub, played: each step's script by bash, with the files that the runner gives it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    consumers::{github_outputs, yaml},
    sandbox::Sandbox,
};

/// A run of a workflow: what is pushed, and what expressions stand for.
struct Run<'a> {
    sandbox: &'a Sandbox,
    workflow: Value,
    /// The repository that is checked out.
    repository: &'static str,
    before: String,
    commit: String,
    /// Checkouts so far.
    count: usize,
}

/// What became of a job: its outputs, and where it ran.
struct Job {
    outputs: BTreeMap<String, String>,
    workspace: PathBuf,
}

impl<'a> Run<'a> {
    /// The push that made `rev` of its parent.
    fn of_push(sandbox: &'a Sandbox, repository: &'static str, rev: &str) -> Self {
        let written = sandbox.flota(repository, &["ci", "github"]);
        assert_eq!(written.status, Some(0), "{}", written.stderr);
        let file = sandbox.path(repository).join(".github/workflows/flota.yml");
        let commit = |rev: &str| {
            sandbox
                .git(repository, &["rev-parse", rev])
                .trim()
                .to_owned()
        };
        Self {
            sandbox,
            workflow: yaml(&fs::read_to_string(file).unwrap()),
            repository,
            before: commit(&format!("{rev}~1")),
            commit: commit(&format!("{rev}^{{commit}}")),
            count: 0,
        }
    }

    /// Runs a job's steps, in a workspace of its own; `known` are the expressions that they may use.
    fn job(&mut self, name: &str, known: &BTreeMap<String, String>) -> Job {
        self.count += 1;
        let workspace = self
            .sandbox
            .path(format!("work-{}-{}", self.commit, self.count));
        fs::create_dir(&workspace).unwrap();
        let job = &self.workflow["jobs"][name];
        let (mut known, mut path) = (known.clone(), vec![program_folder()]);
        for step in job["steps"].as_array().unwrap() {
            if !step["if"]
                .as_str()
                .is_none_or(|condition| holds(condition, &known))
            {
                continue;
            }
            match step["uses"].as_str() {
                Some(action) if action.starts_with("actions/checkout@") => {
                    self.check_out(&workspace)
                }
                Some(action) => assert!(action.starts_with("actions/cache@"), "{action}"),
                None => {
                    let outputs = self.script(step, &workspace, &known, &mut path);
                    for (output, value) in outputs {
                        let id = step["id"].as_str().unwrap();
                        known.insert(format!("steps.{id}.outputs.{output}"), value);
                    }
                }
            }
        }
        let outputs = job["outputs"].as_object().cloned().unwrap_or_default();
        let outputs = outputs
            .into_iter()
            .map(|(name, value)| (name, resolved(value.as_str().unwrap(), &known)));
        Job {
            outputs: outputs.collect(),
            workspace,
        }
    }

    fn check_out(&self, workspace: &Path) {
        let target = workspace.to_str().unwrap();
        self.sandbox
            .git("", &["clone", "--quiet", self.repository, target]);
        self.sandbox
            .git(target, &["checkout", "--quiet", "--detach", &self.commit]);
    }

    /// Runs a step's script as the runner does, `bash -e FILE`; its outputs.
    fn script(
        &self,
        step: &Value,
        workspace: &Path,
        known: &BTreeMap<String, String>,
        path: &mut Vec<String>,
    ) -> BTreeMap<String, String> {
        let file = |name: &str| {
            self.sandbox
                .path(format!("runner-{}-{}-{name}", self.commit, self.count))
        };
        let (script, output, more_path, event) =
            (file("script"), file("output"), file("path"), file("event"));
        let text = step["run"].as_str().unwrap();
        assert!(
            !text.contains("${{"),
            "an expression in a script is code: {text}"
        );
        fs::write(&script, text).unwrap();
        fs::write(&output, "").unwrap();
        fs::write(&more_path, "").unwrap();
        let payload = json!({
            "before": self.before, "after": self.commit, "ref": "refs/heads/main",
            "repository": {"default_branch": "main"},
        });
        fs::write(&event, payload.to_string()).unwrap();
        let mut bash = self.sandbox.program("bash", workspace);
        bash.arg("-e")
            .arg(&script)
            .env("PATH", path.join(":"))
            .env("GIT_CONFIG_GLOBAL", self.sandbox.path("home/gitconfig"))
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "push")
            .env("GITHUB_EVENT_PATH", &event)
            .env("GITHUB_REF", "refs/heads/main")
            .env("GITHUB_SHA", &self.commit)
            .env("GITHUB_SERVER_URL", "https://github.example.com")
            .env("GITHUB_OUTPUT", &output)
            .env("GITHUB_PATH", &more_path);
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            bash.env(name, resolved(value.as_str().unwrap(), known));
        }
        let ran = bash.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{text}\n{said}");
        let added = fs::read_to_string(&more_path).unwrap();
        path.splice(0..0, added.lines().map(str::to_owned));
        github_outputs(&fs::read_to_string(&output).unwrap())
    }

    /// The whole workflow: what its legs built, path and action.
    fn play(&mut self) -> BTreeSet<(String, String)> {
        let known = expressions(&[
            ("github.event_name", "push"),
            ("secrets.FLOTA_GIT_TOKEN", ""),
        ]);
        let plan = self.job("plan", &known);
        let mut built = BTreeSet::new();
        let has_changes = plan.outputs["has_changes"] == "true";
        let legs: Value = serde_json::from_str(&plan.outputs["matrix"]).unwrap();
        let legs = legs["include"].as_array().unwrap();
        assert_eq!(has_changes, !legs.is_empty());
        for leg in legs {
            let mut known = known.clone();
            for (name, value) in leg.as_object().unwrap() {
                known.insert(format!("matrix.{name}"), value.as_str().unwrap().to_owned());
            }
            let job = self.job("build", &known);
            built.append(&mut report(&job.workspace));
            fs::remove_dir_all(job.workspace).unwrap();
        }
        let result = if has_changes { "success" } else { "skipped" };
        let known = expressions(&[
            ("needs.plan.result", "success"),
            ("needs.build.result", result),
        ]);
        self.job("report", &known);
        built
    }
}

fn expressions(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// The programs that a runner has, flota among them.
fn program_folder() -> String {
    let flota = Path::new(env!("CARGO_BIN_EXE_flota")).parent().unwrap();
    format!("{}:{}", flota.display(), std::env::var("PATH").unwrap())
}

/// `${{ NAME }}` as a whole; nothing else is used.
fn resolved(text: &str, known: &BTreeMap<String, String>) -> String {
    match text
        .strip_prefix("${{ ")
        .and_then(|rest| rest.strip_suffix(" }}"))
    {
        Some(name) => known
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not known"))
            .clone(),
        None => text.to_owned(),
    }
}

/// `NAME == 'VALUE'` or `NAME != 'VALUE'`.
fn holds(condition: &str, known: &BTreeMap<String, String>) -> bool {
    let (name, sign, value) = match (condition.split_once(" == "), condition.split_once(" != ")) {
        (Some((name, value)), _) => (name, true, value),
        (_, Some((name, value))) => (name, false, value),
        _ => panic!("{condition}"),
    };
    (known[name] == value.trim_matches('\'')) == sign
}

/// What `build.json` says was built.
fn report(workspace: &Path) -> BTreeSet<(String, String)> {
    let file = workspace.join(".flota/build.json");
    let report: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let services = report["services"].as_array().unwrap();
    let one = |service: &Value| {
        assert_eq!(service["status"], "built", "{service}");
        let text = |key: &str| service[key].as_str().unwrap().to_owned();
        (text("path"), text("action"))
    };
    services.iter().map(one).collect()
}

fn services(count: usize, action: &str) -> BTreeSet<(String, String)> {
    let one = |number| (format!("services/s{number}"), action.to_owned());
    (1..=count).map(one).collect()
}

#[test]
fn what_is_built_is_what_changed() {
    let sandbox = Sandbox::scripted("ci-legs");
    for (rev, count, action) in [
        ("none", 0, "image"),
        ("one", 1, "image"),
        ("twenty", 20, "image"),
        ("chart", 1, "chart"),
    ] {
        let built = Run::of_push(&sandbox, "fleet", rev).play();
        assert_eq!(built, services(count, action), "{rev}");
    }
}

#[test]
fn three_hundred_changes_share_256_jobs() {
    let sandbox = Sandbox::scripted("ci-legs");
    let mut run = Run::of_push(&sandbox, "fleet", "all");
    let known = expressions(&[
        ("github.event_name", "push"),
        ("secrets.FLOTA_GIT_TOKEN", ""),
    ]);
    let plan = run.job("plan", &known);
    let matrix: Value = serde_json::from_str(&plan.outputs["matrix"]).unwrap();
    let legs = matrix["include"].as_array().unwrap();
    assert_eq!(legs.len(), 256);
    let steps: Vec<_> = legs
        .iter()
        .map(|leg| leg["steps"].as_str().unwrap())
        .collect();
    let words: Vec<_> = steps.iter().flat_map(|steps| steps.split(',')).collect();
    assert_eq!(words.len(), 300);
    let paths: BTreeSet<_> = words
        .iter()
        .map(|word| word.split(['@', ':']).nth(1).unwrap())
        .collect();
    let want = services(300, "image");
    assert_eq!(paths, want.iter().map(|(path, _)| path.as_str()).collect());
    // A leg with two services builds both.
    let shared = legs
        .iter()
        .find(|leg| leg["steps"].as_str().unwrap().contains(','))
        .unwrap();
    let mut known = known.clone();
    known.insert(
        "matrix.steps".to_owned(),
        shared["steps"].as_str().unwrap().to_owned(),
    );
    let built = report(&run.job("build", &known).workspace);
    assert_eq!(built.len(), 2);
}

#[test]
fn a_service_alone_builds_its_image_or_its_chart() {
    let sandbox = Sandbox::scripted("ci-legs");
    fs::write(
        sandbox.path("api/flota.toml"),
        fs::read(sandbox.path("fleet/flota.toml")).unwrap(),
    )
    .unwrap();
    sandbox.git("api", &["add", "flota.toml"]);
    sandbox.git("api", &["commit", "--quiet", "--message", "Configure"]);
    for (rev, action) in [("HEAD~1", "chart"), ("HEAD~2", "image")] {
        let mut run = Run::of_push(&sandbox, "api", rev);
        let known = expressions(&[("github.event_name", "push")]);
        let plan = run.job("plan", &known);
        let matrix: Value = serde_json::from_str(&plan.outputs["matrix"]).unwrap();
        assert_eq!(matrix["include"][0]["action"], action);
        let job = &run.workflow["jobs"][action];
        let condition = job["if"].as_str().unwrap();
        assert!(
            condition.ends_with(&format!("include[0].action == '{action}'")),
            "{condition}"
        );
        let mut known = known.clone();
        let steps = matrix["include"][0]["steps"].as_str().unwrap().to_owned();
        known.insert(
            "fromJSON(needs.plan.outputs.matrix).include[0].steps".to_owned(),
            steps,
        );
        let built = run.job(action, &known);
        let report: Value =
            serde_json::from_slice(&fs::read(built.workspace.join(".flota/build.json")).unwrap())
                .unwrap();
        assert_eq!(report["services"][0]["action"], action);
    }
    let mut nothing = Run::of_push(&sandbox, "api", "HEAD");
    let plan = nothing.job("plan", &BTreeMap::new());
    assert_eq!(plan.outputs["has_changes"], "false");
}
