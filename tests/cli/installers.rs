//! What puts a released flota on the PATH of a CI system's job: GitHub's action, Azure's template, GitLab's component, and what
//! the pipelines of `flota ci` do by themselves. Each script is run by its runner's shell, and the releases are served here.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    ci::{Event, Runner},
    consumers::{run, yaml},
    sandbox::Sandbox,
    support::need,
};

const X86_64: &str = "x86_64-unknown-linux-musl";
const ARM64: &str = "aarch64-unknown-linux-musl";
const WRONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[derive(Clone, Copy, Debug, PartialEq)]
enum System {
    GitHub,
    Azure,
    GitLab,
    /// A script that `flota ci` wrote.
    Written,
}

const SYSTEMS: [System; 4] = [
    System::GitHub,
    System::Azure,
    System::GitLab,
    System::Written,
];

/// Releases 0.1.0 and 0.2.0, for x86_64 alone, and the servers that hold them.
struct Releases {
    sandbox: Sandbox,
    server: Child,
    url: String,
}

/// What a step left: whether it went well, what it said, and the folder that later steps find flota in.
struct Step {
    succeeded: bool,
    said: String,
    folder: Option<PathBuf>,
}

impl Releases {
    /// None where this machine cannot serve them.
    fn served() -> Option<Self> {
        if !need("openssl") || !need("python3") || !need("curl") {
            return None;
        }
        let sandbox = Sandbox::scripted("code");
        for version in ["0.1.0", "0.2.0"] {
            pack(&sandbox, version);
        }
        fs::create_dir(sandbox.path("runner")).unwrap();
        let names = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out certificate.pem";
        run(sandbox
            .program("openssl", "")
            .args(["req", "-x509", "-subj", "/CN=releases"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1"])
            .args(names.split(' ')));
        let mut server = sandbox
            .program("python3", "")
            .arg(fixture("serve.py"))
            .args(["releases", "certificate.pem", "key.pem"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut says = BufReader::new(server.stdout.take().unwrap());
        says.read_line(&mut port).unwrap();
        let url = format!("https://127.0.0.1:{}", port.trim());
        Some(Self {
            sandbox,
            server,
            url,
        })
    }

    /// The digest of a release's archive.
    fn digest(&self, version: &str) -> String {
        let file = format!("releases/v{version}/flota-{version}-{X86_64}.tar.gz.sha256");
        let line = fs::read_to_string(self.sandbox.path(file)).unwrap();
        line.split(' ').next().unwrap().to_owned()
    }

    /// Where a release's archive is, were there one.
    fn archive(&self, version: &str, target: &str) -> String {
        let url = &self.url;
        format!("{url}/v{version}/flota-{version}-{target}.tar.gz")
    }

    fn install(&self, system: System, archive: &str, sha256: &str) -> Step {
        match system {
            System::GitHub => self.on_github(archive, sha256),
            System::Azure => self.on_azure(archive, sha256),
            System::GitLab => self.on_gitlab(archive, sha256),
            System::Written => self.as_written(archive, sha256),
        }
    }

    /// `shell: bash` is `bash --noprofile --norc -eo pipefail FILE`.
    fn on_github(&self, archive: &str, sha256: &str) -> Step {
        let action = yaml(&file(".github/actions/flota/action.yml"));
        let step = &action["runs"]["steps"][0];
        let (path, output) = (self.empty("path"), self.empty("output"));
        let mut bash = self.shell("bash", &["--noprofile", "--norc", "-eo", "pipefail"], step);
        bash.env("RUNNER_TEMP", self.sandbox.path("runner"))
            .env("GITHUB_PATH", &path)
            .env("GITHUB_OUTPUT", &output);
        let inputs = [("inputs.archive", archive), ("inputs.sha256", sha256)];
        let (succeeded, said) = finished(with_expressions(bash, step, &inputs));
        let folder = fs::read_to_string(path).unwrap();
        let folder = folder.lines().next().map(PathBuf::from);
        if succeeded {
            let outputs = fs::read_to_string(output).unwrap();
            assert!(outputs.starts_with("version=flota 0."), "{outputs}");
        }
        Step {
            succeeded,
            said,
            folder,
        }
    }

    /// The Bash task runs `bash --noprofile --norc FILE`.
    fn on_azure(&self, archive: &str, sha256: &str) -> Step {
        let template = yaml(&file(".ci/azure/flota.yml"));
        let step = &template["steps"][0];
        let mut bash = self.shell("bash", &["--noprofile", "--norc"], step);
        bash.env("AGENT_TEMPDIRECTORY", self.sandbox.path("runner"));
        let parameters = [
            ("parameters.archive", archive),
            ("parameters.sha256", sha256),
        ];
        let (succeeded, said) = finished(with_expressions(bash, step, &parameters));
        let folder = said
            .lines()
            .find_map(|line| line.strip_prefix("##vso[task.prependpath]"))
            .map(PathBuf::from);
        Step {
            succeeded,
            said,
            folder,
        }
    }

    /// `before_script` and `script` are one script of a POSIX shell, which ends at the first command that fails.
    fn on_gitlab(&self, archive: &str, sha256: &str) -> Step {
        let component = file(".ci/gitlab/flota.yml");
        let (_, job) = component.split_once("\n---\n").unwrap();
        let inputs = [("archive", archive), ("sha256", sha256), ("image", "image")];
        let job = inputs.iter().fold(job.to_owned(), |job, (name, value)| {
            job.replace(&format!("$[[ inputs.{name} ]]"), value)
        });
        assert!(!job.contains("$[["), "{job}");
        let job = &yaml(&job)[".flota"];
        self.in_sh(&job["before_script"][0], &job["variables"])
    }

    /// The same of a job that a pipeline of GitLab's has which `flota ci` wrote.
    fn as_written(&self, archive: &str, sha256: &str) -> Step {
        let fleet = self.sandbox.path("fleet");
        let configuration = format!("[ci]\narchive = \"{archive}\"\nsha256 = \"{sha256}\"\n");
        fs::write(fleet.join("flota.toml"), configuration).unwrap();
        let written = self.sandbox.flota("fleet", &["ci", "gitlab"]);
        assert_eq!(written.status, Some(0), "{}", written.stderr);
        let jobs = yaml(&fs::read_to_string(fleet.join(".gitlab/flota.yml")).unwrap());
        let job = &jobs[".flota"];
        self.in_sh(&job["before_script"][0], &job["variables"])
    }

    fn in_sh(&self, script: &Value, variables: &Value) -> Step {
        let script = format!(
            "{}\necho \"found: $(command -v flota)\"\n",
            script.as_str().unwrap()
        );
        let mut shell = self.shell("sh", &["-e"], &serde_json::json!({ "run": script }));
        for (name, value) in variables.as_object().unwrap() {
            shell.env(name, value.as_str().unwrap());
        }
        let (succeeded, said) = finished(shell);
        let folder = said
            .lines()
            .find_map(|line| line.strip_prefix("found: "))
            .map(|program| Path::new(program).parent().unwrap().to_owned());
        Step {
            succeeded,
            said,
            folder,
        }
    }

    /// A shell that is about to run a step's script from a file.
    fn shell(&self, shell: &str, options: &[&str], step: &Value) -> Command {
        let text = ["run", "bash"].iter().find_map(|key| step[key].as_str());
        let script = self.sandbox.path("script");
        fs::write(&script, text.unwrap()).unwrap();
        let mut command = self.sandbox.program(shell, "");
        command
            .args(options)
            .arg(script)
            .env("CURL_CA_BUNDLE", self.sandbox.path("certificate.pem"))
            .env("TMPDIR", self.sandbox.path("runner"));
        command
    }

    fn empty(&self, name: &str) -> PathBuf {
        let file = self.sandbox.path(name);
        fs::write(&file, "").unwrap();
        file
    }

    /// Whether a released program was run.
    fn ran(&self) -> bool {
        self.sandbox.path("home/ran").exists()
    }
}

impl Drop for Releases {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// A release whose program says its version, leaves a note that it was run, and else is the flota under test.
fn pack(sandbox: &Sandbox, version: &str) {
    let name = format!("flota-{version}-{X86_64}");
    let folder = sandbox.path(format!("releases/v{version}"));
    fs::create_dir_all(folder.join(&name)).unwrap();
    let program = folder.join(&name).join("flota");
    let script = format!(
        "#!/bin/sh\ntouch \"$HOME/ran\"\n[ \"$1\" = --version ] || exec '{}' \"$@\"\n\
         echo 'flota {version} (abc1234 2026-11-25)'\n",
        env!("CARGO_BIN_EXE_flota"),
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let archive = format!("{name}.tar.gz");
    let pack = format!(
        "tar -czf {archive} {name} && sha256sum {archive} >{archive}.sha256 && rm -r {name}"
    );
    run(Command::new("sh").args(["-ec", &pack]).current_dir(folder));
}

/// The step's own variables, each of which is one expression or none.
fn with_expressions(mut command: Command, step: &Value, known: &[(&str, &str)]) -> Command {
    let known: BTreeMap<_, _> = known.iter().copied().collect();
    for (name, value) in step["env"].as_object().unwrap() {
        let expression = value.as_str().unwrap();
        let expression = expression.strip_prefix("${{ ").unwrap();
        command.env(name, known[expression.strip_suffix(" }}").unwrap()]);
    }
    command
}

/// Whether it went well, and all that it said.
fn finished(mut command: Command) -> (bool, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.success(), said)
}

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/installers")
        .join(name)
}

/// What the program in a folder says.
fn version_in(releases: &Releases, folder: &Path) -> String {
    let program = folder.join("flota");
    let mut program = releases.sandbox.program(program.to_str().unwrap(), "");
    finished({
        program.arg("--version");
        program
    })
    .1
}

#[test]
fn a_release_is_put_on_the_path() {
    let Some(releases) = Releases::served() else {
        return;
    };
    for system in SYSTEMS {
        let archive = releases.archive("0.1.0", X86_64);
        let step = releases.install(system, &archive, &releases.digest("0.1.0"));
        assert!(step.succeeded, "{system:?}: {}", step.said);
        let said = version_in(&releases, &step.folder.unwrap());
        assert_eq!(said, "flota 0.1.0 (abc1234 2026-11-25)\n", "{system:?}");
    }
}

#[test]
fn two_versions_in_one_job_do_not_meet() {
    let Some(releases) = Releases::served() else {
        return;
    };
    for system in SYSTEMS {
        for version in ["0.1.0", "0.2.0", "0.2.0", "0.1.0"] {
            let archive = releases.archive(version, X86_64);
            let step = releases.install(system, &archive, &releases.digest(version));
            assert!(step.succeeded, "{system:?}: {}", step.said);
            let said = version_in(&releases, &step.folder.unwrap());
            let wanted = format!("flota {version} ");
            assert!(said.starts_with(&wanted), "{system:?}: {said}");
        }
    }
}

#[test]
fn an_archive_with_another_digest_is_not_unpacked() {
    let Some(releases) = Releases::served() else {
        return;
    };
    let other = releases.digest("0.2.0");
    let archive = releases.archive("0.1.0", X86_64);
    for system in SYSTEMS {
        for sha256 in [WRONG, &other] {
            let step = releases.install(system, &archive, sha256);
            assert!(!step.succeeded, "{system:?}: {}", step.said);
            assert_eq!(step.folder, None, "{system:?}");
            assert!(!releases.ran(), "{system:?}: {}", step.said);
        }
    }
}

#[test]
fn what_was_not_released_is_not_installed() {
    let Some(releases) = Releases::served() else {
        return;
    };
    for system in SYSTEMS {
        for (version, target) in [("9.9.9", X86_64), ("0.1.0", ARM64)] {
            let archive = releases.archive(version, target);
            let step = releases.install(system, &archive, &releases.digest("0.1.0"));
            assert!(!step.succeeded, "{system:?}: {}", step.said);
            assert_eq!(step.folder, None, "{system:?}");
        }
    }
}

/// One script, wherever it is: whoever reads one of the files knows them all.
#[test]
fn all_of_them_do_the_same() {
    let template = file("templates/ci/install.sh.jinja");
    let begin = template.find("# A directory that").unwrap();
    let end = template.find("[% endif %]").unwrap();
    let written: Vec<_> = template[begin..end].lines().collect();
    for name in [
        ".github/actions/flota/action.yml",
        ".ci/azure/flota.yml",
        ".ci/gitlab/flota.yml",
    ] {
        let text = file(name);
        let lines = text.lines().map(str::trim);
        let found = lines.skip_while(|line| *line != written[0]);
        assert_eq!(
            found.take(written.len()).collect::<Vec<_>>(),
            written,
            "{name}"
        );
    }
}

/// A whole workflow of GitHub's, on machines that have no flota.
#[test]
fn a_pipeline_goes_on_with_the_release_that_flota_toml_names() {
    let Some(releases) = Releases::served() else {
        return;
    };
    let sandbox = Sandbox::scripted("ci-legs");
    let archive = releases.archive("0.1.0", X86_64);
    for (sha256, result, legs) in [
        (releases.digest("0.1.0").as_str(), "success", 1),
        (WRONG, "failure", 0),
    ] {
        let configuration = format!("[ci]\narchive = \"{archive}\"\nsha256 = \"{sha256}\"\n");
        fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();
        let written = sandbox.flota("fleet", &["ci", "github"]);
        assert_eq!(written.status, Some(0), "{}", written.stderr);
        let commit = |rev: &str| sandbox.git("fleet", &["rev-parse", rev]).trim().to_owned();
        let event = Event::push("main", &commit("one~1"), &commit("one^{commit}"));
        let mut runner = Runner::new(&sandbox, "fleet", "fleet", event);
        runner.without_flota(&releases.sandbox.path("certificate.pem"));
        let outcome = runner.play();
        assert_eq!(outcome.results["plan"], result, "{}", outcome.log);
        assert_eq!(outcome.legs, legs, "{}", outcome.log);
    }
}
