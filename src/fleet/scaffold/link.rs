//! The link: the service's repository and files in their places, and what `.gitmodules`, the index and the configuration say.
//!
//! What is on disk is what `git submodule add -b BRANCH --name NAME URL PATH` leaves. The index is written last, so that the
//! fleet has the service or does not. A note in the git directory, `flota/linking`, exists while that is in progress.

use std::{
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use bstr::{BStr, ByteSlice};
use gix::{ObjectId, objs::tree::EntryKind};

use super::{
    committer::Committer,
    index::{Listing, ServicePlace},
    start::Start,
    undo::Undo,
};
use crate::{
    files::{self, create_parent},
    fleet::{activate::activate_new, worktree::settle},
    git::{
        command::run,
        config_file::ConfigFile,
        gitmodules, index, path,
        repository::Repository,
        sharing, status, submodule,
        update_index::{Staged, stage},
        url::Source,
        worktree,
    },
    model::{
        error::{Error, Result},
        status::Changes,
    },
};

const SECTION: &str = "submodule";

/// A service to be linked.
pub(super) struct NewLink<'a> {
    pub(super) name: &'a str,
    pub(super) place: &'a ServicePlace,
    /// What `.gitmodules` is to say.
    pub(super) url: &'a BStr,
    /// What the fleet's configuration is to say.
    pub(super) source: &'a Source,
    pub(super) branch: &'a str,
    pub(super) commit: ObjectId,
}

impl NewLink<'_> {
    /// Puts the repository and the files of `start` into the fleet, and stages them.
    pub(super) fn make(
        &self,
        fleet: &Repository,
        root: &Path,
        start: &Start<'_>,
        undo: &mut Undo,
    ) -> Result<()> {
        self.note(fleet, undo)?;
        self.settle(fleet, root, start, undo)?;
        let listed = self.list(fleet, root, undo)?;
        self.stage(root, listed, undo)?;
        let config = fleet.common_dir().join("config");
        let before = fs::read(&config).map_err(|err| files::cannot("write", &config, err))?;
        activate_new(
            fleet.common_dir(),
            self.name.into(),
            self.source.url.as_ref(),
        )?;
        undo.push(move || restore(&config, Some(&before)));
        Ok(())
    }

    /// Says in the git directory what is under way.
    fn note(&self, fleet: &Repository, undo: &mut Undo) -> Result<()> {
        let note = note(fleet);
        let mut text = self.name.as_bytes().to_vec();
        for part in [&self.place.path, &self.source.url] {
            text.push(0);
            text.extend_from_slice(part);
        }
        write(&note, &text)?;
        // Whoever comes next may be another user, and takes it back.
        sharing::of(&fleet.to_local()?)
            .apply(&note)
            .map_err(|err| files::cannot("write", &note, err))?;
        undo.push(move || {
            let _ = fs::remove_file(note);
        });
        Ok(())
    }

    /// Renames git directory and files into their places.
    fn settle(
        &self,
        fleet: &Repository,
        root: &Path,
        start: &Start<'_>,
        undo: &mut Undo,
    ) -> Result<()> {
        let own = fleet
            .git_dir()
            .canonicalize()
            .map_err(|err| files::cannot("write", fleet.git_dir(), err))?;
        let modules = own.join("modules");
        let git_dir = modules.join(self.name);
        let work_dir = root.join(path::relative("path", self.place.path.as_ref())?);
        let mut config = ConfigFile::of(&start.git_dir())?;
        let way = worktree::way(&git_dir, &work_dir);
        config.set("core", None, "worktree", way.as_os_str().as_bytes())?;
        config.write()?;

        let had_modules = modules.exists();
        create_parent(&git_dir)?;
        undo.push(move || {
            if !had_modules {
                let _ = fs::remove_dir(modules);
            }
        });
        fs::rename(start.git_dir(), &git_dir)
            .map_err(|err| files::cannot("write", &git_dir, err))?;
        let gone = git_dir.clone();
        undo.push(move || {
            let _ = fs::remove_dir_all(gone);
        });
        let home = work_dir.parent().map(Path::to_owned).unwrap_or_default();
        let (had_home, had_work_dir) = (home.exists(), work_dir.exists());
        let (gone, empty) = (work_dir.clone(), work_dir.clone());
        undo.push(move || {
            if !had_home {
                let _ = fs::remove_dir(home);
            }
        });
        undo.push(move || {
            if had_work_dir {
                let _ = fs::create_dir(empty);
            }
        });
        settle(&start.root, &git_dir, &work_dir)?;
        undo.push(move || {
            let _ = fs::remove_dir_all(gone);
        });
        Ok(())
    }

    /// Adds the section to `.gitmodules`; the blob of its text.
    fn list(&self, fleet: &Repository, root: &Path, undo: &mut Undo) -> Result<ObjectId> {
        let file = root.join(gitmodules::FILE);
        let before = self.place.listing.text.clone();
        let text = before.as_deref().unwrap_or_default();
        let mut listing = ConfigFile::parse(file.clone(), text)?;
        let name = Some(self.name.into());
        listing.set(SECTION, name, "path", &self.place.path)?;
        listing.set(SECTION, name, "url", self.url)?;
        listing.set(SECTION, name, "branch", self.branch.as_bytes())?;
        let repo = fleet.to_local()?;
        let blob = repo
            .write_blob(listing.text())
            .map_err(|err| Error::unavailable("cannot write into the fleet").because(err))?
            .detach();
        listing.write()?;
        undo.push(move || restore(&file, before.as_deref()));
        Ok(blob)
    }

    fn stage(&self, root: &Path, listed: ObjectId, undo: &mut Undo) -> Result<()> {
        let before = self.place.listing.entry;
        let mode = before.map_or(EntryKind::Blob.into(), |(mode, _)| mode);
        let staged = [
            Staged {
                path: gitmodules::FILE.into(),
                entry: Some((mode, listed)),
            },
            Staged {
                path: self.place.path.as_ref(),
                entry: Some((EntryKind::Commit.into(), self.commit)),
            },
        ];
        stage(root, &staged, "stage the service")?;
        let (root, path) = (root.to_owned(), self.place.path.clone());
        undo.push(move || {
            let staged = [
                Staged {
                    path: gitmodules::FILE.into(),
                    entry: before,
                },
                Staged {
                    path: path.as_ref(),
                    entry: None,
                },
            ];
            let _ = stage(&root, &staged, "take the service out of the index");
        });
        Ok(())
    }

    /// Commits the link, and nothing else that may be staged.
    pub(super) fn commit(&self, root: &Path, committer: &Committer, message: &str) -> Result<()> {
        let path = path::relative("path", self.place.path.as_ref())?;
        let commit = committer
            .git(root)
            .args(["commit", "--quiet", "--message", message, "--only", "--"])
            .arg(gitmodules::FILE)
            .arg(path);
        run(commit, format!("commit `{}` in the fleet", self.name))
    }
}

