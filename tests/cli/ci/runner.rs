//! GitHub's runner, as far as the workflows of `flota ci github` go: jobs by what they need, each on a machine of its own;
//! each step's script by bash, with the files that the runner gives it.

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

/// What a secret of the repository or of an environment is, where a run sees it.
pub const SECRETS: [(&str, &str); 3] = [
    ("FLOTA_GIT_TOKEN", "git-secret"),
    ("FLOTA_REGISTRY_USERNAME", "me"),
    ("FLOTA_REGISTRY_PASSWORD", "right-secret"),
];

/// The environment that holds the registry's secrets.
const ENVIRONMENT: &str = "flota";

/// What happened in the repository.
pub struct Event {
    name: &'static str,
    reference: String,
    payload: Value,
    /// What is checked out.
    commit: String,
    /// Whether it comes from another repository: no secrets then.
    is_foreign: bool,
}

impl Event {
    /// `before` is all zeros where the branch is new.
    pub fn push(branch: &str, before: &str, after: &str) -> Self {
        let reference = format!("refs/heads/{branch}");
        Self {
            payload: json!({"before": before, "after": after, "ref": reference, "deleted": false}),
            name: "push",
            reference,
            commit: after.to_owned(),
            is_foreign: false,
        }
    }

    /// A pull request, number 12, from a fork; `merge` is the trial merge of `head` into `target`.
    pub fn pull_request_from_a_fork(target: &str, head: &str, merge: &str) -> Self {
        let head = json!({"ref": "patch", "sha": head, "repo": {"fork": true}});
        let base = json!({"ref": "main", "sha": target});
        Self {
            name: "pull_request",
            reference: "refs/pull/12/merge".to_owned(),
            payload: json!({"number": 12, "pull_request": {"number": 12, "base": base, "head": head}}),
            commit: merge.to_owned(),
            is_foreign: true,
        }
    }

    pub fn merge_group(base: &str, head: &str) -> Self {
        let reference = format!("refs/heads/gh-readonly-queue/main/pr-12-{base}");
        let group = json!({"base_ref": "refs/heads/main", "base_sha": base, "head_ref": reference, "head_sha": head});
        Self {
            name: "merge_group",
            payload: json!({"merge_group": group}),
            reference,
            commit: head.to_owned(),
            is_foreign: false,
        }
    }
}

/// What a run came to.
#[derive(Default)]
pub struct Outcome {
    /// The words of each job's end: `success`, `failure`, `skipped`.
    pub results: BTreeMap<String, String>,
    /// What is in the legs' reports as built: path and action.
    pub built: BTreeSet<(String, String)>,
    /// How many legs there were.
    pub legs: usize,
    /// The names of all images in the reports.
    pub images: BTreeSet<String>,
    /// Everything that was printed.
    pub log: String,
    /// Whether a job logged in to a registry.
    pub has_logged_in: bool,
    outputs: BTreeMap<String, BTreeMap<String, String>>,
}

/// A run of a workflow.
pub struct Runner<'a> {
    sandbox: &'a Sandbox,
    workflow: Value,
    repository: &'static str,
    event: Event,
    /// Everything that belongs to this run.
    folder: PathBuf,
    machines: usize,
    /// The programs that a machine has.
    programs: String,
    /// Whom curl trusts there, where not those whom everybody trusts.
    authority: Option<PathBuf>,
    /// Of a plan's legs those to run; all when there is none.
    pub only_leg: Option<usize>,
    outcome: Outcome,
}

/// A machine of the server's, fresh for each job.
struct Machine {
    folder: PathBuf,
    workspace: PathBuf,
    /// Names that expressions may use.
    known: BTreeMap<String, String>,
    path: Vec<String>,
    environment: BTreeMap<String, String>,
    has_failed: bool,
}

impl<'a> Runner<'a> {
    /// The workflow as it lies in the working copy `dir`, for an event of the remote `repository`.
    pub fn new(sandbox: &'a Sandbox, dir: &str, repository: &'static str, event: Event) -> Self {
        let file = sandbox.path(dir).join(".github/workflows/flota.yml");
        let folder = tempfile::Builder::new()
            .prefix("run-")
            .tempdir_in(sandbox.root());
        Self {
            sandbox,
            workflow: yaml(&fs::read_to_string(file).unwrap()),
            repository,
            event,
            folder: folder.unwrap().keep(),
            machines: 0,
            programs: program_folders(),
            authority: None,
            only_leg: None,
            outcome: Outcome::default(),
        }
    }

