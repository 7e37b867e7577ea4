//! `[fleet]` of `flota.toml`.

use super::globs::Globs;

/// `[fleet]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetSettings {
    /// The submodule paths that are services; when absent, every submodule with `code/`, `config/` or `charts/`.
    pub services: Option<Globs>,
    /// The branch a change is measured against when nothing else says so; when absent, it is found out.
    pub base_branch: Option<String>,
    /// What a push to the base branch is compared with where nobody says where the branch was before; when absent, everything
    /// counts as added.
    pub base: Option<BaseSetting>,
    /// Whether the image of a service may be built on that of another. To know it, Dockerfiles of all services are read.
    pub image_edges: bool,
}

impl Default for FleetSettings {
    fn default() -> Self {
        Self {
            services: None,
            base_branch: None,
            base: None,
            image_edges: true,
        }
    }
}

/// `[fleet] base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseSetting {
    /// The first parent: each push moves the branch by one merge.
    FirstParent,
}

impl BaseSetting {
    /// The words for them in the file.
    pub const NAMES: [(&'static str, Self); 1] = [("first-parent", Self::FirstParent)];
}
