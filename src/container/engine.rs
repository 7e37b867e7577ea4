//! Docker, Podman, Buildah and buildx: the builders that are programs on this machine.
//!
//! Podman and Buildah share one set of libraries (containers/image, containers/storage) and are called in the same way;
//! Docker is a client of its daemon. buildx is called once for all images ([`bake`]), and has no store: its images are in OCI
//! layouts or in a registry.

mod batch;
mod buildx;
mod client;
mod containers;
mod docker;
mod layouts;
mod mounts;
mod parents;
mod progress;
mod request;
mod save;

use std::{num::NonZeroUsize, path::Path, time::Duration};

pub use batch::{Batch, BatchImage, BatchParent, Destination, Outcome};
pub use buildx::{bake, cache_reference};
pub use client::Engine;
use client::{ANSWER, LOCAL, digest, first_line};
pub use mounts::secret_at_home;

use super::image::{BuiltImage, ImageRequest};
use crate::{
    files, interrupt,
    model::error::{Error, Result},
    parallel,
    process::Output,
};

/// How long an engine may take to say that it is there. A client whose daemon is gone often hangs instead of failing.
pub const PROBE: Duration = Duration::from_secs(5);
/// Which builder is wanted (`[image] builder`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The first that answers: Docker, Podman, Buildah, then flota's own.
    #[default]
    Auto,
    /// Docker or nothing.
    Docker,
    /// Podman or nothing.
    Podman,
    /// Buildah or nothing.
    Buildah,
    /// BuildKit by buildx or nothing.
    Buildx,
    /// flota's own, which needs no program.
    Embedded,
}

/// Who builds the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Builder {
    /// A program of this machine with an image store of its own.
    Engine(Engine),
    /// BuildKit, on whatever machines a builder of buildx has.
    Buildx,
    /// flota's own builder.
    Embedded,
}

/// The builder for `choice`; `buildx` is the builder instance that buildx is to use, the one in use there when absent. Engines are
/// asked side by side, for at most [`PROBE`].
///
/// # Errors
/// Unavailable, if the one that was named does not answer: what it said is the cause.
pub fn choose(choice: Choice, buildx: Option<&str>) -> Result<Builder> {
    let named = |engine: Engine| {
        engine
            .answers(PROBE)
            .map(|_version| Builder::Engine(engine))
    };
    match choice {
        Choice::Auto => Ok(first_that_answers()?.map_or(Builder::Embedded, Builder::Engine)),
        Choice::Docker => named(Engine::Docker),
        Choice::Podman => named(Engine::Podman),
        Choice::Buildah => named(Engine::Buildah),
        Choice::Buildx => buildx::answers(buildx, PROBE).map(|()| Builder::Buildx),
        Choice::Embedded => Ok(Builder::Embedded),
    }
}

/// All of them are asked at a time.
fn first_that_answers() -> Result<Option<Engine>> {
    let all = [Engine::Docker, Engine::Podman, Engine::Buildah];
    let every = NonZeroUsize::MIN.saturating_add(all.len());
    let answers = parallel::map(every, &all, |engine| engine.answers(PROBE).is_ok())?;
    let mut answered = all.into_iter().zip(answers);
    Ok(answered.find_map(|(engine, answers)| answers.then_some(engine)))
}

impl Builder {
    /// Its name, as in `[image] builder`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Engine(engine) => engine.program(),
            Self::Buildx => "buildx",
            Self::Embedded => "embedded",
        }
    }

    /// What can be said of `request` before anything is built. Its secrets are masked from here on.
    ///
    /// # Errors
    /// Those of [`Engine::check`]; of flota's own builder nothing is said here.
    pub fn check(self, request: &ImageRequest) -> Result<()> {
        match self {
            Self::Engine(engine) => engine.check(request),
            Self::Buildx => request::Checked::new(request).map(drop),
            Self::Embedded => Ok(()),
        }
    }
}

