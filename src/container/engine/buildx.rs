//! BuildKit through `docker buildx bake`: all images of a run in one call, on whatever machines the builder has.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;

use super::{
    batch::{Batch, BatchImage, Destination, Outcome},
    client::{ANSWER, Engine, flag},
    layouts,
    parents::{self, Rest},
    progress::Progress,
    request::Checked,
};
use crate::{
    container::image::BuiltImage,
    interrupt,
    model::{
        bake::{BakeFile, BakeTarget, target_names},
        error::{Error, Result},
    },
    process::{Command, Output},
};

/// What buildx says of a flag that it is too old for.
const UNKNOWN_FLAG: &str = "unknown flag: --jobs";

/// Whether the builder can be asked, and writes what flota needs.
///
/// # Errors
/// Unavailable: there is no buildx or no such builder, or it is one of Docker's own daemon, which neither writes OCI layouts nor
/// pushes by digest.
pub(super) fn answers(builder: Option<&str>, timeout: Duration) -> Result<()> {
    let shown = builder.map_or_else(|| "buildx".to_owned(), |name| format!("the builder {name}"));
    let silent = || {
        Error::unavailable(format!("{shown} does not answer"))
            .hint("`docker buildx ls` shows the builders; `docker buildx create --name NAME` makes one, for `buildx = \"NAME\"` below `[image]`")
    };
    let output = docker(&["inspect"])
        .args(builder)
        .timeout(timeout)
        .stdout_as_data(ANSWER)
        .run()
        .map_err(|error| silent().because(error))?
        .check(silent)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let driver = text
        .lines()
        .find_map(|line| line.strip_prefix("Driver:"))
        .map(str::trim);
    match driver {
        Some("docker") => Err(Error::unavailable(format!(
            "{shown} has the driver `docker`, which writes no OCI layouts"
        ))
        .hint("make another: `docker buildx create --name NAME --driver docker-container`, and write `buildx = \"NAME\"` below `[image]`")),
        _ => Ok(()),
    }
}

/// Builds all of them. The outcomes are in the order of the images.
///
/// Requests go through standard input: neither a value of theirs nor a secret is an argument or a file.
///
/// # Errors
/// What concerns all images: a request that no builder could mean well, a log that cannot be written.
pub fn bake(batch: &Batch<'_>) -> Result<Vec<Outcome>> {
    let names = target_names(batch.images.iter().map(|image| image.name));
    let mut rest = BTreeMap::new();
    for (name, image) in names.iter().zip(&batch.images) {
        rest.insert(name.as_str(), (image, target(name, image)?));
    }
    let mut outcomes = BTreeMap::new();
    let mut defer = true;
    loop {
        parents::name(batch, &names, &mut rest, &outcomes);
        if rest.is_empty() {
            break;
        }
        let call = Call::run(batch, &rest, defer)?;
        if call.lacks_jobs {
            // An older buildx stops all images at the first that fails: then it is called again for the others.
            defer = false;
            continue;
        }
        for (name, image) in &call.done {
            let Some((asked, _)) = rest.remove(name.as_str()) else {
                continue;
            };
            let delivered = deliver(batch, name, asked, image);
            let outcome = match delivered {
                Ok(built) => Outcome::Built(built, call.progress(|it| it.took(name))),
                Err(error) => Outcome::Failed(error, call.progress(|it| it.took(name))),
            };
            outcomes.insert(name.clone(), outcome);
        }
        let failed = call.failed(&rest, defer && batch.keep_going);
        for (name, error) in failed {
            rest.remove(name.as_str());
            let took = call.progress(|it| it.took(&name));
            outcomes.insert(name, Outcome::Failed(error, took));
        }
        if !batch.keep_going || interrupt::pending().is_some() {
            break;
        }
    }
    parents::stop_children(batch, &names, &mut outcomes);
    let outcomes = names
        .iter()
        .map(|name| outcomes.remove(name).unwrap_or(Outcome::Stopped));
    Ok(outcomes.collect())
}

/// `docker buildx` with a subcommand, without what differs from call to call and what it would do unasked.
fn docker(subcommand: &[&str]) -> Command {
    Command::new(Engine::Docker.program())
        .arg("buildx")
        .args(subcommand.iter().copied())
        .env("DOCKER_CLI_HINTS", "false")
        // An attestation holds the time of the build: those that are asked for are in the file.
        .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
        .env("BUILDX_METADATA_PROVENANCE", "disabled")
        // It would run git in the context, which is somebody else's repository.
        .env("BUILDX_GIT_INFO", "false")
        // The file that it asks about is flota's own.
        .env("BUILDX_BAKE_ENTITLEMENTS_FS", "0")
        // Each image has a date of its own.
        .env_remove("SOURCE_DATE_EPOCH")
}

/// The image as bake reads it.
fn target(name: &str, image: &BatchImage<'_>) -> Result<BakeTarget> {
    let checked = Checked::new(image.request)?;
    let mut target = checked.target();
    target.attest.clone_from(&image.attached);
    let by_registry = |cache: &String| format!("type=registry,ref={cache}");
    target.cache_from = image.cache.iter().map(by_registry).collect();
    match image.destination {
        Destination::Layout(_) => {
            target.output = vec![format!("type=oci,tar=false,dest={}", folder(name))];
        }
        Destination::Repository(repository) => {
            target.output = vec![format!(
                "type=image,name={repository},push=true,push-by-digest=true,name-canonical=true"
            )];
            // Who may push images may push their cache.
            let to = target.cache_from.iter();
            target.cache_to = to.map(|cache| format!("{cache},mode=max")).collect();
        }
    }
    Ok(target)
}

/// Where bake writes an image's layout, from the scratch folder.
fn folder(target: &str) -> String {
    format!("image-{target}")
}

