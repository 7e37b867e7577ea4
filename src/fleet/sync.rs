//! Checks out the pins in all worktrees, nested ones too, in one thread pool, and never loses anybody's work.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use bstr::BString;

use super::{
    activate::activate,
    choices::{self, Choices, NestedLimits},
    lock::FleetLock,
    parent::{Parent, check_urls},
    worktree::{self, Strategy, Worktrees},
};
use crate::{
    git::{
        gitmodules::Gitmodules,
        index::{self, Pins},
        network::clone::{self, Access, cache::ObjectCache},
        owner, path,
        repository::Repository,
        submodule::{self, Store},
        vet::{self, Link},
    },
    interrupt,
    model::{
        error::{Error, Result},
        event::{Ending, Event},
        fleet::NESTING_LIMIT,
        sync::{SyncOutcome, Synced},
    },
    parallel,
};

/// How to bring the worktrees to their pins.
#[derive(Clone, Copy)]
pub struct SyncOptions<'a> {
    /// How many submodules at a time.
    pub jobs: NonZeroUsize,
    /// Whether the user said so; else what git's configuration says counts (`submodule.fetchJobs`).
    pub are_jobs_chosen: bool,
    /// How to reach servers.
    pub access: clone::CloneOptions<'a>,
    /// Whether files may go that git ignores, and that a commit to check out holds.
    pub overwrites_ignored: bool,
}

/// Brings the submodules that `pins` names, and all of theirs, to these pins. Sorted by path.
///
/// # Errors
/// Before anything is touched: the fleet is bare, or cannot be read or written. Later: the fleet's configuration cannot be written.
/// The results of single submodules are in their [`SyncOutcome`].
pub(crate) fn sync(
    fleet: &Repository,
    lock: &FleetLock,
    pins: Pins,
    options: SyncOptions<'_>,
) -> Result<Vec<Synced>> {
    let Some(root) = fleet.work_dir() else {
        return Err(Error::repository(
            "a bare repository has no worktrees to update",
        ));
    };
    sync_below(fleet, root, BString::default(), lock, pins, options)
}

/// Brings the submodules of the service at `path`, whose worktree is `root`, to the pins that its index has, as [`sync`] does for the
/// fleet's. None where it has none.
///
/// # Errors
/// As for [`sync`].
pub(crate) fn sync_service(
    root: &Path,
    path: BString,
    lock: &FleetLock,
    options: SyncOptions<'_>,
) -> Result<Vec<Synced>> {
    let service = Repository::discover(root)?;
    let pins = index::of_index(&service)?;
    match pins.links.is_empty() && pins.conflicted.is_empty() {
        true => Ok(Vec::new()),
        false => sync_below(&service, root, path, lock, pins, options),
    }
}

/// The same for a repository that sits at `path` in the fleet, its worktree at `root`.
fn sync_below(
    repository: &Repository,
    root: &Path,
    path: BString,
    lock: &FleetLock,
    pins: Pins,
    options: SyncOptions<'_>,
) -> Result<Vec<Synced>> {
    let Pins { links, conflicted } = pins;
    let absolute = |path: &Path| {
        path.canonicalize().map_err(|err| {
            Error::unavailable(format!("cannot read `{}`", path.display())).because(err)
        })
    };
    let (root, git_dir) = (absolute(root)?, absolute(repository.git_dir())?);
    owner::check(&root, &git_dir)?;
    if options.access.is_cached
        && let Some(cache) = ObjectCache::of_user()
        && let Err(error) = cache.expire()
    {
        let events = options.access.events;
        events(Event::Notice(error.to_string()));
    }
    let configured = match options.are_jobs_chosen {
        true => None,
        false => choices::fetch_jobs(repository)?,
    };
    let chosen = Choices::of(repository)?.complete(options.access);
    let access = clone::CloneOptions {
        children: configured.unwrap_or(chosen.children),
        ..chosen
    };
    let run = SyncRun {
        worktrees: Worktrees {
            access: Access::new(repository, access)?,
            scratch: lock.scratch()?,
            events: options.access.events,
            overwrites_ignored: options.overwrites_ignored,
        },
        limits: NestedLimits::of(repository)?,
        begun: AtomicUsize::new(0),
        nested: AtomicUsize::new(0),
        done: Mutex::default(),
    };
    let top = Arc::new(Parent {
        siblings: siblings(&absolute(repository.common_dir())?, &git_dir),
        repository: Repository::discover(&root)?,
        root,
        git_dir,
        path,
        above: Vec::new(),
        nested: None,
    });
    parallel::pool(configured.unwrap_or(options.jobs))?
        .scope(|scope| run.level(scope, &top, links));
    let (mut done, parents) = run
        .done
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .by_parent();
    for (parent, whole) in parents {
        activate(&parent, &whole)?;
    }
    done.extend(conflicted.into_iter().map(|one| Synced {
        path: top.path_below(&one.path),
        pin: None,
        outcome: SyncOutcome::Left(index::in_conflict()),
    }));
    done.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(done)
}

/// The git directories of all worktrees of a repository but for `own`: the one that they share, and those of linked worktrees
/// (gitrepository-layout(5)).
fn siblings(common_dir: &Path, own: &Path) -> Vec<PathBuf> {
    let linked = fs::read_dir(common_dir.join("worktrees"));
    let linked = linked.into_iter().flatten().flatten();
    let mut all: Vec<_> = linked.map(|entry| entry.path()).collect();
    all.sort();
    all.insert(0, common_dir.to_owned());
    all.retain(|one| one != own);
    all
}

