//! The images: built by flota's engines, and run as the chart runs them.
//!
//! Base images come from registries, which tests do not reach: where a Dockerfile names one, a stand-in with this machine's own
//! toolchain takes its place. What the Dockerfile does with it is tested, not what the real one holds.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use flota::{
    container::{ImageRequest, Mounts, embedded, engine::Engine},
    registry::{Registries, RegistryOptions},
};
use tempfile::TempDir;

use crate::{named, run, service, support::need};

const MINUTE: Duration = Duration::from_secs(60);

/// What the chart gives a container: nothing to write to but `/tmp`, and no privilege.
const CONFINED: [&str; 4] = [
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
];

/// Removes an image at the end of a test, passed or not.
struct Image(String);

impl Drop for Image {
    fn drop(&mut self) {
        quietly(&["rmi", "--force", &self.0]);
    }
}

/// A container, removed with what it wrote.
struct Container(String);

impl Drop for Container {
    fn drop(&mut self) {
        quietly(&["rm", "--force", "--volumes", &self.0]);
    }
}

impl Container {
    fn new(arguments: &[&str]) -> Self {
        Self(docker(arguments).trim_end().to_owned())
    }

    /// Runs `image` confined, its port 9090 on a free one of this machine.
    fn start(image: &str, more: &[&str], command: &[&str]) -> Self {
        let run = [
            "run",
            "--detach",
            "--env=PORT=9090",
            "--publish=127.0.0.1::9090",
        ];
        Self::new(&[&run, &CONFINED[..], more, &[image], command].concat())
    }

