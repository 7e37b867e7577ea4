//! A repository's configuration file, edited in place: existing lines are kept as they are.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use bstr::{BStr, BString, ByteSlice};
use gix::config::{File, Source, file::Metadata};

use super::lock;
use crate::model::error::{Error, Result};

pub(in crate::git) mod syntax;

/// The file, read; written by [`ConfigFile::write`], if something was set.
pub struct ConfigFile {
    path: PathBuf,
    file: File,
    is_changed: bool,
}

impl ConfigFile {
    /// Reads the configuration of `git_dir`.
    ///
    /// # Errors
    /// Unavailable: it cannot be read. Repository: it is damaged.
    pub fn of(git_dir: &Path) -> Result<Self> {
        let path = git_dir.join("config");
        let text = fs::read(&path).map_err(|err| {
            Error::unavailable(format!("cannot read `{}`", path.display())).because(err)
        })?;
        Self::parse(path, &text)
    }

    /// The file `path`, which holds `text`: a `.gitmodules` has the same form.
    ///
    /// # Errors
    /// Repository: it is damaged.
    pub fn parse(path: PathBuf, text: &[u8]) -> Result<Self> {
        let metadata = Metadata::from(Source::Local);
        let file =
            File::from_bytes_no_includes(text, metadata, Default::default()).map_err(|err| {
                Error::repository(format!("cannot read `{}`", path.display())).because(err)
            })?;
        Ok(Self {
            path,
            file,
            is_changed: false,
        })
    }

    /// Whether `section.name.key` has a value.
    pub fn has(&self, section: &str, name: Option<&BStr>, key: &str) -> bool {
        self.file.string_by(section, name, key).is_some()
    }

    /// The value of `section.name.key`; the last one, where it has several.
    pub fn value(&self, section: &str, name: Option<&BStr>, key: &str) -> Option<BString> {
        self.file.string_by(section, name, key)
    }

    /// Whether `section.name.key` is just `value`.
    pub fn is(&self, section: &str, name: Option<&BStr>, key: &str, value: &str) -> bool {
        self.file
            .string_by(section, name, key)
            .is_some_and(|found| found == value)
    }

    /// Sets `section.name.key`.
    ///
    /// # Errors
    /// Repository: it cannot be written in a configuration file.
    pub fn set(
        &mut self,
        section: &'static str,
        name: Option<&BStr>,
        key: &'static str,
        value: &[u8],
    ) -> Result<()> {
        self.is_changed = true;
        self.file
            .set_raw_value_by(section, name, key, value.as_bstr())
            .map(drop)
            .map_err(|err| {
                Error::repository(format!(
                    "cannot set {section}.{key} in `{}`",
                    self.path.display()
                ))
                .because(err)
            })
    }

    /// Adds one more value to `section.name.key`.
    ///
    /// # Errors
    /// Repository: it cannot be written in a configuration file.
    pub fn add(
        &mut self,
        section: &'static str,
        name: Option<&BStr>,
        key: &'static str,
        value: &[u8],
    ) -> Result<()> {
        self.is_changed = true;
        let added = self
            .file
            .section_mut_or_create_new(section, name)
            .and_then(|mut section| section.push(key, Some(value.as_bstr())).map(drop));
        added.map_err(|err| {
            let path = self.path.display();
            Error::repository(format!("cannot add {section}.{key} to `{path}`")).because(err)
        })
    }

    /// Removes the section `section.name`; whether it was there.
    pub fn remove(&mut self, section: &'static str, name: &BStr) -> bool {
        let removed = self.file.remove_section(section, Some(name)).is_some();
        self.is_changed |= removed;
        removed
    }

    /// Its text as it would be written.
    pub fn text(&self) -> Vec<u8> {
        self.file.to_bstring().into()
    }

    /// Replaces the file as git does: `config.lock` beside it first, then a rename.
    ///
    /// # Errors
    /// Unavailable: it cannot be written. Repository: somebody else is writing it, or died there.
    pub fn write(self) -> Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        let lock = self.path.with_extension("lock");
        let cannot = |err: io::Error| match err.kind() {
            io::ErrorKind::AlreadyExists => lock::taken(&lock),
            _ => Error::unavailable(format!("cannot write `{}`", self.path.display())).because(err),
        };
        let file = fs::File::create_new(&lock).map_err(cannot)?;
        // As git keeps it: others may have to read and write it, too (git-config(1), `core.sharedRepository`).
        let keep_mode = || match fs::metadata(&self.path) {
            Ok(old) => file.set_permissions(old.permissions()),
            Err(_) => Ok(()),
        };
        let written = keep_mode()
            .and_then(|()| (&file).write_all(&self.text()))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&lock, &self.path));
        if written.is_err() {
            // The reason why it was not written is the one to tell.
            let _ = fs::remove_file(&lock);
        }
        written.map_err(cannot)
    }
}
