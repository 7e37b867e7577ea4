//! What git's configuration says of submodules that are in place: their URLs, and that they are active (gitsubmodules(7)).

use std::{fs, io::Write as _, path::Path};

use bstr::ByteSlice;

use super::{Parent, one};
use crate::{
    git::vet::Link,
    model::error::{Error, Result},
};

/// Writes it for all of `links` at once, under git's own lock; a section that is there stays as it is.
pub(super) fn enlist(parent: &Parent, links: &[Link]) -> Result<()> {
    let path = parent.git_dir.join("config");
    let cannot = |err: &dyn std::fmt::Display| {
        Error::environment(format!("cannot write `{}`", path.display())).because(err.to_string())
    };
    let text = fs::read(&path).map_err(|err| cannot(&err))?;
    let metadata = gix::config::file::Metadata::from(gix::config::Source::Local);
    let mut config = gix::config::File::from_bytes_no_includes(&text, metadata, Default::default())
        .map_err(|err| cannot(&err))?;
    let has = |config: &gix::config::File, link: &Link, key: &str| {
        config
            .string_by("submodule", Some(link.name()), key)
            .is_some()
    };
    let every = config
        .string_by("submodule", None, "active")
        .is_some_and(|pattern| pattern == ".");
    let mut is_changed = false;
    for link in links {
        if !every && !has(&config, link, "active") {
            set(&mut config, link, "active", "true".as_bytes()).map_err(|err| cannot(&err))?;
            is_changed = true;
        }
        if !has(&config, link, "url") {
            let source = one::source(&parent.repository, link)?;
            set(&mut config, link, "url", &source.url).map_err(|err| cannot(&err))?;
            is_changed = true;
        }
    }
    match is_changed {
        true => write(&path, &config.to_bstring()),
        false => Ok(()),
    }
}

fn set(
    config: &mut gix::config::File,
    link: &Link,
    key: &'static str,
    value: &[u8],
) -> gix::Result<()> {
    config
        .set_raw_value_by("submodule", Some(link.name()), key, value.as_bstr())
        .map(drop)
}

/// Replaces a configuration file as git does: `config.lock` beside it first, then a rename.
///
/// # Errors
/// Environment: it cannot be written, or somebody else is writing it.
pub(super) fn write(path: &Path, text: &[u8]) -> Result<()> {
    let lock = path.with_extension("lock");
    let cannot = |err| {
        Error::environment(format!("cannot write `{}`", path.display()))
            .because(err)
            .hint(format!("if no git is at work there: rm {}", lock.display()))
    };
    let mut file = fs::File::create_new(&lock).map_err(cannot)?;
    let written = file
        .write_all(text)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&lock, path));
    if written.is_err() {
        // The reason why it was not written is the one to tell.
        let _ = fs::remove_file(&lock);
    }
    written.map_err(cannot)
}
