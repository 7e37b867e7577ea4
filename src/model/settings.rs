//! The settings of `flota.toml`: their types and defaults, and how a service's own table overrides the global ones.
//!
//! `crate::config` reads the file; nothing here knows about TOML.

use std::{borrow::Cow, collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use super::{cycle, error::Result};

mod change;
mod chart;
mod environment;
pub mod fleet;
pub mod gate;
pub mod globs;
pub mod secret;
pub mod template;
pub mod valid;

pub use change::{Build, ChangeSettings, Fanout};
pub use chart::{AppVersion, ChartSettings, TokenValue, ValuePath};
pub use environment::EnvironmentSettings;
pub use fleet::{BaseSetting, FleetSettings};
pub use gate::{Gate, GateSubject};
pub use globs::Globs;
pub use secret::{Provenance, Sbom, SecretSource};
pub use template::{
    ArgumentTemplate, GateField, TagField, TagTemplate, VersionField, VersionTemplate,
};

/// Everything a fleet can settle; [`Settings::default`] is what an absent file gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// `[fleet]`: which submodules are services, and what their changes are measured against.
    pub fleet: FleetSettings,
    /// `[change]`: which of a service's paths mean what.
    pub change: ChangeSettings,
    /// `[[change.fanout]]`: superproject paths that call for builds of services, in the file's order.
    pub fanout: Vec<Fanout>,
    /// `[image]`: how images are built and named.
    pub image: ImageSettings,
    /// `[chart]`: how charts are made.
    pub chart: ChartSettings,
    /// `[[gate]]`: the programs that judge what a build made, in the file's order.
    pub gates: Vec<Gate>,
    /// `[ci]`: what the pipelines that flota writes need to know.
    pub ci: CiSettings,
    /// `[environment.NAME]` by name.
    pub environments: BTreeMap<String, EnvironmentSettings>,
    /// `[service.NAME]` by name, each begun as [`Settings::unconfigured`] has it: read them through
    /// [`Settings::for_service`], which adds the global entries of the maps.
    pub services: BTreeMap<String, ServiceSettings>,
}

impl Settings {
    /// What holds for one service: the global tables, with those of `[service.NAME]` on top.
    ///
    /// `name` is the submodule's name, or what stands for it inside a single service repository.
    pub fn for_service(&self, name: &str) -> ServiceSettings {
        let own = self.services.get(name).cloned();
        let mut service = own.unwrap_or_else(|| self.unconfigured(name));
        lay_beneath(&mut service.image.build_args, &self.image.build_args);
        lay_beneath(&mut service.image.secrets, &self.image.secrets);
        lay_beneath(&mut service.chart.tokens, &self.chart.tokens);
        service
    }

    /// Which paths of one service mean what: the `change` of [`Settings::for_service`], not copied.
    pub(crate) fn change_of(&self, name: &str) -> &ChangeSettings {
        self.services
            .get(name)
            .map_or(&self.change, |own| &own.change)
    }

    /// How the image of one service is built: the `image` of [`Settings::for_service`], copied only where `[service.NAME]` says
    /// something.
    pub(crate) fn image_of(&self, name: &str) -> Cow<'_, ImageSettings> {
        match self.services.contains_key(name) {
            true => Cow::Owned(self.for_service(name).image),
            false => Cow::Borrowed(&self.image),
        }
    }

    /// The repository of one service's image below the registry, which need not be valid: the one of
    /// [`ServiceSettings::repository`], not copied.
    pub(crate) fn repository_of<'a>(&'a self, name: &'a str) -> &'a str {
        let own = self.services.get(name);
        own.and_then(|own| own.repository.as_deref())
            .unwrap_or(name)
    }

    /// What `[service.NAME]` starts from: the global values, the maps empty.
    ///
    /// The maps would be copied for every service, and both their size and the number of services are the file's choice.
    pub(crate) fn unconfigured(&self, name: &str) -> ServiceSettings {
        ServiceSettings {
            name: name.to_owned(),
            change: self.change.clone(),
            image: ImageSettings {
                build_args: BTreeMap::new(),
                secrets: BTreeMap::new(),
                ..self.image.clone()
            },
            chart: ChartSettings {
                tokens: BTreeMap::new(),
                ..self.chart.clone()
            },
            repository: None,
            depends_on: Vec::new(),
        }
    }

    /// The first cycle among the `depends_on` lists, its first service repeated at the end; `None` if there is none.
    pub fn dependency_cycle(&self) -> Option<Vec<&str>> {
        let names = self.services.keys().map(String::as_str);
        cycle::first(names, |name| self.dependencies(name))
    }

    fn dependencies<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let service = self.services.get(name);
        service
            .into_iter()
            .flat_map(|service| service.depends_on.iter().map(String::as_str))
    }
}

/// Adds to a service's entries the global ones that it does not have.
fn lay_beneath<T: Clone>(own: &mut BTreeMap<String, T>, global: &BTreeMap<String, T>) {
    for (name, value) in global {
        if !own.contains_key(name) {
            own.insert(name.clone(), value.clone());
        }
    }
}

