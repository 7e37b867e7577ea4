//! `flota update`: every worktree at its pin, nested ones too, in one pool; and never at the price of somebody's work.
//!
//! A repository is cloned under a temporary name, its files are written beside it, and both are renamed into place when they
//! are whole: what a killed run leaves is either as before or as it should be. The next run goes by what it finds.

use std::{
    fs::{self, File, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use bstr::BString;
use gix::ObjectId;

use crate::{
    git::{
        gitmodules::Gitmodules,
        index::{self, Conflicted, Pins},
        network::clone::{self, Access, cache::ObjectCache},
        repository::Repository,
        submodule::{self, Store},
        vet::{self, Link},
    },
    interrupt,
    model::{
        error::{Error, Result},
        event::{Ending, Event},
        sync::{Outcome, Synced},
    },
    parallel,
};

mod enlist;
mod follow;
mod message;
mod one;

pub use crate::fleet::select::Wanted;
pub use follow::{Extent, follow};
pub(super) use one::{create_parent, settle};

/// Submodules within submodules: more of them than anybody nests by hand (CVE-2017-15298).
const DEPTH_LIMIT: usize = 16;

/// Submodules of one fleet, nested ones too.
const COUNT_LIMIT: usize = 100_000;

/// How to bring the worktrees to their pins.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// How many submodules at a time.
    pub jobs: NonZeroUsize,
    /// How to reach servers.
    pub access: clone::CloneOptions<'a>,
}

/// Brings the wanted submodules of `fleet`, and all of theirs, to their pins. Sorted by path.
///
/// # Errors
/// Before anything is touched: a submodule is refused by its name, path or URL; another run is at work. What befalls single
/// submodules later is in their [`Outcome`].
pub fn update(fleet: &Repository, wanted: &Wanted, options: Options<'_>) -> Result<Vec<Synced>> {
    let pins = wanted.among(fleet, index::of_index(fleet)?)?;
    let _lock = lock(fleet)?;
    bring(fleet, pins, options)
}

/// The same, when it is settled which pins, and nobody else is at work.
fn bring(fleet: &Repository, pins: Pins, options: Options<'_>) -> Result<Vec<Synced>> {
    let Some(root) = fleet.work_dir() else {
        return Err(Error::repository(
            "a bare repository has no worktrees to update",
        ));
    };
    let Pins { links, conflicted } = pins;
    let absolute = |path: &Path| {
        path.canonicalize().map_err(|err| {
            Error::unavailable(format!("cannot read `{}`", path.display())).because(err)
        })
    };
    if options.access.is_cached
        && let Some(cache) = ObjectCache::of_user()
        && let Err(error) = cache.expire()
    {
        let events = options.access.events;
        events(Event::Notice(error.to_string()));
    }
    let run = Run {
        access: Access::new(fleet, options.access)?,
        scratch: scratch(fleet)?,
        options,
        begun: AtomicUsize::new(0),
        done: Mutex::default(),
    };
    let top = Arc::new(Parent {
        root: absolute(root)?,
        git_dir: absolute(fleet.common_dir())?,
        repository: Repository::discover(root)?,
        path: BString::default(),
        above: Vec::new(),
    });
    parallel::pool(options.jobs)?.scope(|scope| run.level(scope, &top, links));
    let (mut done, parents) = run
        .done
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .parts();
    for (parent, whole) in parents {
        enlist::enlist(&parent, &whole)?;
    }
    done.extend(conflicted.into_iter().map(in_conflict));
    done.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(done)
}

/// There is no saying where it belongs.
fn in_conflict(conflicted: Conflicted) -> Synced {
    Synced {
        path: conflicted.path,
        pin: None,
        outcome: Outcome::Left(
            Error::repository("its pin is in conflict").hint("settle it: flota resolve"),
        ),
    }
}

/// A repository whose submodules are brought.
struct Parent {
    repository: Repository,
    /// Its worktree's root and its git directory, absolute.
    root: PathBuf,
    git_dir: PathBuf,
    /// Where it sits, from the fleet's root; empty for the fleet.
    path: BString,
    /// The commits of the submodules it lies in, itself included.
    above: Vec<ObjectId>,
}

impl Parent {
    fn path_of(&self, link: &Link) -> BString {
        match self.path.is_empty() {
            true => link.path.clone(),
            false => [&self.path[..], b"/", &link.path].concat().into(),
        }
    }
}

struct Run<'a> {
    access: Access<'a>,
    /// Where new clones grow: beside the fleet's git directory, so that a rename puts them in place.
    scratch: tempfile::TempDir,
    options: Options<'a>,
    begun: AtomicUsize,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    synced: Vec<Synced>,
    whole: Vec<(Arc<Parent>, Link)>,
}