/// The image, once it is where it belongs.
fn deliver(
    batch: &Batch<'_>,
    target: &str,
    image: &BatchImage<'_>,
    metadata: &Metadata,
) -> Result<BuiltImage> {
    let built = BuiltImage {
        digest: Some(metadata.digest.clone()),
        id: metadata.id.clone().unwrap_or_default(),
    };
    if let Destination::Layout(layout) = image.destination {
        let from = batch.scratch.join(folder(target));
        layouts::adopt(&from, &metadata.digest, layout)?;
        let _ = fs::remove_dir_all(from);
    }
    Ok(built)
}

/// What bake tells of an image that it built (`--metadata-file`).
#[derive(Clone, Debug, Deserialize)]
struct Metadata {
    #[serde(rename = "containerimage.digest")]
    digest: String,
    /// The digest of the configuration; an index has none.
    #[serde(rename = "containerimage.config.digest")]
    id: Option<String>,
}

/// One call of bake that has ended.
struct Call {
    output: Result<Output>,
    progress: Arc<Mutex<Progress>>,
    done: BTreeMap<String, Metadata>,
    lacks_jobs: bool,
}

impl Call {
    fn run(batch: &Batch<'_>, rest: &Rest<'_, '_>, defer: bool) -> Result<Self> {
        let targets = rest
            .iter()
            .map(|(name, (_, target))| ((*name).to_owned(), target.clone()));
        let file = BakeFile {
            targets: targets.collect(),
        };
        let cannot =
            |cause| Error::unavailable("cannot write the logs of the images").because(cause);
        let logs = rest.iter().map(|(name, (image, _))| (*name, image.log));
        let progress = Progress::new(logs).map_err(cannot)?;
        let progress = Arc::new(Mutex::new(progress));
        let metadata = batch.scratch.join("metadata.json");
        let mut command = docker(&["bake", "--file=-", "--progress=rawjson"])
            .arg(flag("--metadata-file", &metadata))
            .current_dir(batch.scratch)
            .input(file.json().to_string())
            .timeout(batch.timeout);
        if let Some(builder) = batch.builder {
            command = command.arg(flag("--builder", builder));
        }
        if defer {
            let mode = if batch.keep_going {
                "defer-error"
            } else {
                "fail-fast"
            };
            let targets = file.targets.values();
            let mut contexts = targets.flat_map(|target| target.contexts.values());
            // With targets that wait for others it refuses a limit.
            let limit = match contexts.any(|context| parents::is_of_the_call(context)) {
                true => String::new(),
                false => format!(",parallel={}", batch.jobs),
            };
            command = command.arg(format!("--jobs={mode}{limit}"));
        }
        if file.targets.values().any(|target| !target.ssh.is_empty()) {
            command = command.arg("--allow=ssh");
        }
        let heard = Arc::clone(&progress);
        let output = command
            .text_through(move |bytes| {
                let mut progress = heard.lock().unwrap_or_else(PoisonError::into_inner);
                progress.push(bytes)
            })
            .run();
        let lacks_jobs = defer && matches!(&output, Ok(output) if says(output, UNKNOWN_FLAG));
        // It is not there when nothing was built.
        let done = fs::read(&metadata)
            .ok()
            .and_then(|bytes| {
                serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(&bytes).ok()
            })
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(name, value)| Some((name, serde_json::from_value(value).ok()?)))
            .collect();
        let _ = fs::remove_file(&metadata);
        Ok(Self {
            output,
            progress,
            done,
            lacks_jobs,
        })
    }

    fn progress<T>(&self, ask: impl FnOnce(&Progress) -> T) -> T {
        ask(&self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those of `rest`, which are not done, that failed. With `all` the call went on after a failure: what is not done failed.
    fn failed(&self, rest: &Rest<'_, '_>, all: bool) -> Vec<(String, Error)> {
        let said = match &self.output {
            Ok(output) => String::from_utf8_lossy(&output.text).into_owned(),
            Err(error) => return every(rest, |_| copy(error)),
        };
        let named = |name: &str| said.contains(&format!("ERROR: target {name}: "));
        let of = |name: &str| {
            let reference = rest[name].0.request.references.first();
            let lines = self.progress(|it| it.last_lines(name));
            let sentences = tail(&said);
            let cause = if named(name) || lines.is_empty() {
                format!("{lines}\n{sentences}")
            } else {
                lines
            };
            let reference = reference.map(String::as_str).unwrap_or_default();
            Error::work(format!("buildx could not build {reference}"))
                .hint(format!("read all it said: {}", rest[name].0.log.display()))
                .because(cause.trim().to_owned())
        };
        let is_one_named = rest.keys().any(|name| named(name));
        if all || !is_one_named {
            return every(rest, of);
        }
        let failed = rest.keys().filter(|name| named(name));
        failed.map(|name| ((*name).to_owned(), of(name))).collect()
    }
}

fn every(rest: &Rest<'_, '_>, error: impl Fn(&str) -> Error) -> Vec<(String, Error)> {
    rest.keys()
        .map(|name| ((*name).to_owned(), error(name)))
        .collect()
}

/// The same error for another image.
fn copy(error: &Error) -> Error {
    let hints = error.hints().iter();
    hints.fold(
        Error::new(error.exit(), error.with_causes()),
        |error, hint| error.hint(hint),
    )
}

fn says(output: &Output, words: &str) -> bool {
    !output.success() && String::from_utf8_lossy(&output.text).contains(words)
}

/// The last sentences, without the warnings before them.
fn tail(said: &str) -> String {
    let lines: Vec<_> = said.trim().lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Where a repository's cache is kept below `cache`.
pub fn cache_reference(cache: &str, repository: &str) -> String {
    format!("{cache}/{repository}:buildcache")
}
