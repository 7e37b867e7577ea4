//! Random Dockerfiles, built by the embedded builder and by BuildKit: files, modes, owners, times and configuration are alike.
//!
//! `FLOTA_TEST_DOCKERFILES` says how many, `FLOTA_TEST_SEED` which; a failure names both. BuildKit is the daemon that `BUILDKIT_HOST`
//! names, with `buildctl` in the path (`.ci/run` starts one).

#[path = "../support/mod.rs"]
mod support;

mod case;
mod image;

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use flota::{
    container::{
        ImageRequest, Mounts,
        embedded::{self, BaseCache, Bases},
    },
    model::exit::Exit,
    registry::{Registries, RegistryOptions},
};

use case::{Case, Generator};
use image::Image;
use support::{need, random::Random};

/// Older than every file of a context: BuildKit sets what is younger to this date.
const CREATED: i64 = 1_700_000_000;
/// The builds that wait for the daemon at the same time, which is idle for half of each.
const THREADS: usize = 4;

/// What came of one Dockerfile.
enum Outcome {
    Alike,
    /// Neither built it.
    BothRefuse,
    /// flota refuses what BuildKit builds, and says so.
    Stricter,
    Fault(String),
}

/// What flota refuses on purpose though BuildKit takes it: the last of several files would be left, no command is run, the root is
/// only found where it is empty, and a user or group that the image does not know would be root.
const STRICTER: [&str; 6] = [
    "can only go into a directory",
    "there is no command",
    "needs a path below the root",
    "is no user",
    "has no user",
    "has no group",
];

fn compare(case: &Case) -> Outcome {
    let place = tempfile::tempdir().unwrap();
    let context = place.path().join("context");
    fs::create_dir(&context).unwrap();
    case.write(&context);
    let ours = place.path().join("flota");
    let theirs = place.path().join("buildkit");
    let registries = Arc::new(Registries::new(RegistryOptions::default()));
    let bases = Bases::new(
        registries,
        BaseCache::at(place.path().join("bases")),
        ours.clone(),
    );
    let built = embedded::build(&request(case, &context), &ours, &bases);
    match (built, buildkit(case, &context, &theirs)) {
        (Ok(_), Ok(())) => match Image::read(&ours).difference(&Image::read(&theirs)) {
            different if different.is_empty() => Outcome::Alike,
            different => Outcome::Fault(different.join("\n")),
        },
        (Err(_), Err(_)) => Outcome::BothRefuse,
        // It follows each link of what it copies or excludes, and lacks the folders of which all is ignored.
        (Ok(_), Err(message)) if !case.ignore.is_empty() && is_absence(&message) => {
            Outcome::BothRefuse
        }
        (Ok(_), Err(message)) => Outcome::Fault(format!("only BuildKit refuses it: {message}")),
        (Err(error), Ok(())) => {
            let message = error.to_string();
            // Exit 3 is for what another builder can do.
            let on_purpose = STRICTER.iter().any(|words| message.contains(words));
            match error.exit() == Exit::Unavailable || on_purpose {
                true => Outcome::Stricter,
                false => Outcome::Fault(format!("only flota refuses it: {message}")),
            }
        }
    }
}

fn is_absence(message: &str) -> bool {
    message.contains("not found") || message.contains("no such file")
}

fn request(case: &Case, context: &Path) -> ImageRequest {
    ImageRequest {
        context: context.to_owned(),
        dockerfile: "Dockerfile".into(),
        dockerfile_in_use: None,
        target: case.target.clone(),
        build_args: case.arguments.clone(),
        labels: [("org.example.given".into(), "1".into())].into(),
        platforms: vec![case.platform.clone()],
        mounts: Mounts::default(),
        created: CREATED,
        references: vec!["registry.test/api:1".into()],
    }
}

/// Builds with BuildKit into the layout `to`; an error is its message.
fn buildkit(case: &Case, context: &Path, to: &Path) -> Result<(), String> {
    let mut options = vec![
        format!("platform={}", case.platform),
        format!("build-arg:SOURCE_DATE_EPOCH={CREATED}"),
        "label:org.example.given=1".into(),
    ];
    options.extend(case.target.iter().map(|target| format!("target={target}")));
    options.extend(
        case.arguments
            .iter()
            .map(|(name, value)| format!("build-arg:{name}={value}")),
    );
    let mut buildctl = Command::new("buildctl");
    // What an `--exclude` filters is not in the key by which BuildKit finds what it has built already.
    buildctl.args([
        "build",
        "--progress=plain",
        "--no-cache",
        "--frontend=dockerfile.v0",
    ]);
    for local in ["context", "dockerfile"] {
        buildctl.arg(format!("--local={local}={}", context.display()));
    }
    buildctl.args(options.iter().map(|option| format!("--opt={option}")));
    buildctl.arg(format!(
        "--output=type=oci,tar=false,dest={},compression=uncompressed,rewrite-timestamp=true",
        to.display()
    ));
    let output = buildctl.stdin(Stdio::null()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(message.lines().last().unwrap_or_default().to_owned()),
    }
}

/// The smallest build with a fault that `case` leads to, and its fault.
fn smallest(case: Case, fault: String) -> (Case, String) {
    for smaller in case.smaller() {
        if let Outcome::Fault(fault) = compare(&smaller) {
            return smallest(smaller, fault);
        }
    }
    (case, fault)
}

#[test]
#[expect(clippy::print_stdout, reason = "it says how to run the same again")]
fn random_dockerfiles_mean_what_buildkit_means() {
    if !need("buildkit") {
        return;
    }
    let number =
        |name: &str| -> Option<usize> { env::var(name).ok().map(|value| value.parse().unwrap()) };
    let count = number("FLOTA_TEST_DOCKERFILES").unwrap_or(500);
    let seed = number("FLOTA_TEST_SEED").unwrap_or(18);
    println!("FLOTA_TEST_SEED={seed} FLOTA_TEST_DOCKERFILES={count}");
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let worker = || {
            let mut outcomes = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return outcomes;
                }
                // The first of another seed is this one: a fault is seen again alone.
                let case = Generator::case(&mut Random((seed + at) as u64));
                let outcome = match compare(&case) {
                    Outcome::Fault(fault) => {
                        let (case, fault) = smallest(case, fault);
                        Outcome::Fault(format!(
                            "FLOTA_TEST_SEED={} FLOTA_TEST_DOCKERFILES=1\n{case}{fault}\n",
                            seed + at
                        ))
                    }
                    outcome => outcome,
                };
                outcomes.push(outcome);
            }
        };
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    let (mut alike, mut both_refuse, mut stricter, mut faults) = (0, 0, 0, Vec::new());
    for outcome in outcomes {
        match outcome {
            Outcome::Alike => alike += 1,
            Outcome::BothRefuse => both_refuse += 1,
            Outcome::Stricter => stricter += 1,
            Outcome::Fault(fault) => faults.push(fault),
        }
    }
    println!(
        "{alike} alike, {both_refuse} refused by both, {stricter} by flota alone and by name, {} faults",
        faults.len()
    );
    assert!(
        count < 100 || alike * 2 > count,
        "most are to be built by both, or the test says little"
    );
    assert!(
        faults.is_empty(),
        "{} of {count}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