/// A repository, and those of its submodules that are in place.
type Whole = (Arc<Parent>, Vec<Link>);

impl Done {
    fn parts(self) -> (Vec<Synced>, Vec<Whole>) {
        let mut parents: Vec<Whole> = Vec::new();
        for (parent, link) in self.whole {
            match parents
                .iter_mut()
                .find(|(other, _)| Arc::ptr_eq(other, &parent))
            {
                Some((_, links)) => links.push(link),
                None => parents.push((parent, vec![link])),
            }
        }
        (self.synced, parents)
    }
}

impl Run<'_> {
    /// Starts on the submodules of one repository; those start on theirs.
    fn level<'s>(&'s self, scope: &rayon::Scope<'s>, parent: &Arc<Parent>, links: Vec<Link>) {
        (self.options.access.events)(Event::Planned { jobs: links.len() });
        for link in links {
            let parent = Arc::clone(parent);
            scope.spawn(move |scope| self.submodule(scope, &parent, link));
        }
    }

    fn submodule<'s>(&'s self, scope: &rayon::Scope<'s>, parent: &Arc<Parent>, link: Link) {
        let job = self.begun.fetch_add(1, Ordering::Relaxed);
        let path = parent.path_of(&link);
        let started = Instant::now();
        let outcome = match interrupt::pending() {
            Some(exit) => Err(Error::new(exit, "not begun")),
            None if job >= COUNT_LIMIT => Err(Error::repository(format!(
                "more than {COUNT_LIMIT} submodules, one in another"
            ))),
            None => self.bring(job, parent, &link, &path),
        };
        let outcome = match outcome.unwrap_or_else(Outcome::Failed) {
            outcome @ (Outcome::Left(_) | Outcome::Failed(_)) => outcome,
            outcome => match self.nested(parent, &link, &path) {
                Ok(None) => outcome,
                Ok(Some((parent, links))) => {
                    self.level(scope, &parent, links);
                    outcome
                }
                Err(error) => Outcome::Failed(error),
            },
        };
        // What breaks off then breaks off because of it.
        let outcome = match (outcome, interrupt::pending()) {
            (Outcome::Failed(_), Some(exit)) => Outcome::Failed(Error::new(exit, "interrupted")),
            (outcome, _) => outcome,
        };
        (self.options.access.events)(Event::Finished {
            job,
            name: path.to_string(),
            ending: ending(&outcome),
            took: started.elapsed(),
            log: None,
        });
        let is_whole = outcome.error().is_none();
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.synced.push(Synced {
            path,
            pin: Some(link.pin),
            outcome,
        });
        if is_whole {
            done.whole.push((Arc::clone(parent), link));
        }
    }

    /// The submodule as a parent, with the submodules of the commit it is pinned at; none when it has no submodules.
    fn nested(
        &self,
        parent: &Parent,
        link: &Link,
        path: &BString,
    ) -> Result<Option<(Arc<Parent>, Vec<Link>)>> {
        let root = one::work_dir(parent, link)?;
        let Some(git_dir) = submodule::git_dir_of(&root) else {
            return Ok(None);
        };
        let store = Store::at(git_dir.clone(), link.pin.kind());
        let tree = store.as_ref().map(|store| store.tree_of(link.pin));
        // HEAD says that it is here.
        let (Some(store), Some(tree)) = (store, tree.transpose()?.flatten()) else {
            return Err(Error::repository(format!(
                "its commit {} is missing from `{}`",
                link.pin,
                git_dir.display()
            ))
            .hint("git finds what is damaged: git fsck"));
        };
        // Most services have none, and need not be read from end to end to know.
        if !Gitmodules::is_in(store.objects(), tree)? {
            return Ok(None);
        }
        let links = vet::links_of_tree(store.objects(), tree)?;
        if links.is_empty() {
            return Ok(None);
        }
        if parent.above.len() >= DEPTH_LIMIT || parent.above.contains(&link.pin) {
            return Err(Error::repository(format!(
                "its submodules lie in each other without end, or deeper than {DEPTH_LIMIT}"
            )));
        }
        let repository = Repository::discover(&root)?;
        let nested = Parent {
            git_dir: git_dir.canonicalize().unwrap_or(git_dir),
            repository,
            root,
            path: path.clone(),
            above: parent.above.iter().copied().chain([link.pin]).collect(),
        };
        check_urls(&nested.repository, &links)?;
        Ok(Some((Arc::new(nested), links)))
    }
}

