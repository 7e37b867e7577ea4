//! `flota clone`: a fleet and all its submodules. The fleet itself appears complete or not at all; its submodules are cloned as
//! `flota update` clones them, so that one failure does not affect the others.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bstr::{BStr, ByteSlice};

use crate::{
    files::{self, SharedScratch},
    fleet::{
        choices::Choices,
        lock::FleetLock,
        parent::check_urls,
        select::Selector,
        sync::{SyncOptions, sync},
    },
    git::{
        Objects,
        config_file::ConfigFile,
        index::{self, Pins},
        network::clone,
        remote,
        repository::Repository,
        url, vet, worktree,
    },
    model::{
        error::{Error, Result},
        event::{Ending, Event, Events},
        sync::Synced,
    },
};

/// How the name of a fleet begins that is not whole yet.
const UNFINISHED: &str = ".flota-clone-";

/// What to clone, and how.
pub(crate) struct CloneRequest<'a> {
    /// Where from: a URL, or a folder.
    pub url: &'a BStr,
    /// Where to; the URL's last component when nobody says.
    pub directory: Option<&'a Path>,
    /// The branch to check out, instead of the one that the server's HEAD names.
    pub branch: Option<&'a str>,
    /// The services to bring; all of them when none is named.
    pub selector: &'a Selector,
    /// How to bring them.
    pub sync: SyncOptions<'a>,
}

/// What was cloned.
pub(crate) struct Cloned {
    /// Where it is.
    pub directory: PathBuf,
    /// Its submodules, nested ones too, sorted by path.
    pub synced: Vec<Synced>,
}

/// Clones a fleet.
///
/// # Errors
/// Before the fleet is in place, and then nothing of it stays: it cannot be reached, one of its submodules is refused, the
/// folder is taken. The results of single submodules are in [`Cloned::synced`].
pub(crate) fn clone(request: &CloneRequest<'_>) -> Result<Cloned> {
    let source = url::given(request.url)?;
    let place = Place::of(directory(request)?)?;
    let grows_in = place.grows_in();
    let cannot = |err| files::cannot("write into", grows_in, err);
    fs::create_dir_all(grows_in).map_err(cannot)?;
    let unfinished = SharedScratch::new(grows_in, UNFINISHED).map_err(cannot)?;
    let new = unfinished.path().join("fleet");
    place.check_free(unfinished.path())?;

    let access = request.sync.access;
    with_progress(access.events, &place.directory, || {
        fleet(&source, request.branch, access, &new)
    })?;
    // Before the fleet is in place: whoever goes on later, after whatever came in between, finds the choice there.
    let pins = choose(&new, request.selector, access)?;
    place.take(&new)?;
    drop(unfinished);

    let directory = place.directory;
    let repository = Repository::discover(&directory)?;
    let lock = FleetLock::take(&repository)?;
    let synced = sync(&repository, &lock, pins, request.sync)?;
    Ok(Cloned { directory, synced })
}

/// Where a fleet is to be.
struct Place {
    directory: PathBuf,
    /// The empty folder that is there, through whatever link: it is filled, and stays the folder it is, with its mode and its owner.
    existing: Option<PathBuf>,
}

impl Place {
    /// # Errors
    /// Misuse: something is there. Unavailable: nobody can tell.
    fn of(directory: PathBuf) -> Result<Self> {
        let existing = match fs::read_dir(&directory) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.map_err(|err| files::cannot("read", &directory, err))?;
                    // What a killed run left is swept away later.
                    let name = entry.file_name();
                    if !name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                        return Err(taken(&directory));
                    }
                }
                let existing = directory.canonicalize();
                Some(existing.map_err(|err| files::cannot("read", &directory, err))?)
            }
            Err(_) if fs::symlink_metadata(&directory).is_err() => None,
            Err(err) if err.kind() == io::ErrorKind::PermissionDenied => {
                return Err(files::cannot("read", &directory, err));
            }
            Err(_) => return Err(taken(&directory)),
        };
        Ok(Self {
            directory,
            existing,
        })
    }

    /// The folder in which it grows: one from which a rename takes it to its place.
    fn grows_in(&self) -> &Path {
        let parent = || self.directory.parent().unwrap_or(Path::new("/"));
        self.existing.as_deref().unwrap_or_else(parent)
    }

    /// Refuses a folder in which there is more than `own`.
    ///
    /// # Errors
    /// Misuse: something has come there, such as another run's clone.
    fn check_free(&self, own: &Path) -> Result<()> {
        let Some(existing) = &self.existing else {
            return Ok(());
        };
        let entries = fs::read_dir(existing).map_err(|err| files::cannot("read", existing, err))?;
        let mut names = entries.flatten().map(|entry| entry.file_name());
        match names.any(|name| Some(name.as_os_str()) != own.file_name()) {
            true => Err(taken(&self.directory)),
            false => Ok(()),
        }
    }

    /// Puts the finished fleet there.
    ///
    /// # Errors
    /// Unavailable: it cannot be moved; then nothing of it is there.
    fn take(&self, fleet: &Path) -> Result<()> {
        let done = match &self.existing {
            // With its `.git` it becomes a fleet.
            Some(existing) => files::move_into(fleet, existing, ".git"),
            None => fs::rename(fleet, &self.directory),
        };
        done.map_err(|err| files::cannot("write", &self.directory, err))
    }
}

