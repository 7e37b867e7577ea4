//! The settings of `flota.toml`: their types and defaults, and how a service's own table overrides the global ones.
//!
//! `crate::config` reads the file; nothing here knows about TOML.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use super::{cycle, error::Result};

mod chart;
mod environment;
pub mod fleet;
pub mod gate;
pub mod globs;
pub mod template;
pub mod valid;

pub use chart::{AppVersion, ChartSettings, TokenValue, ValuePath};
pub use environment::EnvironmentSettings;
pub use fleet::{BaseSetting, FleetSettings};
pub use gate::{Gate, GateSubject};
pub use globs::Globs;
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
        lay_beneath(&mut service.chart.tokens, &self.chart.tokens);
        service
    }

    /// Which paths of one service mean what: the `change` of [`Settings::for_service`], not copied.
    pub(crate) fn change_of(&self, name: &str) -> &ChangeSettings {
        self.services
            .get(name)
            .map_or(&self.change, |own| &own.change)
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

/// `[change]`, or `[service.NAME.change]` laid over it. The globs match paths inside the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSettings {
    /// Paths whose change calls for an image.
    pub code: Globs,
    /// Paths whose change calls for a chart only.
    pub config: Globs,
    /// Paths whose change never counts, wherever they lie.
    pub ignore: Globs,
    /// What a change of any other path calls for; `None`: nothing.
    pub other: Option<Build>,
    /// The configured environments, sorted: `config/values.<environment>.yaml` is a deployment's, and no part of the configuration
    /// that charts are made from.
    pub environments: Arc<[String]>,
}

impl ChangeSettings {
    /// The path below `config/` of an environment's values.
    pub fn values_file(environment: &str) -> String {
        format!("values.{environment}.yaml")
    }
}

impl Default for ChangeSettings {
    fn default() -> Self {
        Self {
            code: Globs::constant(&["code/**"]),
            config: Globs::constant(&["config/**", "charts/**"]),
            ignore: Globs::default(),
            other: None,
            environments: Arc::default(),
        }
    }
}

/// One `[[change.fanout]]`: a change of these superproject paths calls for a build of these services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fanout {
    /// Paths in the superproject.
    pub paths: Globs,
    /// Names of services, or globs over them (`**` for all: `*` ends at a `/`).
    pub services: Globs,
    /// What is built.
    pub action: Build,
}

/// What the configuration can call for: the two actions that build something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The image, then its chart.
    Image,
    /// The chart alone.
    Chart,
}

impl Build {
    /// The words of `action`.
    pub const NAMES: [(&'static str, Self); 2] = [("image", Self::Image), ("chart", Self::Chart)];

    /// The words of `other`, where nothing can be called for as well.
    pub const NAMES_OR_NONE: [(&'static str, Option<Self>); 3] = [
        ("none", None),
        ("image", Some(Self::Image)),
        ("chart", Some(Self::Chart)),
    ];
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
    /// The platform in OCI's notation, as [`valid::platform`] has it; the host's by default.
    pub platform: String,
    /// The Dockerfile, relative to the code folder, as [`valid::dockerfile`] has it.
    pub dockerfile: PathBuf,
    /// The stage to stop at; the last one when absent.
    pub target: Option<String>,
    /// Build arguments by name; a service's are added to the global ones and win over them.
    pub build_args: BTreeMap<String, String>,
    /// Whether a base image that a tag names counts by what the tag stands for now, and not by the tag alone.
    pub refresh_base: bool,
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
            platform: valid::host_platform(),
            dockerfile: PathBuf::from("Dockerfile"),
            target: None,
            build_args: BTreeMap::new(),
            refresh_base: false,
            timeout: Duration::from_secs(3600),
        }
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
    /// flota's own, which needs no engine.
    Embedded,
}

impl BuilderKind {
    /// The words of `builder`.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("docker", Self::Docker),
        ("podman", Self::Podman),
        ("buildah", Self::Buildah),
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