impl Engine {
    /// The engine's version, if it can work for this user now: Docker's daemon is asked, not its client; Podman and
    /// Buildah open their image store.
    ///
    /// # Errors
    /// Unavailable, with what it said and how to mend it.
    pub fn answers(self, timeout: Duration) -> Result<String> {
        let ask = |arguments: &[&str]| {
            let command = self
                .command()
                .args(arguments)
                .timeout(timeout)
                .stdout_as_data(ANSWER);
            let silent = || {
                Error::unavailable(format!("{self} does not answer"))
                    .hint(self.how_to_start())
                    .hint("or build without it: `builder = \"embedded\"` below `[image]` in flota.toml")
            };
            match command.run() {
                Ok(output) => output
                    .check(silent)
                    .map(|output| first_line(&output.stdout)),
                Err(error) => Err(silent().because(error)),
            }
        };
        match self {
            Self::Docker => ask(&["version", "--format={{.Server.Version}}"]),
            Self::Podman => ask(&["info", "--format={{.Version.Version}}"]),
            // Its `info` does not tell the version, and its `version` does not open the store.
            Self::Buildah => ask(&["info"]).and_then(|_store| ask(&["--version"])),
        }
    }

    /// Tells a build that failed from an engine that is gone, or has no room: then it is not for the Dockerfile to mend.
    fn answers_still(self, output: &Output, image: &str, log: &Path) -> Result<()> {
        let said = String::from_utf8_lossy(&output.text);
        let last = said.trim_end().lines().last().unwrap_or_default();
        let read = format!("read all it said: {}", log.display());
        if let Some(error) = files::no_room(&format!("what {self} builds"), last) {
            return Err(error.hint(read));
        }
        let gone = Error::unavailable(format!("{self} went away while it built {image}"));
        match self.answers(PROBE) {
            // One that is started again by itself answers, and has lost the build.
            Ok(_) if client::broke_off(last) => Err(gone.because(last.to_owned()).hint(read)),
            Ok(_) => Ok(()),
            Err(silent) => Err(gone.because(silent).hint(self.how_to_start()).hint(read)),
        }
    }