    /// On machines that have no flota, and trust the certificates of `authority`.
    pub fn without_flota(&mut self, authority: &Path) {
        self.programs = std::env::var("PATH").unwrap();
        self.authority = Some(authority.to_owned());
    }

    /// Runs every job, those first that others need.
    pub fn play(mut self) -> Outcome {
        let jobs = self.workflow["jobs"].as_object().unwrap().clone();
        while let Some((name, job)) = jobs.iter().find(|(name, job)| {
            let is_done = |name: &&str| self.outcome.results.contains_key(*name);
            !is_done(&name.as_str()) && needs(job).iter().all(is_done)
        }) {
            let result = self.job(name, job);
            self.outcome.results.insert(name.clone(), result.to_owned());
        }
        assert_eq!(self.outcome.results.len(), jobs.len());
        for (name, secret) in SECRETS {
            let is_printed = name != "FLOTA_REGISTRY_USERNAME" && self.outcome.log.contains(secret);
            assert!(!is_printed, "{}", self.outcome.log);
        }
        self.outcome
    }

    fn job(&mut self, name: &str, job: &Value) -> &'static str {
        let mut known = BTreeMap::new();
        for needed in needs(job) {
            let result = &self.outcome.results[needed];
            known.insert(format!("needs.{needed}.result"), result.clone());
            for (output, value) in self.outcome.outputs.get(needed).into_iter().flatten() {
                known.insert(format!("needs.{needed}.outputs.{output}"), value.clone());
            }
        }
        let name_of_event = self.event.name.to_owned();
        known.insert("github.event_name".to_owned(), name_of_event);
        let good = |needed: &&str| self.outcome.results[*needed] == "success";
        if !holds(&job["if"], &known, needs(job).iter().all(good)) {
            return "skipped";
        }
        let matrix = job["strategy"]["matrix"].as_str();
        let legs = match matrix {
            None => vec![json!({})],
            Some(expression) => {
                let matrix: Value = serde_json::from_str(&filled(expression, &known)).unwrap();
                let legs = matrix["include"].as_array().unwrap().clone();
                assert!(!legs.is_empty(), "GitHub takes no matrix without legs");
                assert!(legs.len() <= 256);
                self.outcome.legs = legs.len();
                legs
            }
        };
        let mut result = "success";
        for (index, leg) in legs.iter().enumerate() {
            if matrix.is_some() && self.only_leg.is_some_and(|only| only != index) {
                continue;
            }
            let mut known = known.clone();
            known.insert("strategy.job-index".to_owned(), index.to_string());
            for (key, value) in leg.as_object().unwrap() {
                let value = value.as_str().unwrap().to_owned();
                known.insert(format!("matrix.{key}"), value);
            }
            if !self.machine(name, job, known) {
                result = "failure";
            }
        }
        result
    }

    /// Runs a job's steps; whether all went well.
    fn machine(&mut self, name: &str, job: &Value, mut known: BTreeMap<String, String>) -> bool {
        self.machines += 1;
        let folder = self.folder.join(format!("machine-{}", self.machines));
        let workspace = folder.join("workspace");
        fs::create_dir_all(&workspace).unwrap();
        fs::create_dir(folder.join("home")).unwrap();
        let environment = filled(job["environment"].as_str().unwrap_or_default(), &known);
        assert!(["", ENVIRONMENT].contains(&environment.as_str()));
        for (secret, value) in SECRETS {
            let of_environment = secret.starts_with("FLOTA_REGISTRY");
            let is_seen = !self.event.is_foreign && (!of_environment || environment == ENVIRONMENT);
            let value = if is_seen { value } else { "" };
            known.insert(format!("secrets.{secret}"), value.to_owned());
        }
        let may_write = job["permissions"]["contents"] == "write";
        let token = if may_write { "may-write" } else { "may-read" };
        known.insert("github.token".to_owned(), token.to_owned());
        for name in ["github.run_id", "github.run_attempt"] {
            known.insert(name.to_owned(), "1".to_owned());
        }
        let mut machine = Machine {
            folder,
            workspace,
            known,
            path: vec![self.programs.clone()],
            environment: BTreeMap::new(),
            has_failed: false,
        };
        for step in job["steps"].as_array().unwrap() {
            if holds(&step["if"], &machine.known, !machine.has_failed) {
                self.step(step, &mut machine);
            }
        }
        self.outcome.has_logged_in |= machine.folder.join("home/.docker").exists();
        self.note_report(&machine);
        let outputs = job["outputs"].as_object().cloned().unwrap_or_default();
        let outputs = outputs.into_iter().map(|(name, value)| {
            let value = filled(value.as_str().unwrap(), &machine.known);
            (name, value)
        });
        let outputs = outputs.collect();
        self.outcome.outputs.insert(name.to_owned(), outputs);
        fs::remove_dir_all(&machine.workspace).unwrap();
        !machine.has_failed
    }

    fn step(&mut self, step: &Value, machine: &mut Machine) {
        let with = |key: &str| filled(step["with"][key].as_str().unwrap_or(""), &machine.known);
        let artifacts = self.folder.join("artifacts");
        match step["uses"].as_str() {
            None => self.script(step, machine),
            Some(action) if action.starts_with("actions/checkout@") => {
                assert_eq!(step["with"]["persist-credentials"], false);
                self.check_out(step, &machine.workspace);
            }
            Some(action) if action.starts_with("actions/upload-artifact@") => {
                let (paths, folder) = (with("path"), artifacts.join(with("name")));
                for path in paths.lines() {
                    let file = machine.workspace.join(path);
                    if file.is_file() {
                        fs::create_dir_all(&folder).unwrap();
                        fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
                    }
                }
            }
            Some(action) if action.starts_with("actions/download-artifact@") => {
                let prefix = with("pattern").trim_end_matches('*').to_owned();
                let target = machine.workspace.join(with("path"));
                for entry in fs::read_dir(artifacts).into_iter().flatten() {
                    let entry = entry.unwrap();
                    let name = entry.file_name().into_string().unwrap();
                    assert!(name.starts_with(&prefix), "{name}");
                    fs::create_dir_all(target.join(&name)).unwrap();
                    let report = "build.json";
                    fs::copy(entry.path().join(report), target.join(name).join(report)).unwrap();
                }
            }
            Some(action) => assert!(action.starts_with("actions/cache"), "{action}"),
        }
    }

    /// As actions/checkout does: that commit alone, or all branches.
    fn check_out(&self, step: &Value, workspace: &Path) {
        let git = |args: &[&str]| self.sandbox.git(workspace, args);
        let url = format!("file://{}", self.sandbox.path(self.repository).display());
        git(&["init", "--quiet"]);
        git(&["remote", "add", "origin", &url]);
        let commit = &self.event.commit;
        match step["with"]["fetch-depth"].as_u64() {
            Some(0) => {
                let branches = "+refs/heads/*:refs/remotes/origin/*";
                git(&["fetch", "--quiet", "origin", branches, commit]);
            }
            _ => drop(git(&["fetch", "--quiet", "--depth=1", "origin", commit])),
        }
        git(&["checkout", "--quiet", "--detach", commit]);
        if step["with"]["submodules"] == "recursive" {
            git(&["submodule", "--quiet", "update", "--init", "--recursive"]);
        }
    }

    /// Runs a step's script as the runner does, `bash -e FILE`.
    fn script(&mut self, step: &Value, machine: &mut Machine) {
        let file = |name: &str| machine.folder.join(name);
        let text = step["run"].as_str().unwrap();
        assert!(
            !text.contains("${{"),
            "an expression in a script is code: {text}"
        );
        fs::write(file("script"), text).unwrap();
        let given = [
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_PATH", "path"),
            ("GITHUB_ENV", "env"),
            ("GITHUB_STEP_SUMMARY", "summary"),
        ];
        let mut bash = self.sandbox.program("bash", &machine.workspace);
        for (variable, name) in given {
            fs::write(file(name), "").unwrap();
            bash.env(variable, file(name));
        }
        let mut payload = self.event.payload.clone();
        payload["repository"] = json!({"default_branch": "main"});
        fs::write(file("event"), payload.to_string()).unwrap();
        bash.arg("-e")
            .arg(file("script"))
            .env("PATH", machine.path.join(":"))
            .env("HOME", file("home"))
            .env("GIT_CONFIG_GLOBAL", file("home/.gitconfig"))
            .env("FAKE_ENGINE", file("home"))
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", self.event.name)
            .env("GITHUB_EVENT_PATH", file("event"))
            .env("GITHUB_REF", &self.event.reference)
            .env("GITHUB_SHA", &self.event.commit)
            .env("GITHUB_SERVER_URL", "https://github.example.com")
            .env("GITHUB_REPOSITORY", "team/fleet")
            .env("RUNNER_TEMP", &machine.folder)
            .envs(&machine.environment)
            .envs(self.authority.iter().map(|it| ("CURL_CA_BUNDLE", it)));
        if self.event.name == "pull_request" {
            bash.env("GITHUB_BASE_REF", "main")
                .env("GITHUB_HEAD_REF", "patch");
        }
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            bash.env(name, filled(value.as_str().unwrap(), &machine.known));
        }
        let ran = self.sandbox.ran(bash.output().unwrap());
        self.outcome.log += &format!("$ {text}\n{}{}", ran.text(), ran.stderr);
        machine.has_failed |= ran.status != Some(0);
        let read = |name: &str| fs::read_to_string(file(name)).unwrap();
        let added = read("path");
        machine.path.splice(0..0, added.lines().map(str::to_owned));
        machine.environment.extend(github_outputs(&read("env")));
        if let Some(id) = step["id"].as_str() {
            for (output, value) in github_outputs(&read("output")) {
                let name = format!("steps.{id}.outputs.{output}");
                machine.known.insert(name, value);
            }
        }
        if text.contains("flota build") {
            assert!(!read("summary").is_empty(), "{text}");
        }
    }

    /// What a leg's `build.json` says.
    fn note_report(&mut self, machine: &Machine) {
        let Ok(text) = fs::read(machine.workspace.join(".flota/build.json")) else {
            return;
        };
        let report: Value = serde_json::from_slice(&text).unwrap();
        for service in report["services"].as_array().unwrap() {
            let text = |key: &str| service[key].as_str().unwrap().to_owned();
            if ["built", "reused"].contains(&text("status").as_str()) {
                self.outcome.built.insert((text("path"), text("action")));
            }
            let images = service["image"]["references"].as_array();
            let images = images.into_iter().flatten();
            let images = images.map(|image| image.as_str().unwrap().to_owned());
            self.outcome.images.extend(images);
        }
    }
}

