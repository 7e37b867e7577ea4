//! What git's configuration says of submodules that are in place: their URLs, and that they are active (gitsubmodules(7)).

use super::{Parent, one};
use crate::{
    git::{config_file::ConfigFile, vet::Link},
    model::error::Result,
};

/// Writes it for all of `links` at once; what is there stays as it is.
pub(super) fn enlist(parent: &Parent, links: &[Link]) -> Result<()> {
    const SECTION: &str = "submodule";
    let mut config = ConfigFile::of(&parent.git_dir)?;
    let every = config.is(SECTION, None, "active", ".");
    for link in links {
        let name = Some(link.name());
        if !every && !config.has(SECTION, name, "active") {
            config.set(SECTION, name, "active", b"true")?;
        }
        if !config.has(SECTION, name, "url") {
            let source = one::source(&parent.repository, link)?;
            config.set(SECTION, name, "url", &source.url)?;
        }
    }
    config.write()
}
