//! Docker, Podman, Buildah and buildx: the real ones with a real registry, and fake ones that write down how they were called.

mod support;

use std::{
    collections::BTreeMap,
    env,
    error::Error as _,
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use flota::{
    container::{
        ImageRequest, Mounts,
        engine::{
            Batch, BatchImage, BatchParent, Builder, Choice, Destination, Engine, Outcome, bake,
            choose,
        },
    },
    interrupt,
    model::exit::Exit,
    process::{kill_all, mask_secret},
};
use support::need;
use tempfile::TempDir;

const MINUTE: Duration = Duration::from_secs(60);
const SECRET: &str = "s3cret-of-the-build";

/// A context whose only content is a shell, so that no base image has to be fetched.
fn context(run: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let busybox = env::split_paths(&env::var_os("PATH").unwrap())
        .map(|dir| dir.join("busybox"))
        .find(|file| file.exists())
        .expect("a static busybox on PATH");
    fs::copy(busybox, dir.path().join("busybox")).unwrap();
    let dockerfile = format!(
        "FROM scratch AS base\n\
         ARG TOKEN\n\
         ARG CHANNEL\n\
         COPY busybox /bin/sh\n\
         COPY busybox /bin/sleep\n\
         LABEL layer=dockerfile own=kept\n\
         RUN {run}\n\
         CMD [\"/bin/sh\"]\n\
         FROM base AS other\n\
         LABEL stage=other\n"
    );
    fs::write(dir.path().join("Dockerfile"), dockerfile).unwrap();
    dir
}

/// A request for this machine's own architecture: nothing can be run for another.
fn request(context: &Path, references: &[String]) -> ImageRequest {
    let platform = match env::consts::ARCH {
        "x86_64" => "linux/amd64",
        "aarch64" => "linux/arm64",
        other => panic!("no platform is known for {other}"),
    };
    ImageRequest {
        context: context.to_owned(),
        dockerfile: "Dockerfile".into(),
        dockerfile_in_use: None,
        target: Some("base".into()),
        build_args: BTreeMap::from(
            [("TOKEN", SECRET), ("CHANNEL", "-beta= 1")].map(|(k, v)| (k.into(), v.into())),
        ),
        labels: BTreeMap::from(
            [("layer", "request"), ("with space", "")]
                .map(|(k, v)| (k.replace(' ', "-"), v.into())),
        ),
        platforms: vec![platform.into()],
        mounts: Mounts::default(),
        created: 1_700_000_000,
        references: references.to_vec(),
    }
}

/// A name in the tests' registry, or one that is never pushed.
fn reference(engine: Engine, what: &str, tag: &str) -> String {
    let registry = env::var("FLOTA_TEST_REGISTRY").unwrap_or("127.0.0.1:1".into());
    format!(
        "{registry}/flota-test/{engine}-{what}-{}:{tag}",
        std::process::id()
    )
}

/// Removes images at the end of a test, passed or not.
struct Images(Engine, Vec<String>);

impl Drop for Images {
    fn drop(&mut self) {
        for name in &self.1 {
            let mut command = Command::new(self.0.program());
            let _ = command
                .args(["rmi", name])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// The labels of an image, as the engine itself tells them.
fn labels(engine: Engine, name: &str) -> serde_json::Value {
    let (arguments, pointer): (&[&str], _) = match engine {
        Engine::Docker => (&["image", "inspect"], "/0/Config/Labels"),
        Engine::Podman => (&["image", "inspect"], "/0/Labels"),
        Engine::Buildah => (&["inspect", "--type=image"], "/OCIv1/config/Labels"),
    };
    let output = Command::new(engine.program())
        .args(arguments)
        .arg(name)
        .output()
        .unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    answer.pointer(pointer).unwrap().clone()
}

/// The digest under which the registry has a name, asked without any of the code under test.
fn digest_in_registry(name: &str) -> Option<String> {
    let (registry, rest) = name.split_once('/').unwrap();
    let (repository, tag) = rest.rsplit_once(':').unwrap();
    let mut stream = TcpStream::connect(registry).unwrap();
    let accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, \
        application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json";
    write!(
        stream,
        "HEAD /v2/{repository}/manifests/{tag} HTTP/1.0\r\nAccept: {accept}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let digest = answer
        .lines()
        .find_map(|line| line.strip_prefix("Docker-Content-Digest: "));
    digest.map(|digest| digest.trim().to_owned())
}

/// An image's whole life: built, found, tagged, pushed.
fn builds_tags_and_pushes(engine: Engine) {
    if !need(engine.program()) || !need("busybox") {
        return;
    }
    mask_secret(SECRET.as_bytes());
    let context = context("echo \"token $TOKEN channel $CHANNEL\"");
    let log = context.path().with_extension("log");
    let names = ["code-1", "pr-12"].map(|tag| reference(engine, "life", tag));
    let further = [reference(engine, "life", "development")];
    let images = Images(engine, [&names[..], &further[..]].concat());
    let request = request(context.path(), &names);

    assert_eq!(engine.exists(&names[0]).unwrap(), None);
    let built = engine.build(&request, &log, 5 * MINUTE).unwrap();
    assert_eq!(engine.exists(&names[0]).unwrap(), Some(built.clone()));
    assert_eq!(engine.exists(&names[1]).unwrap(), Some(built.clone()));
    let all = labels(engine, &names[0]);
    let expected = [("layer", "request"), ("own", "kept"), ("with-space", "")];
    for (key, value) in expected {
        assert_eq!(all[key], value, "{all}");
    }
    assert_eq!(
        all["stage"],
        serde_json::Value::Null,
        "the target was passed: {all}"
    );
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains("token *** channel -beta= 1"), "{said}");
    assert!(!said.contains(SECRET), "{said}");

    engine.tag(&names[0], &further).unwrap();
    assert_eq!(engine.exists(&further[0]).unwrap(), Some(built));
    let error = engine
        .tag(&reference(engine, "missing", "1"), &further)
        .unwrap_err();
    assert_eq!(error.exit(), Exit::WorkFailed);
    if need("registry") {
        let digest = engine
            .push(&[&names[..], &further[..]].concat(), false, MINUTE)
            .unwrap();
        for name in &images.1 {
            assert_eq!(digest_in_registry(name).as_ref(), Some(&digest), "{name}");
        }
    }
    let error = engine
        .push(&["127.0.0.1:1/nobody/listens:1".into()], false, MINUTE)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("could not push 127.0.0.1:1/nobody/listens:1"),
        "{error}"
    );
    fs::remove_file(log).unwrap();
}

#[test]
fn docker_builds_tags_and_pushes() {
    builds_tags_and_pushes(Engine::Docker);
}

#[test]
fn podman_builds_tags_and_pushes() {
    builds_tags_and_pushes(Engine::Podman);
}

#[test]
fn buildah_builds_tags_and_pushes() {
    builds_tags_and_pushes(Engine::Buildah);
}

/// A context for any platform: nothing is run.
fn copied(content: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app"), content).unwrap();
    let dockerfile = "FROM scratch AS base\nARG TARGETARCH\nCOPY app /app-$TARGETARCH\n";
    fs::write(dir.path().join("Dockerfile"), dockerfile).unwrap();
    dir
}

fn for_two_platforms(context: &Path, references: &[String]) -> ImageRequest {
    ImageRequest {
        platforms: ["linux/amd64", "linux/arm64"].map(String::from).to_vec(),
        ..request(context, references)
    }
}

/// One image for two platforms: built, found, tagged, pushed as an index. In a store of its own: `rmi` takes the name of a list
/// for one of its images, and Podman 4.3 lists nothing more in a store where a list has lost one.
fn builds_for_several_platforms(engine: Engine) {
    if !need(engine.program()) {
        return;
    }
    let store = tempfile::tempdir().unwrap();
    let place = |name: &str| store.path().join(name);
    let (graph, run) = (place("graph"), place("run"));
    let configuration =
        format!("[storage]\ndriver = \"vfs\"\ngraphroot = {graph:?}\nrunroot = {run:?}\n");
    fs::write(place("storage.conf"), configuration).unwrap();
    let variables = [
        ("CONTAINERS_STORAGE_CONF", place("storage.conf")),
        ("FLOTA_TEST_ENGINE", engine.program().into()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, it)| (*name, it.to_str().unwrap()));
    let output = role("role_build_for_several_platforms", &variables)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}

#[test]
#[ignore = "a role for the tests of several platforms"]
fn role_build_for_several_platforms() {
    let engine = match env::var("FLOTA_TEST_ENGINE").unwrap().as_str() {
        "podman" => Engine::Podman,
        _ => Engine::Buildah,
    };
    let context = copied("app");
    let log = context.path().with_extension("log");
    let names = ["code-1", "pr-12"].map(|tag| reference(engine, "platforms", tag));
    let further = [reference(engine, "platforms", "development")];
    let request = for_two_platforms(context.path(), &names);
    let built = engine.build(&request, &log, 5 * MINUTE).unwrap();
    engine.tag(&names[0], &further).unwrap();
    for name in names.iter().chain(&further) {
        assert_eq!(
            engine.exists(name).unwrap().as_ref(),
            Some(&built),
            "{name}"
        );
    }
    if need("registry") && need("skopeo") {
        let all = [&names[..], &further[..]].concat();
        let digest = engine.push(&all, true, MINUTE).unwrap();
        for name in &all {
            assert_eq!(digest_in_registry(name).as_ref(), Some(&digest), "{name}");
        }
        let (repository, _) = names[0].rsplit_once(':').unwrap();
        let raw = Command::new("skopeo")
            .args(["inspect", "--raw", "--tls-verify=false"])
            .arg(format!("docker://{repository}@{digest}"))
            .output()
            .unwrap();
        let index: serde_json::Value = serde_json::from_slice(&raw.stdout).unwrap();
        let manifests = index["manifests"].as_array().unwrap();
        let architectures = manifests.iter().map(|it| &it["platform"]["architecture"]);
        let mut architectures: Vec<_> = architectures.map(|it| it.as_str().unwrap()).collect();
        architectures.sort_unstable();
        assert_eq!(architectures, ["amd64", "arm64"]);
    }
    let _ = fs::remove_file(log);
}

#[test]
fn podman_builds_for_several_platforms() {
    builds_for_several_platforms(Engine::Podman);
}

#[test]
fn buildah_builds_for_several_platforms() {
    builds_for_several_platforms(Engine::Buildah);
}

#[test]
fn docker_refuses_several_platforms_by_name() {
    let context = copied("app");
    let request = for_two_platforms(context.path(), &["r.test/orders:1".into()]);
    let error = Engine::Docker.check(&request).unwrap_err();
    assert_eq!(error.exit(), Exit::Misuse);
    assert_eq!(
        error.to_string(),
        "docker builds r.test/orders:1 for one platform at a time, and several are asked for"
    );
}

/// A build that fails says why; one that takes too long is stopped.
fn fails_readably(engine: Engine) {
    if !need(engine.program()) || !need("busybox") {
        return;
    }
    let failing = context("echo the compiler is missing; exit 42");
    let log = failing.path().join("log");
    let name = reference(engine, "failing", "1");
    let error = engine
        .build(
            &request(failing.path(), std::slice::from_ref(&name)),
            &log,
            MINUTE,
        )
        .unwrap_err();
    assert_eq!(error.exit(), Exit::WorkFailed);
    assert_eq!(
        error.to_string(),
        format!("{engine} could not build {name}")
    );
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("42"), "{cause}");
    assert!(
        fs::read_to_string(&log)
            .unwrap()
            .contains("the compiler is missing")
    );
    assert_eq!(engine.exists(&name).unwrap(), None);

    let seconds = format!("6{}.25", engine as u8);
    let slow = context(&format!("sleep {seconds}"));
    let started = Instant::now();
    let limit = Duration::from_secs(5);
    let error = engine
        .build(&request(slow.path(), &[name]), &log, limit)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`{engine} build` did not finish within 5s")
    );
    assert!(started.elapsed() < MINUTE / 2, "{:?}", started.elapsed());
    // Docker's daemon stops a container in its own time, after its client is gone.
    let end = Instant::now() + MINUTE / 2;
    while runs(&seconds) {
        assert!(Instant::now() < end, "the container survived");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether a process has this argument.
fn runs(argument: &str) -> bool {
    let mut processes = fs::read_dir("/proc").unwrap().flatten();
    processes.any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|word| word == argument.as_bytes())
    })
}

