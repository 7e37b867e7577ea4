//! `flota clone`: a fleet and all its submodules. The fleet itself appears complete or not at all; its submodules are cloned as
//! `flota update` clones them, so that one failure does not affect the others.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bstr::{BStr, ByteSlice};

use crate::{
    files::{self, SharedScratch},
    fleet::{
        lock::FleetLock,
        parent::check_urls,
        select::Selector,
        sync::{SyncOptions, sync},
    },
    git::{
        Objects,
        command::{git, run},
        config_file::ConfigFile,
        index,
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
    let directory = directory(request)?;
    let parent = directory.parent().unwrap_or(Path::new("/"));
    let cannot = |err| files::cannot("write into", parent, err);
    fs::create_dir_all(parent).map_err(cannot)?;
    // Beside its place, so that a rename puts it there.
    let unfinished = SharedScratch::new(parent, UNFINISHED).map_err(cannot)?;
    let new = unfinished.path().join("fleet");

    let access = request.sync.access;
    with_progress(access.events, &directory, || {
        fleet(&source, request.branch, access, &new)
    })?;
    choose(&new, request.selector)?;
    fs::rename(&new, &directory).map_err(|err| files::cannot("write", &directory, err))?;
    drop(unfinished);

    let repository = Repository::discover(&directory)?;
    let pins = request
        .selector
        .active_among(&repository, index::of_index(&repository)?)?;
    let lock = FleetLock::take(&repository)?;
    let synced = sync(&repository, &lock, pins, request.sync)?;
    Ok(Cloned { directory, synced })
}

/// The fleet's own repository and files, its submodules looked at before anything of it is written out.
fn fleet(
    source: &url::Source,
    branch: Option<&str>,
    access: clone::CloneOptions<'_>,
    new: &Path,
) -> Result<()> {
    let access = clone::Access::of_user(access);
    access.clone(source, branch, None, new)?;
    keep_login(source, new)?;
    let repository = Repository::discover(new)?;
    let Some(head) = repository.resolve_first(["HEAD"]).map(|(_, head)| head) else {
        // An empty repository is a fleet without services.
        return Ok(());
    };
    access.obtain(repository.git_dir(), source, head, None)?;
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

/// Notes which submodules are active (gitsubmodules(7)): all, or those that are brought now.
fn choose(fleet: &Path, selector: &Selector) -> Result<()> {
    match selector.is_named() {
        // Each gets its own mark once it is in place.
        true => Ok(()),
        false => run(
            git(fleet).args(["config", "submodule.active", "."]),
            "mark the submodules as active",
        ),
    }
}

/// `git clone`'s rule: the last component, without `.git`; and nothing is written over.
fn directory(request: &CloneRequest<'_>) -> Result<PathBuf> {
    let directory = match request.directory {
        Some(directory) => directory.to_owned(),
        None => humanish(request.url)?,
    };
    let directory = std::path::absolute(&directory).map_err(|err| {
        Error::misuse(format!("`{}` is not a directory", directory.display())).because(err)
    })?;
    let is_free = match fs::read_dir(&directory) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => fs::symlink_metadata(&directory).is_err(),
    };
    if is_free {
        return Ok(directory);
    }
    let error = Error::misuse(format!(
        "`{}` already exists and is not empty",
        directory.display()
    ));
    Err(match directory.join(".git").exists() {
        true => error.hint(format!(
            "if it is this fleet, update its services: flota -C {} update",
            directory.display()
        )),
        false => error.hint("name another directory: flota clone URL DIR"),
    })
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
