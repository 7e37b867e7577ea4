//! Which of a service's paths mean what.

use std::sync::Arc;

use super::globs::Globs;

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