    fn how_to_start(self) -> &'static str {
        match self {
            Self::Docker => {
                "start its daemon (`sudo systemctl start docker`), or set DOCKER_HOST to one that runs; `docker info` tells more"
            }
            Self::Podman => {
                "`podman info` tells more; without root it needs entries in /etc/subuid and /etc/subgid"
            }
            Self::Buildah => {
                "`buildah info` tells more; without root it needs entries in /etc/subuid and /etc/subgid"
            }
        }
    }

    /// Whether the engine can build `request`, as far as that can be said beforehand. Secrets are masked from here on.
    ///
    /// # Errors
    /// - Misuse: a name, path or argument of the request that no builder could mean well, more platforms than Docker builds for at
    ///   a time.
    /// - Unavailable: a secret that is not there.
    pub fn check(self, request: &ImageRequest) -> Result<()> {
        let request = request::Checked::new(request)?;
        match (self, request.is_index()) {
            (Self::Docker, true) => Err(Error::misuse(format!(
                "docker builds {} for one platform at a time, and several are asked for",
                request.name()
            ))
            .hint("let another builder build it, below `[image]` in flota.toml: `builder = \"buildx\"`, or podman, or buildah")),
            _ => Ok(()),
        }
    }

    /// Builds an image into the engine's own store, under all the names of the request. What the builder prints is
    /// appended to `log`, with known secrets masked.
    ///
    /// The values of build arguments go through the builder's environment, since its arguments are there for every user
    /// of the machine to read. That is why names that mean something to the builder itself are refused.
    ///
    /// # Errors
    /// - Those of [`Engine::check`].
    /// - Work: the build failed, or took longer than `timeout`; the cause holds its last lines.
    /// - Unavailable: the engine went away in mid-build, or has no room.
    pub fn build(
        self,
        request: &ImageRequest,
        log: &Path,
        timeout: Duration,
    ) -> Result<BuiltImage> {
        self.check(request)?;
        let request = request::Checked::new(request)?;
        let answers = files::temporary_folder()?;
        let id_file = answers.path().join("id");
        let output = match self {
            Self::Docker => docker::build(&request, &id_file, log, timeout)?,
            Self::Podman | Self::Buildah => {
                containers::build(self, &request, &id_file, log, timeout)?
            }
        };
        if !output.success() && interrupt::pending().is_none() {
            self.answers_still(&output, request.name(), log)?;
        }
        output.check(|| {
            Error::work(format!("{self} could not build {}", request.name()))
                .hint(format!("read all it said: {}", log.display()))
        })?;
        if request.is_index() {
            self.tag(request.name(), request.further_names())?;
            return self.exists(request.name())?.ok_or_else(|| {
                Error::work(format!(
                    "{self} built {} but does not have it",
                    request.name()
                ))
            });
        }
        let id = std::fs::read_to_string(&id_file).unwrap_or_default();
        let id = digest(&id).ok_or_else(|| {
            Error::work(format!(
                "{self} built {} but did not report its id",
                request.name()
            ))
            .hint("BUILDX_BUILDER may name a builder that keeps its images to itself: unset it")
        })?;
        Ok(BuiltImage { digest: None, id })
    }

    /// The image of this name in the engine's own store, if it is there.
    ///
    /// # Errors
    /// Unavailable, if the engine cannot be asked.
    pub fn exists(self, reference: &str) -> Result<Option<BuiltImage>> {
        request::check_reference(reference)?;
        if self == Self::Podman {
            return containers::exists_in_podman(reference);
        }
        // `image inspect` fails for a missing image as it does for a missing daemon; an empty list is an answer.
        let output = self
            .command()
            .args(["images", "--no-trunc", "--quiet"])
            .arg(format!("--filter=reference={reference}"))
            .timeout(LOCAL)
            .stdout_as_data(ANSWER)
            .run()?
            .check(|| Error::unavailable(format!("{self} could not look for {reference}")))?;
        Ok(digest(&first_line(&output.stdout)).map(|id| BuiltImage { digest: None, id }))
    }

    /// Gives the image `reference` of the local store further names.
    ///
    /// # Errors
    /// Work, if there is no such image.
    pub fn tag(self, reference: &str, names: &[String]) -> Result<()> {
        request::check_reference(reference)?;
        for name in names {
            request::check_reference(name)?;
            self.command()
                .args(["tag", "--", reference, name])
                .timeout(LOCAL)
                .run()?
                .check(|| Error::work(format!("{self} could not tag {reference} as {name}")))?;
        }
        Ok(())
    }

    /// Brings an image from its registry into the local store, where builds and other programs find it. Plain HTTP is accepted as by
    /// [`Self::push`], which the flags of a build would accept of every registry.
    ///
    /// # Errors
    /// Work: it cannot be had, with what the engine said.
    pub fn pull(self, reference: &str, timeout: Duration) -> Result<()> {
        request::check_reference(reference)?;
        let command = self.command().args(["pull", "--quiet"]);
        let command = match self != Self::Docker && request::is_loopback(reference) {
            true => command.arg("--tls-verify=false"),
            false => command,
        };
        let output = command.args(["--", reference]).timeout(timeout).run()?;
        output
            .check(|| Error::work(format!("{self} could not pull {reference}")))
            .map(drop)
    }

    /// Pushes names of one image, or of an index of images for several platforms, to their registries; the digest of the manifest
    /// that the first of them got there (`sha256:…`). Plain HTTP is accepted from registries on this machine (`127.0.0.1:5000/…`)
    /// and no others.
    ///
    /// # Errors
    /// - Unavailable: the registry does not accept the credentials, cannot be reached, or is overloaded.
    /// - Work: anything else, with what the engine said.
    pub fn push(self, references: &[String], is_index: bool, timeout: Duration) -> Result<String> {
        let mut first = None;
        for reference in references {
            request::check_reference(reference)?;
            let digest = match self {
                Self::Docker => docker::push(reference, timeout)?,
                Self::Podman | Self::Buildah => {
                    containers::push(self, reference, is_index, timeout)?
                }
            };
            first.get_or_insert(digest);
        }
        first.ok_or_else(|| Error::misuse("there is no name to push the image to"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_builder_needs_nothing() {
        assert_eq!(choose(Choice::Embedded, None).unwrap(), Builder::Embedded);
    }
}