#[test]
fn docker_fails_readably() {
    fails_readably(Engine::Docker);
}

#[test]
fn podman_fails_readably() {
    fails_readably(Engine::Podman);
}

#[test]
fn buildah_fails_readably() {
    fails_readably(Engine::Buildah);
}

#[test]
fn an_engine_that_is_there_tells_its_version() {
    for engine in [Engine::Docker, Engine::Podman, Engine::Buildah] {
        if need(engine.program()) {
            let version = engine.answers(MINUTE).unwrap();
            assert!(version.contains(|c: char| c.is_ascii_digit()), "{version}");
        }
    }
}

/// Runs one of the ignored tests of this file in a process of its own, which can have its own PATH and its own signals.
fn role(name: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new("/usr/bin/env");
    // Tests in the background of a shell have SIGINT ignored, and flota leaves an ignored signal alone.
    command
        .arg("--default-signal=INT")
        .arg(env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", name])
        .envs(variables.iter().copied());
    command
}

#[test]
#[ignore = "a role for ctrl_c_stops_a_build"]
fn role_build_until_interrupted() {
    interrupt::install(kill_all).unwrap();
    let context = context("echo it runs; sleep 600");
    let log = PathBuf::from(env::var_os("FLOTA_TEST_LOG").unwrap());
    let request = request(
        context.path(),
        &[reference(Engine::Docker, "interrupted", "1")],
    );
    let error = Engine::Docker
        .build(&request, &log, 10 * MINUTE)
        .unwrap_err();
    drop(context);
    std::process::exit(error.exit() as i32);
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_stops_a_build() {
    use rustix::process::{Pid, Signal, kill_process};
    if !need("docker") || !need("busybox") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut child = role(
        "role_build_until_interrupted",
        &[("FLOTA_TEST_LOG", log.to_str().unwrap())],
    )
    .stdout(Stdio::null())
    .spawn()
    .unwrap();
    let end = Instant::now() + MINUTE;
    // The instruction's own text has `echo` before the words.
    let runs = |text: &str| {
        text.lines()
            .any(|line| line.contains("it runs") && !line.contains("echo"))
    };
    while !fs::read_to_string(&log).is_ok_and(|text| runs(&text)) {
        assert!(Instant::now() < end, "the build never got to its RUN");
        std::thread::sleep(Duration::from_millis(50));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130), "{status}");
}

/// A folder for PATH with fake engines, by their fixture and the name they go by.
fn fakes(engines: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (fixture, name) in engines {
        let file = dir.path().join(name);
        fs::copy(fixtures().join(fixture).with_extension("sh"), &file).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    dir
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/engines")
}

#[test]
#[ignore = "a role for the tests of fake engines"]
fn role_use_an_engine() {
    let engine = match choose(Choice::Auto, None).unwrap() {
        Builder::Engine(engine) => engine,
        other => panic!("no fake engine answered: {other:?}"),
    };
    let context = PathBuf::from(env::var_os("FLOTA_TEST_CONTEXT").unwrap());
    let names = [
        "127.0.0.1:5000/acme/orders:code-1",
        "127.0.0.1:5000/acme/orders:pr-12",
    ]
    .map(String::from);
    let log = context.join("log");
    let built = engine
        .build(&request(&context, &names), &log, MINUTE)
        .unwrap();
    let id = format!("sha256:{}", "1".repeat(64));
    assert_eq!((&built.id, built.digest), (&id, None));
    assert_eq!(engine.exists(&names[0]).unwrap().unwrap().id, id);
    engine.tag(&names[0], &names[1..]).unwrap();
    assert_eq!(engine.push(&names[..1], false, MINUTE).unwrap(), id);
    if engine != Engine::Docker {
        engine
            .push(&["ghcr.io/acme/orders:code-1".into()], false, MINUTE)
            .unwrap();
    }
}

/// How the engines on `path` are called by a build, a question, a tag and a push.
fn record(path: &[&TempDir]) -> String {
    let context = tempfile::tempdir().unwrap();
    fs::write(context.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    let record = context.path().join("record");
    let path = env::join_paths(path.iter().map(|dir| dir.path())).unwrap();
    let fixtures = fixtures();
    let variables = [
        ("PATH", path.to_str().unwrap()),
        ("FLOTA_FAKE_RECORD", record.to_str().unwrap()),
        ("FLOTA_FAKE_ENGINES", fixtures.to_str().unwrap()),
        ("FLOTA_TEST_CONTEXT", context.path().to_str().unwrap()),
    ];
    let output = role("role_use_an_engine", &variables).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let text = fs::read_to_string(&record).unwrap();
    // The probes run side by side, in any order.
    let text = &text[text
        .find("<build>")
        .and_then(|at| text[..at].rfind('\n'))
        .unwrap()
        + 1..];
    let place = context.path().canonicalize().unwrap();
    let text = text
        .replace(place.to_str().unwrap(), "CONTEXT")
        .replace("linux/arm64", "linux/amd64");
    // The answers' folder has a random name.
    let words = text
        .split_inclusive('>')
        .map(|word| match word.split_once("file=/") {
            Some((flag, _)) => format!("{flag}file=FILE>"),
            None => word.to_owned(),
        });
    words.collect()
}

#[test]
fn docker_is_called_without_secrets_in_its_arguments() {
    insta::assert_snapshot!(record(&[&fakes(&[("recording", "docker")])]), @r"
        docker <build> <--build-arg=SOURCE_DATE_EPOCH> <--iidfile=FILE> <--file=CONTEXT/Dockerfile> <--platform=linux/amd64> <--target=base> <--label=layer=request> <--label=with-space=> <--build-arg=CHANNEL> <--build-arg=TOKEN> <--tag=127.0.0.1:5000/acme/orders:code-1> <--tag=127.0.0.1:5000/acme/orders:pr-12> <--> <CONTEXT>
          DOCKER_BUILDKIT=1 SOURCE_DATE_EPOCH=1700000000 TOKEN=s3cret-of-the-build
        docker <images> <--no-trunc> <--quiet> <--filter=reference=127.0.0.1:5000/acme/orders:code-1>
        docker <tag> <--> <127.0.0.1:5000/acme/orders:code-1> <127.0.0.1:5000/acme/orders:pr-12>
        docker <push> <--> <127.0.0.1:5000/acme/orders:code-1>
        docker <image> <inspect> <--format={{json .RepoDigests}}> <--> <127.0.0.1:5000/acme/orders:code-1>
    ");
}

#[test]
fn podman_is_called_when_docker_does_not_answer() {
    let fakes = fakes(&[
        ("refusing", "docker"),
        ("recording", "podman"),
        ("recording", "buildah"),
    ]);
    insta::assert_snapshot!(record(&[&fakes]), @r"
        podman <build> <--format=docker> <--timestamp=1700000000> <--build-arg=SOURCE_DATE_EPOCH=1700000000> <--iidfile=FILE> <--file=CONTEXT/Dockerfile> <--platform=linux/amd64> <--target=base> <--label=layer=request> <--label=with-space=> <--build-arg=CHANNEL> <--build-arg=TOKEN> <--tag=127.0.0.1:5000/acme/orders:code-1> <--tag=127.0.0.1:5000/acme/orders:pr-12> <--> <CONTEXT>
          DOCKER_BUILDKIT=unset SOURCE_DATE_EPOCH=unset TOKEN=s3cret-of-the-build
        podman <image> <exists> <--> <127.0.0.1:5000/acme/orders:code-1>
        podman <image> <inspect> <--format={{.Id}}> <--> <127.0.0.1:5000/acme/orders:code-1>
        podman <tag> <--> <127.0.0.1:5000/acme/orders:code-1> <127.0.0.1:5000/acme/orders:pr-12>
        podman <push> <--digestfile=FILE> <--tls-verify=false> <--> <127.0.0.1:5000/acme/orders:code-1> <docker://127.0.0.1:5000/acme/orders:code-1>
        podman <push> <--digestfile=FILE> <--> <ghcr.io/acme/orders:code-1> <docker://ghcr.io/acme/orders:code-1>
    ");
}

#[test]
fn buildah_is_called_when_the_others_do_not_answer() {
    let fakes = fakes(&[
        ("hanging", "docker"),
        ("refusing", "podman"),
        ("recording", "buildah"),
    ]);
    insta::assert_snapshot!(record(&[&fakes]), @r"
        buildah <build> <--format=docker> <--timestamp=1700000000> <--build-arg=SOURCE_DATE_EPOCH=1700000000> <--iidfile=FILE> <--file=CONTEXT/Dockerfile> <--platform=linux/amd64> <--target=base> <--label=layer=request> <--label=with-space=> <--build-arg=CHANNEL> <--build-arg=TOKEN> <--tag=127.0.0.1:5000/acme/orders:code-1> <--tag=127.0.0.1:5000/acme/orders:pr-12> <--> <CONTEXT>
          DOCKER_BUILDKIT=unset SOURCE_DATE_EPOCH=unset TOKEN=s3cret-of-the-build
        buildah <images> <--no-trunc> <--quiet> <--filter=reference=127.0.0.1:5000/acme/orders:code-1>
        buildah <tag> <--> <127.0.0.1:5000/acme/orders:code-1> <127.0.0.1:5000/acme/orders:pr-12>
        buildah <push> <--digestfile=FILE> <--tls-verify=false> <--> <127.0.0.1:5000/acme/orders:code-1> <docker://127.0.0.1:5000/acme/orders:code-1>
        buildah <push> <--digestfile=FILE> <--> <ghcr.io/acme/orders:code-1> <docker://ghcr.io/acme/orders:code-1>
    ");
}

#[test]
fn another_docker_with_buildkit_is_preferred_to_the_classic_builder() {
    let [first, second] = [
        fakes(&[("without-buildx", "docker")]),
        fakes(&[("recording", "docker")]),
    ];
    let builds = |text: String| {
        text.lines()
            .filter(|line| line.contains("BUILDKIT"))
            .map(String::from)
            .collect::<Vec<_>>()
    };
    let both = builds(record(&[&first, &second]));
    assert_eq!(
        both,
        ["  DOCKER_BUILDKIT=1 SOURCE_DATE_EPOCH=1700000000 TOKEN=s3cret-of-the-build"]
    );
    let alone = builds(record(&[&first]));
    assert_eq!(
        alone,
        ["  DOCKER_BUILDKIT=0 SOURCE_DATE_EPOCH=1700000000 TOKEN=s3cret-of-the-build"]
    );
}

#[test]
#[ignore = "a role for an_engine_that_was_named_must_answer"]
fn role_choose() {
    let chosen = |choice| choose(choice, None).unwrap_err();
    let error = chosen(Choice::Docker);
    assert_eq!(error.exit(), Exit::Unavailable);
    assert_eq!(error.to_string(), "docker does not answer");
    assert_eq!(
        error.source().unwrap().to_string(),
        "exit status: 1\nCannot connect to the daemon. Is it running?"
    );
    assert!(error.hints()[0].contains("DOCKER_HOST"));
    let error = chosen(Choice::Podman);
    assert_eq!(
        error.source().unwrap().to_string(),
        "`podman info` did not finish within 5s"
    );
    let error = chosen(Choice::Buildah);
    assert_eq!(
        error.source().unwrap().to_string(),
        "buildah is not installed, or not on PATH"
    );
    assert_eq!(choose(Choice::Auto, None).unwrap(), Builder::Embedded);
}

#[test]
fn an_engine_that_was_named_must_answer() {
    let fakes = fakes(&[("refusing", "docker"), ("hanging", "podman")]);
    let output = role("role_choose", &[("PATH", fakes.path().to_str().unwrap())])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
#[ignore = "a role for an_older_buildx_is_called_again_for_those_that_did_not_fail"]
fn role_bake() {
    let context = PathBuf::from(env::var_os("FLOTA_TEST_CONTEXT").unwrap());
    let names = ["one", "bad", "two", "child"];
    let requests = names.map(|name| request(&context, &[format!("r.test/{name}:code-1")]));
    let logs = names.map(|name| context.join(format!("{name}.log")));
    // The child, which is built on the one that fails, is asked for in the last turn.
    for (keep_going, count) in [(true, 3), (false, 3), (true, 4)] {
        let scratch = tempfile::tempdir().unwrap();
        let images = names.iter().zip(&requests).zip(&logs).take(count);
        let images = images.map(|((name, request), log)| BatchImage {
            name,
            request,
            log,
            cache: None,
            attached: Vec::new(),
            destination: Destination::Repository("r.test/x"),
            parents: match *name {
                "child" => {
                    BTreeMap::from([("r.test/bad:code-1".to_owned(), BatchParent::InBatch(1))])
                }
                _ => BTreeMap::new(),
            },
        });
        let batch = Batch {
            builder: Some("far"),
            scratch: scratch.path(),
            jobs: 3,
            keep_going,
            timeout: MINUTE,
            images: images.collect(),
        };
        let outcomes = bake(&batch).unwrap();
        let words = outcomes.iter().map(|outcome| match outcome {
            Outcome::Built(image, _) => format!("{:?} {:?}", image.digest, image.id),
            Outcome::Failed(error, _) => {
                let cause = error.source().unwrap().to_string();
                assert!(cause.contains("[1/1] RUN make: exit code: 7"), "{cause}");
                error.to_string()
            }
            Outcome::Stopped => "stopped".to_owned(),
        });
        let mut words: Vec<_> = words.collect();
        if count == 4 {
            assert_eq!(words.pop().unwrap(), "stopped");
        }
        match keep_going {
            true => assert_eq!(
                words,
                [
                    r#"Some("sha256:1") "sha256:2""#,
                    "buildx could not build r.test/bad:code-1",
                    r#"Some("sha256:3") """#,
                ]
            ),
            false => assert_eq!(
                words,
                [
                    "stopped",
                    "buildx could not build r.test/bad:code-1",
                    "stopped"
                ]
            ),
        }
    }
}

#[test]
fn an_older_buildx_is_called_again_for_those_that_did_not_fail() {
    let fakes = fakes(&[("old-buildx", "docker")]);
    let context = copied("app");
    let record = context.path().join("record");
    let variables = [
        ("PATH", fakes.path().to_str().unwrap()),
        ("FLOTA_FAKE_RECORD", record.to_str().unwrap()),
        ("FLOTA_TEST_CONTEXT", context.path().to_str().unwrap()),
    ];
    let output = role("role_bake", &variables).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // Neither a build argument nor its value is in the arguments.
    insta::assert_snapshot!(fs::read_to_string(record).unwrap(), @r"
        docker <buildx> <bake> <--file=-> <--progress=rawjson> <--metadata-file=FILE> <--builder=far> <--jobs=defer-error,parallel=3>
        docker <buildx> <bake> <--file=-> <--progress=rawjson> <--metadata-file=FILE> <--builder=far>
        docker <buildx> <bake> <--file=-> <--progress=rawjson> <--metadata-file=FILE> <--builder=far>
        docker <buildx> <bake> <--file=-> <--progress=rawjson> <--metadata-file=FILE> <--builder=far> <--jobs=fail-fast,parallel=3>
        docker <buildx> <bake> <--file=-> <--progress=rawjson> <--metadata-file=FILE> <--builder=far>
        docker <buildx> <bake> <--file=-> <--progress=rawjson> <--metadata-file=FILE> <--builder=far> <--jobs=defer-error>
        docker <buildx> <bake> <--file=-> <--progress=rawjson> <--metadata-file=FILE> <--builder=far>
        docker <buildx> <bake> <--file=-> <--progress=rawjson> <--metadata-file=FILE> <--builder=far>
    ");
}