    /// What it answers to a GET, asked until it listens.
    fn get(&self, path: &str) -> String {
        let address = docker(&["port", &self.0, "9090/tcp"]);
        let address: SocketAddr = address.lines().next().unwrap().parse().unwrap();
        let end = Instant::now() + MINUTE;
        loop {
            match get(address, path) {
                Ok(answer) if !answer.is_empty() => return answer,
                _ if Instant::now() > end => panic!("{}", self.log()),
                _ => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn log(&self) -> String {
        run(Command::new("docker").args(["logs", &self.0]))
    }

    /// Ends it as Kubernetes would; its exit code.
    fn stop(&self) -> String {
        docker(&["stop", "--time=30", &self.0]);
        docker(&["inspect", "--format={{.State.ExitCode}}", &self.0])
    }
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(MINUTE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// What docker answers; its warnings are no part of that.
fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn quietly(arguments: &[&str]) {
    let mut command = Command::new("docker");
    let _ = command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// A name that no other test and no person has.
fn unique(what: &str) -> String {
    format!(
        "localhost/flota-test-templates-{}/{what}:test",
        std::process::id()
    )
}

fn request(context: &Path, reference: &str) -> ImageRequest {
    let platform = match env::consts::ARCH {
        "x86_64" => "linux/amd64",
        "aarch64" => "linux/arm64",
        other => panic!("no platform is known for {other}"),
    };
    ImageRequest {
        context: context.to_owned(),
        dockerfile: "Dockerfile".into(),
        dockerfile_in_use: None,
        target: None,
        build_args: BTreeMap::new(),
        labels: BTreeMap::new(),
        platforms: vec![platform.into()],
        mounts: Mounts::default(),
        created: 1_700_000_000,
        references: vec![reference.to_owned()],
    }
}

/// Builds the folder's Dockerfile by Docker, as `flota build` does.
fn build(context: &Path, what: &str) -> Image {
    let image = Image(unique(what));
    let log = tempfile::NamedTempFile::new().unwrap();
    let built = Engine::Docker.build(&request(context, &image.0), log.path(), 10 * MINUTE);
    if let Err(error) = built {
        panic!("{error}\n{}", fs::read_to_string(log.path()).unwrap());
    }
    image
}

/// An image of this machine's static busybox.
fn busybox() -> Image {
    let root = tempfile::tempdir().unwrap();
    fs::copy(program("busybox"), root.path().join("busybox")).unwrap();
    fs::write(
        root.path().join("Dockerfile"),
        "FROM scratch\nCOPY busybox /bin/busybox\n",
    )
    .unwrap();
    build(root.path(), "busybox")
}

/// Where on PATH a program is, links followed.
fn program(name: &str) -> PathBuf {
    let places = env::var_os("PATH").unwrap();
    let mut files = env::split_paths(&places).map(|place| place.join(name));
    let found = files.find(|file| file.is_file());
    fs::canonicalize(found.unwrap_or_else(|| panic!("no {name} on PATH"))).unwrap()
}

#[test]
fn files_are_built_by_docker_and_by_flota_and_served_by_a_container() {
    if !need("docker") || !need("busybox") || !need("skopeo") {
        return;
    }
    let service = service(&named("static"), "web");
    let context = service.path().join("code");
    let by_docker = build(&context, "static");

    let layout = tempfile::tempdir().unwrap();
    let by_flota = Image(unique("static-by-flota"));
    let kept = tempfile::tempdir().unwrap();
    let bases = embedded::Bases::new(
        Arc::new(Registries::new(RegistryOptions::default())),
        embedded::BaseCache::at(kept.path().to_owned()),
        layout.path().to_owned(),
    );
    embedded::build(&request(&context, &by_flota.0), layout.path(), &bases).unwrap();
    let layout = format!("oci:{}:{}", layout.path().display(), by_flota.0);
    let daemon = format!("docker-daemon:{}", by_flota.0);
    let mut copy = Command::new("skopeo");
    copy.args(["--insecure-policy", "copy", "--quiet", &layout, &daemon]);
    if let Some(host) = env::var_os("DOCKER_HOST") {
        copy.arg("--dest-daemon-host").arg(host);
    }
    run(&mut copy);

    let server = busybox();
    for image in [&by_docker, &by_flota] {
        // It has nothing to run: the name of a program is a formality.
        let files = Container::new(&["create", &image.0, "/none"]);
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        docker(&["cp", &format!("{}:/site", files.0), site.to_str().unwrap()]);
        let names: Vec<_> = fs::read_dir(&site)
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        assert_eq!(names, ["index.html"]);

        // As the chart's web server has them: mounted, read-only. Not all engines have image volumes.
        let mount = format!("--volume={}:/usr/share/html:ro", site.display());
        let serve = [
            "/bin/busybox",
            "httpd",
            "-f",
            "-p",
            "9090",
            "-h",
            "/usr/share/html",
        ];
        let container = Container::start(&server.0, &["--user=65532:65532", &mount], &serve);
        let page = fs::read_to_string(context.join("site/index.html")).unwrap();
        let answer = container.get("/");
        assert!(
            answer.contains(" 200 OK\r\n") && answer.ends_with(&page),
            "{answer}"
        );
    }
}

/// A base image made of this machine's own programs.
struct StandIn {
    root: TempDir,
    changes: Vec<String>,
}

impl StandIn {
    /// An empty one.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let temporary = root.path().join("tmp");
        fs::create_dir(&temporary).unwrap();
        for (folder, mode) in [(root.path(), 0o755), (&temporary, 0o1777)] {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
        }
        Self {
            root,
            changes: Vec::new(),
        }
    }

    /// With a shell, and the few programs that a Dockerfile's RUN may call.
    fn with_shell(self) -> Self {
        let busybox = program("busybox");
        self.copy(&busybox, "bin/busybox");
        for name in ["sh", "env", "mkdir", "cp"] {
            self.link("/bin/busybox", &format!("bin/{name}"));
        }
        self.link("/bin/busybox", "usr/bin/env");
        self
    }

    /// A line of a Dockerfile that says how it is run.
    fn say(mut self, change: &str) -> Self {
        self.changes.push(change.into());
        self
    }

    fn place(&self, path: &str) -> PathBuf {
        let place = self.root.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }

    /// A file, or a folder with all that is in it.
    fn copy(&self, from: &Path, to: &str) {
        run(Command::new("cp")
            .args(["--archive", "--dereference"])
            .arg(from)
            .arg(self.place(to)));
    }

    fn link(&self, to: &str, from: &str) {
        symlink(to, self.place(from)).unwrap();
    }

    /// A program, and the libraries that it is linked with.
    fn program(self, from: &Path, to: &str) -> Self {
        self.copy(from, to);
        let libraries = run(Command::new("ldd").arg(from));
        for word in libraries
            .split_whitespace()
            .filter(|word| word.starts_with('/'))
        {
            self.copy(Path::new(word), &word[1..]);
        }
        self
    }

    fn import(&self, what: &str) -> Image {
        let image = Image(unique(what));
        let archive = tempfile::NamedTempFile::new().unwrap();
        let mut tar = Command::new("tar");
        tar.args(["--create", "--owner=0", "--group=0", "--directory"]);
        run(tar
            .arg(self.root.path())
            .arg("--file")
            .arg(archive.path())
            .arg("."));
        let mut import = Command::new("docker");
        import.arg("import");
        import.args(
            self.changes
                .iter()
                .map(|change| format!("--change={change}")),
        );
        run(import.arg(archive.path()).arg(&image.0));
        image
    }
}

/// Builds the template's Dockerfile on stand-ins, runs it, and ends it.
fn builds_and_runs(template: &str, bases: &[(&str, StandIn)]) {
    let service = service(&named(template), "web");
    let context = service.path().join("code");
    let file = context.join("Dockerfile");
    let mut dockerfile = fs::read_to_string(&file).unwrap();
    let mut images = Vec::new();
    for (number, (base, stand_in)) in bases.iter().enumerate() {
        let image = stand_in.import(&format!("{template}-base-{number}"));
        let named = format!("FROM {base}");
        assert!(dockerfile.contains(&named), "{base}\n{dockerfile}");
        dockerfile = dockerfile.replace(&named, &format!("FROM {}", image.0));
        images.push(image);
    }
    fs::write(&file, dockerfile).unwrap();
    let image = build(&context, template);
    let container = Container::start(&image.0, &[], &[]);
    let answer = container.get("/healthz");
    assert!(answer.contains(" 200 OK\r\n"), "{answer}");
    let answer = container.get("/");
    assert!(answer.ends_with("\r\n\r\nHello from web\n"), "{answer}");
    assert_eq!(container.stop(), "0\n", "{}", container.log());
}

#[test]
fn go_is_built_and_runs_confined() {
    if !need("docker") || !need("busybox") || !need("go") {
        return;
    }
    let go = StandIn::new()
        .with_shell()
        .say("ENV PATH=/usr/local/go/bin:/bin GOTOOLCHAIN=local GOPROXY=off");
    let root = run(Command::new("go").args(["env", "GOROOT"]));
    go.copy(Path::new(root.trim_end()), "usr/local/go");
    // Certificates and time zones are all that the real one holds.
    let nothing = StandIn::new();
    let bases = [
        ("golang:1.27-trixie", go),
        ("gcr.io/distroless/static-debian13:nonroot", nothing),
    ];
    builds_and_runs("go", &bases);
}

#[test]
fn node_is_built_and_runs_confined() {
    if !need("docker") || !need("busybox") || !need("node") || !need("npm") {
        return;
    }
    let node = run(Command::new("node").args(["--print", "process.execPath"]));
    let node = Path::new(node.trim_end());
    let build = StandIn::new()
        .with_shell()
        .program(node, "usr/local/bin/node")
        .say("ENV PATH=/usr/local/bin:/usr/bin:/bin");
    let modules = run(Command::new("npm").args(["root", "--global"]));
    let npm = Path::new(modules.trim_end()).join("npm");
    build.copy(&npm, "usr/local/lib/node_modules/npm");
    build.link(
        "../lib/node_modules/npm/bin/npm-cli.js",
        "usr/local/bin/npm",
    );
    let runtime = StandIn::new()
        .program(node, "nodejs/bin/node")
        .say("ENTRYPOINT [\"/nodejs/bin/node\"]");
    let bases = [
        ("node:24-trixie-slim", build),
        ("gcr.io/distroless/nodejs24-debian13:nonroot", runtime),
    ];
    builds_and_runs("node", &bases);
}