/// The fleet's own repository and files, its submodules looked at before anything of it is written out.
fn fleet(
    source: &url::Source,
    branch: Option<&str>,
    access: clone::CloneOptions<'_>,
    new: &Path,
) -> Result<()> {
    let access = clone::Access::of_user(access);
    let depth = access.depth(None);
    access.clone(source, branch, depth, new)?;
    keep_login(source, new)?;
    let repository = Repository::discover(new)?;
    let Some(head) = repository.head()? else {
        // An empty repository is a fleet without services.
        return Ok(());
    };
    access.obtain(repository.git_dir(), source, head, depth)?;
    let objects = repository.objects();
    let links = vet::links_of_tree(Objects::new(&objects), repository.tree_of(head)?)?;
    check_urls(&repository, &links)?;
    worktree::fill(repository.git_dir(), new, head)
}

/// The URL as it was given, login and all, as git keeps it: relative URLs of submodules hang on it.
fn keep_login(source: &url::Source, new: &Path) -> Result<()> {
    if source.url == source.shown {
        return Ok(());
    }
    let remote = remote::name(&Repository::discover(new)?.to_local()?);
    let mut config = ConfigFile::of(&new.join(".git"))?;
    config.set("remote", Some(remote.as_ref()), "url", &source.url)?;
    config.write()
}

/// The submodules that are brought: all, or those that are named. Notes in the new fleet which these are (gitsubmodules(7),
/// `submodule.active`), and how they are to be cloned.
///
/// # Errors
/// Misuse: a word matches no service. Unavailable: the configuration cannot be written.
fn choose(fleet: &Path, selector: &Selector, options: clone::CloneOptions<'_>) -> Result<Pins> {
    let repository = Repository::discover(fleet)?;
    let git_dir = repository.git_dir();
    let mut config = ConfigFile::of(git_dir)?;
    let all = index::of_index(&repository)?;
    if !selector.is_named() {
        config.set("submodule", None, "active", b".")?;
        config.write()?;
        Choices::new(&options).note(git_dir)?;
        // What the user's own files say counts together with what was written just now.
        return selector.active_among(&Repository::discover(fleet)?, all);
    }
    let pins = selector.among(all)?;
    for link in &pins.links {
        match is_plain_pathspec(link.path.as_ref()) {
            true => config.add("submodule", None, "active", &link.path)?,
            false => config.set("submodule", Some(link.name()), "active", b"true")?,
        }
    }
    config.write()?;
    Choices::new(&options).note(git_dir)?;
    Ok(pins)
}

/// Whether a path as a pathspec means itself (gitglossary(7), "pathspec").
fn is_plain_pathspec(path: &BStr) -> bool {
    !path.starts_with(b":") && path.find_byteset(b"*?[\\").is_none()
}

/// `git clone`'s rule: the last component, without `.git`.
fn directory(request: &CloneRequest<'_>) -> Result<PathBuf> {
    let directory = match request.directory {
        Some(directory) => directory.to_owned(),
        None => humanish(request.url)?,
    };
    std::path::absolute(&directory).map_err(|err| {
        Error::misuse(format!("`{}` is not a directory", directory.display())).because(err)
    })
}

/// Nothing is written over.
fn taken(directory: &Path) -> Error {
    let shown = directory.display();
    let error = Error::misuse(format!("`{shown}` already exists and is not empty"));
    match directory.join(".git").exists() {
        true => error.hint(format!(
            "if it is this fleet, update its services: flota -C {shown} update"
        )),
        false => error.hint("name another directory: flota clone URL DIR"),
    }
}

fn humanish(url: &BStr) -> Result<PathBuf> {
    let trimmed = url.trim_end_with(|letter| letter == '/').as_bstr();
    let trimmed = trimmed.strip_suffix(b"/.git").unwrap_or(trimmed);
    let start = trimmed.rfind_byteset(b"/:").map_or(0, |at| at + 1);
    let name = trimmed[start..].as_bstr();
    let name = name.strip_suffix(b".git").unwrap_or(name).as_bstr();
    crate::git::path::component(name)
        .map(Path::to_owned)
        .map_err(|_| {
            Error::misuse("the URL gives no name for the directory")
                .hint("name it: flota clone URL DIR")
        })
}

/// The fleet is a job like its submodules: the first.
fn with_progress(
    events: Events<'_>,
    directory: &Path,
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let name = directory.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let started = std::time::Instant::now();
    let job = usize::MAX;
    events(Event::Planned { jobs: 1 });
    events(Event::Started {
        job,
        name: name.clone(),
        doing: "clone",
    });
    let done = work();
    events(Event::Finished {
        job,
        name,
        ending: match &done {
            Ok(()) => Ending::Done("cloned".into()),
            Err(error) if error.exit().is_signal() => Ending::Stopped,
            Err(_) => Ending::Failed,
        },
        took: started.elapsed(),
        log: None,
    });
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_named_as_git_names_it() {
        for (url, want) in [
            ("https://host/shop/fleet.git", "fleet"),
            ("https://host/shop/fleet/", "fleet"),
            ("git@host:fleet.git", "fleet"),
            ("/srv/fleet/.git", "fleet"),
            ("../fleet", "fleet"),
        ] {
            assert_eq!(humanish(url.into()).unwrap(), Path::new(want), "{url}");
        }
        for url in ["https://host/..", "/", "x:/.git"] {
            assert!(humanish(url.into()).is_err(), "{url}");
        }
    }
}