/// One run.
struct SyncRun<'a> {
    worktrees: Worktrees<'a>,
    limits: NestedLimits,
    begun: AtomicUsize,
    /// How many nested submodules were found so far.
    nested: AtomicUsize,
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
    fn by_parent(self) -> (Vec<Synced>, Vec<Whole>) {
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

impl SyncRun<'_> {
    /// Starts on the submodules of one repository; those start on theirs.
    fn level<'s>(&'s self, scope: &rayon::Scope<'s>, parent: &Arc<Parent>, links: Vec<Link>) {
        (self.worktrees.events)(Event::Planned { jobs: links.len() });
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
            Some(exit) => Err(Error::new(exit, "not started")),
            None => self.worktrees.bring(job, parent, &link, &path),
        };
        let outcome = match outcome.unwrap_or_else(SyncOutcome::Failed) {
            outcome @ (SyncOutcome::Left(_) | SyncOutcome::Failed(_)) => outcome,
            outcome => match self.nested(parent, &link, &outcome, &path) {
                Ok(None) => outcome,
                Ok(Some((parent, links))) => {
                    self.level(scope, &parent, links);
                    outcome
                }
                Err(error) => SyncOutcome::Failed(error),
            },
        };
        // What breaks off then breaks off because of it.
        let outcome = match (outcome, interrupt::pending()) {
            (SyncOutcome::Failed(_), Some(exit)) => {
                SyncOutcome::Failed(Error::new(exit, "interrupted"))
            }
            (outcome, _) => outcome,
        };
        (self.worktrees.events)(Event::Finished {
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

    /// The submodule as a parent, with the submodules of the commit that it is at; none when it has no submodules.
    fn nested(
        &self,
        parent: &Parent,
        link: &Link,
        outcome: &SyncOutcome,
        path: &BString,
    ) -> Result<Option<(Arc<Parent>, Vec<Link>)>> {
        let head = match outcome {
            SyncOutcome::Rebased { to, .. } | SyncOutcome::Merged { to, .. } => *to,
            _ => link.pin,
        };
        let root = worktree::of(&parent.root, link.path.as_ref())?;
        let Some(git_dir) = submodule::git_dir_of(&root) else {
            return Ok(None);
        };
        let store = Store::at(git_dir.clone(), head.kind());
        let tree = store.as_ref().map(|store| store.tree_of(head));
        // HEAD says that it is here.
        let (Some(store), Some(tree)) = (store, tree.transpose()?.flatten()) else {
            return Err(Error::repository(format!(
                "its commit {head} is missing from `{}`",
                git_dir.display()
            ))
            .hint("see what is damaged: git fsck"));
        };
        // Most services have none, and need not be read from end to end to know.
        if !Gitmodules::is_in(store.objects(), tree)? {
            return Ok(None);
        }
        let links = vet::links_of_tree(store.objects(), tree)?;
        if links.is_empty() {
            return Ok(None);
        }
        if parent.above.len() >= NESTING_LIMIT || parent.above.contains(&link.pin) {
            return Err(Error::repository(format!(
                "its submodules are nested in a circle, or deeper than {NESTING_LIMIT}"
            )));
        }
        let counted = parent.nested.clone().unwrap_or_default();
        self.count(&counted, links.len())?;
        let repository = Repository::discover(&root)?;
        let name = path::relative("submodule name", link.name())?;
        let in_place_of = |one: &PathBuf| one.join("modules").join(&name);
        let nested = Parent {
            git_dir: git_dir.canonicalize().unwrap_or(git_dir),
            siblings: parent.siblings.iter().map(in_place_of).collect(),
            repository,
            root,
            path: path.clone(),
            above: parent.above.iter().copied().chain([link.pin]).collect(),
            nested: Some(counted),
        };
        check_urls(&nested.repository, &links)?;
        let repo = nested.repository.to_local()?;
        let config = repo.config_snapshot();
        let mut updated = Vec::new();
        for link in links {
            if Strategy::of(config.plumbing(), &link)? != Strategy::None {
                updated.push(link);
            }
        }
        Ok(Some((Arc::new(nested), updated)))
    }

    /// Takes note of `more` nested submodules of a service that has `counted` of them so far.
    ///
    /// # Errors
    /// Repository: they are more than anybody has, so that something clones itself (CVE-2017-15298).
    fn count(&self, counted: &AtomicUsize, more: usize) -> Result<()> {
        let NestedLimits {
            per_service,
            in_all,
        } = self.limits;
        let refuse = |limit: usize, of: &str, key: &str| {
            Err(Error::repository(format!(
                "refused its submodules: more than {limit} nested submodules in {of}"
            ))
            .hint(format!(
                "if that is right, allow more: git config flota.{key} NUMBER"
            )))
        };
        if counted.fetch_add(more, Ordering::Relaxed) + more > per_service {
            return refuse(per_service, "one service", "nestedPerService");
        }
        if self.nested.fetch_add(more, Ordering::Relaxed) + more > in_all {
            return refuse(in_all, "all services", "nestedInAll");
        }
        Ok(())
    }
}

fn ending(outcome: &SyncOutcome) -> Ending {
    match outcome {
        SyncOutcome::Current => Ending::Reused("in step".into()),
        SyncOutcome::Cloned => Ending::Done("cloned".into()),
        SyncOutcome::CheckedOut => Ending::Done("checked out".into()),
        SyncOutcome::Moved { .. } => Ending::Done("checked out its pin".into()),
        SyncOutcome::Relocated => Ending::Done("moved to its new path".into()),
        SyncOutcome::Rebased { .. } => Ending::Done("rebased on its pin".into()),
        SyncOutcome::Merged { .. } => Ending::Done("merged its pin".into()),
        SyncOutcome::Left(_) => Ending::Failed,
        SyncOutcome::Failed(error) if error.exit().is_signal() => Ending::Stopped,
        SyncOutcome::Failed(_) => Ending::Failed,
    }
}