/// `[ci]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiSettings {
    /// Where a job gets flota from, as [`valid::archive`] has it; it is on the machine already when absent.
    pub archive: Option<String>,
    /// The archive's SHA-256; there is one exactly when there is an archive.
    pub sha256: Option<String>,
    /// The container image that jobs run in, where the system runs them in one.
    pub image: Option<String>,
    /// Whether runs on branches go by where each service last succeeded, and record it.
    pub record: bool,
}

impl Default for CiSettings {
    fn default() -> Self {
        Self {
            archive: None,
            sha256: None,
            image: None,
            record: true,
        }
    }
}

/// `[image]`, with `[service.NAME.image]` laid over it where the service may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSettings {
    /// What stands before every repository's name: `host[:port][/path]`, as [`valid::registry`] has it.
    pub registry: Option<String>,
    /// What builds.
    pub builder: BuilderKind,
    /// The names for people beside the identity tag.
    pub tags: Arc<[TagTemplate]>,
    /// The platforms in OCI's notation, as [`valid::platform`] has it, sorted and each once; the host's by default. An image for
    /// several is an index with a manifest for each.
    pub platforms: Arc<[String]>,
    /// The Dockerfile, relative to the code folder, as [`valid::dockerfile`] has it.
    pub dockerfile: PathBuf,
    /// The stage to stop at; the last one when absent.
    pub target: Option<String>,
    /// Build arguments by name; a service's are added to the global ones and win over them.
    pub build_args: BTreeMap<String, String>,
    /// Whether a base image that a tag names counts by what the tag stands for now, and not by the tag alone.
    pub refresh_base: bool,
    /// What a `RUN --mount=type=secret` may read, by its id; a service's are added to the global ones and win over them.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Whether a `RUN --mount=type=ssh` may use the user's SSH agent.
    pub ssh: bool,
    /// buildx alone: the builder instance, one of `docker buildx ls`; the one that is in use there when absent.
    pub buildx: Option<String>,
    /// buildx alone: where the cache of the builds is kept, `host[:port][/path]`, as [`valid::registry`] has it.
    pub cache: Option<String>,
    /// buildx alone: the bill of materials that is attached to each image, if any is.
    pub sbom: Option<Sbom>,
    /// buildx alone: how much of the build's provenance is attached to each image, if any is.
    pub provenance: Option<Provenance>,
    /// How long one image may take.
    pub timeout: Duration,
}

impl Default for ImageSettings {
    #[allow(clippy::expect_used, reason = "the default tag is a template")]
    fn default() -> Self {
        let tag = "{branch}-{sha}".parse();
        Self {
            registry: None,
            builder: BuilderKind::Auto,
            tags: Arc::new([tag.expect("the default tag is a template")]),
            platforms: Arc::new([valid::host_platform()]),
            dockerfile: PathBuf::from("Dockerfile"),
            target: None,
            build_args: BTreeMap::new(),
            refresh_base: false,
            secrets: BTreeMap::new(),
            ssh: false,
            buildx: None,
            cache: None,
            sbom: None,
            provenance: None,
            timeout: Duration::from_secs(3600),
        }
    }
}

impl ImageSettings {
    /// What is attached to each image, in the words of `docker buildx build --attest`.
    pub fn attached(&self) -> Vec<String> {
        let sbom = self.sbom.as_ref().map(|sbom| match sbom.generator() {
            Some(image) => format!("type=sbom,generator={image}"),
            None => "type=sbom".to_owned(),
        });
        let provenance = self.provenance;
        let provenance = provenance.map(|how| format!("type=provenance,mode={}", how.mode()));
        sbom.into_iter().chain(provenance).collect()
    }
}

/// What builds images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuilderKind {
    /// The first that works here.
    Auto,
    /// Docker's engine.
    Docker,
    /// Podman.
    Podman,
    /// Buildah.
    Buildah,
    /// BuildKit, on whatever machines a builder of `docker buildx` has.
    Buildx,
    /// flota's own, which needs no engine.
    Embedded,
}

impl BuilderKind {
    /// The words of `builder`.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("auto", Self::Auto),
        ("docker", Self::Docker),
        ("podman", Self::Podman),
        ("buildah", Self::Buildah),
        ("buildx", Self::Buildx),
        ("embedded", Self::Embedded),
    ];
}

/// What holds for one service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSettings {
    /// The service's name, as it was asked for: nobody has checked it.
    pub name: String,
    /// What its paths mean.
    pub change: ChangeSettings,
    /// How its image is built.
    pub image: ImageSettings,
    /// How its chart is made.
    pub chart: ChartSettings,
    /// Its name in the registry where `[service.NAME.image]` gives one: read it through [`ServiceSettings::repository`].
    pub repository: Option<String>,
    /// The services it builds on: a change in one of them calls for this one's action too.
    pub depends_on: Vec<String>,
}

impl ServiceSettings {
    /// The service's name in the registry: the one configured, else its own.
    ///
    /// # Errors
    /// Its own name is not one that a registry accepts; the hint is the line that gives it another.
    pub fn repository(&self) -> Result<&str> {
        if let Some(configured) = &self.repository {
            return Ok(configured);
        }
        valid::repository(&self.name).map_err(|error| {
            error.hint(format!(
                "name it in flota.toml: [service.{:?}.image] repository = \"…\"",
                self.name
            ))
        })?;
        Ok(&self.name)
    }
}

#[cfg(test)]
mod tests;
