//! What git's configuration says about submodules that are checked out: their URLs, and that they are active (gitsubmodules(7)).

use std::path::Path;

use bstr::BStr;

use super::parent::{Parent, has_other_url, source};
use crate::{
    git::{config_file::ConfigFile, vet::Link},
    model::error::Result,
};

const SECTION: &str = "submodule";

/// Writes it for all of `links` at once; what is there stays as it is, but for URLs that are no longer listed.
pub(super) fn activate(parent: &Parent, links: &[Link]) -> Result<()> {
    // All worktrees of a repository share it.
    let mut config = ConfigFile::of(parent.repository.common_dir())?;
    let every = is_every(&config);
    for link in links {
        let name = Some(link.name());
        if !every && !config.has(SECTION, name, "active") {
            config.set(SECTION, name, "active", b"true")?;
        }
        let is_there = config.has(SECTION, name, "url");
        if !is_there || has_other_url(&parent.repository, link)? {
            let source = source(&parent.repository, link)?;
            if !is_there || source.is_replaced {
                config.set(SECTION, name, "url", &source.url)?;
            }
        }
    }
    config.write()
}

/// Writes it for a new submodule of the fleet whose git directory this is, over what is there of an old one with its name.
pub(super) fn activate_new(git_dir: &Path, name: &BStr, url: &BStr) -> Result<()> {
    let mut config = ConfigFile::of(git_dir)?;
    config.set(SECTION, Some(name), "url", url)?;
    if !is_every(&config) {
        config.set(SECTION, Some(name), "active", b"true")?;
    }
    config.write()
}

/// As `flota clone` leaves a fleet: whatever it links is active.
fn is_every(config: &ConfigFile) -> bool {
    config.is(SECTION, None, "active", ".")
}