/// Says that nothing is under way any more.
pub(super) fn complete(fleet: &Repository) -> Result<()> {
    let note = note(fleet);
    match fs::remove_file(&note) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            Err(files::cannot("write", &note, err))
        }
        _ => Ok(()),
    }
}

/// Takes back what a run left that was killed while it linked a service, or completes it if the index has it.
///
/// # Errors
/// Repository: somebody has worked in the service since.
pub(super) fn recover(fleet: &Repository, root: &Path) -> Result<()> {
    let note = note(fleet);
    let Ok(text) = fs::read(&note) else {
        return Ok(());
    };
    let mut parts = text.split(|byte| *byte == 0);
    let (Some(name), Some(place), Some(url)) = (parts.next(), parts.next(), parts.next()) else {
        return complete(fleet);
    };
    let name = name.to_str_lossy().into_owned();
    crate::model::name::check(&name)?;
    let relative = path::relative("path", place.as_bstr())?;
    let is_linked = index::of_index(fleet)?
        .links
        .iter()
        .any(|link| link.path == place);
    if is_linked {
        activate_new(fleet.common_dir(), name.as_str().into(), url.as_bstr())?;
        return complete(fleet);
    }
    let (work_dir, git_dir) = (
        root.join(relative),
        fleet.git_dir().join("modules").join(&name),
    );
    if work_dir.join(".git").exists() {
        let is_ours = submodule::git_dir_of(&work_dir)
            .and_then(|found| found.canonicalize().ok())
            .is_some_and(|found| git_dir.canonicalize().is_ok_and(|own| own == found));
        let found = status::of(&work_dir, None)?;
        if !is_ours || found.changes != Changes::default() || found.unpushed > 0 {
            return Err(Error::repository(format!(
                "a run of flota that created `{name}` was killed, and `{}` has changed since then",
                work_dir.display()
            ))
            .hint("move it away, and run this again"));
        }
        fs::remove_dir_all(&work_dir).map_err(|err| files::cannot("write", &work_dir, err))?;
    }
    if git_dir.exists() {
        fs::remove_dir_all(&git_dir).map_err(|err| files::cannot("write", &git_dir, err))?;
    }
    let listing = Listing::of_index(fleet)?;
    if let Some(text) = Listing::in_worktree(root)? {
        let file = root.join(gitmodules::FILE);
        let mut ours = ConfigFile::parse(file.clone(), &text)?;
        if Some(&text) != listing.text.as_ref() && ours.remove(SECTION, name.as_str().into()) {
            let before = listing.text.as_deref();
            if ours.text().trim_ascii() == before.unwrap_or_default().trim_ascii() {
                restore(&file, before);
            }
        }
    }
    complete(fleet)
}

fn note(fleet: &Repository) -> PathBuf {
    fleet.common_dir().join("flota").join("linking")
}

/// Puts a file back as it was.
fn restore(file: &Path, text: Option<&[u8]>) {
    let _ = match text {
        Some(text) => write(file, text),
        None => fs::remove_file(file).map_err(|err| files::cannot("write", file, err)),
    };
}

/// Writes a file whole, or not at all.
fn write(file: &Path, text: &[u8]) -> Result<()> {
    files::write(file, text).map_err(|err| files::cannot("write", file, err))
}