fn needs(job: &Value) -> Vec<&str> {
    match &job["needs"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The programs that a machine has, flota among them, and a docker that can log in.
pub fn program_folders() -> String {
    let flota = Path::new(env!("CARGO_BIN_EXE_flota")).parent().unwrap();
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tools");
    let path = std::env::var("PATH").unwrap();
    format!("{}:{}:{path}", flota.display(), tools.display())
}

/// A text with its expressions, which are no more than `NAME`, `fromJSON(NAME).a[0].b` and `CONDITION && 'A' || 'B'`.
fn filled(text: &str, known: &BTreeMap<String, String>) -> String {
    let Some((before, rest)) = text.split_once("${{ ") else {
        return text.to_owned();
    };
    let (expression, after) = rest.split_once(" }}").unwrap();
    let value = match expression.split_once(" && '") {
        Some((condition, values)) => {
            let values: Vec<_> = values.split('\'').collect();
            let is_true = holds(&condition.into(), known, true);
            values[if is_true { 0 } else { 2 }].to_owned()
        }
        None => looked_up(expression, known),
    };
    format!("{before}{value}{}", filled(after, known))
}

/// Outputs of jobs that were skipped are empty; any other name has to be known.
fn looked_up(name: &str, known: &BTreeMap<String, String>) -> String {
    if let Some((inner, path)) = name
        .strip_prefix("fromJSON(")
        .and_then(|rest| rest.split_once(')'))
    {
        let text = looked_up(inner, known);
        let value: Value = serde_json::from_str(&text).unwrap();
        let pointer = path.replace(['.', '['], "/").replace(']', "");
        let value = value.pointer(&pointer);
        return match value {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
    }
    match known.get(name) {
        Some(value) => value.clone(),
        None if name.contains(".outputs.") => String::new(),
        None => panic!("{name} is not known"),
    }
}

/// `NAME == 'VALUE'`, `NAME != 'VALUE'`, `always()` and `!cancelled()`, joined by `&&`; without the latter two what came before has
/// to have gone well.
fn holds(condition: &Value, known: &BTreeMap<String, String>, goes_well: bool) -> bool {
    let condition = condition.as_str().unwrap_or("success()");
    let asks = condition.contains("always()") || condition.contains("cancelled()");
    let term = |term: &str| match (term, term.split_once(" == "), term.split_once(" != ")) {
        ("always()" | "!cancelled()" | "success()", ..) => true,
        (_, Some((name, value)), _) => looked_up(name, known) == value.trim_matches('\''),
        (_, _, Some((name, value))) => looked_up(name, known) != value.trim_matches('\''),
        _ => panic!("{term}"),
    };
    (asks || goes_well) && condition.split(" && ").all(term)
}