/// Refuses URLs that git would refuse, or that lead where submodules may not lead, before any of them is asked.
pub(super) fn check_urls(repository: &Repository, links: &[Link]) -> Result<()> {
    for link in links {
        // Without a URL it is not refused: it cannot be brought, and the others can.
        if link
            .listed
            .as_ref()
            .is_some_and(|listed| listed.url.is_some())
        {
            one::source(repository, link)?;
        }
    }
    Ok(())
}

fn ending(outcome: &Outcome) -> Ending {
    match outcome {
        Outcome::Current => Ending::Reused("in step".into()),
        Outcome::Cloned => Ending::Done("cloned".into()),
        Outcome::CheckedOut => Ending::Done("checked out".into()),
        Outcome::Moved { .. } => Ending::Done("moved to its pin".into()),
        Outcome::Left(_) => Ending::Failed,
        Outcome::Failed(error) if error.exit().is_signal() => Ending::Stopped,
        Outcome::Failed(_) => Ending::Failed,
    }
}

/// Held for as long as the run lasts; goes with the process, however that ends.
pub(super) fn lock(fleet: &Repository) -> Result<File> {
    let folder = fleet.common_dir().join("flota");
    let path = folder.join("update.lock");
    let cannot =
        |err| Error::unavailable(format!("cannot write `{}`", path.display())).because(err);
    fs::create_dir_all(&folder).map_err(cannot)?;
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Who it is helps, and is no more than that.
            let _ = file.read_to_string(&mut owner);
            return Err(Error::unavailable(format!(
                "another run of flota (process {}) is updating this fleet",
                owner.trim()
            ))
            .hint("wait for it, and run this again"));
        }
        Err(TryLockError::Error(err)) => return Err(cannot(err)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()))
        .map_err(cannot)?;
    Ok(file)
}

/// A folder for what is not whole yet. What killed runs left is swept away: the lock is held.
pub(super) fn scratch(fleet: &Repository) -> Result<tempfile::TempDir> {
    const PREFIX: &str = "new-";
    let folder = fleet.common_dir().join("flota");
    let cannot =
        |err| Error::unavailable(format!("cannot write into `{}`", folder.display())).because(err);
    let folder = folder.canonicalize().map_err(cannot)?;
    for entry in fs::read_dir(&folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            // A git that outlived its flota may still write there; then it goes with the next run.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    tempfile::Builder::new()
        .prefix(PREFIX)
        .tempdir_in(&folder)
        .map_err(cannot)
}
