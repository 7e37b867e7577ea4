//! Services that the fleet does not link any more, and that left a worktree or a git directory behind. `git submodule deinit` is done
//! by hand, if at all; what is in them is on nobody's list.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use bstr::{BStr, BString, ByteVec};

use super::worktree;
use crate::{
    git::{self, index::Pins, repository::Repository, status, submodule},
    model::{
        error::Result,
        leftover::{Leftover, LocalWork},
    },
};

/// How many parts the name of a submodule may have to be found.
const DEPTH: usize = 32;

/// A git directory without a service.
pub(crate) struct Remains {
    /// Its name below `modules`.
    pub name: BString,
    /// Its git directory.
    pub git_dir: PathBuf,
    /// Its worktree, if it has one.
    pub work_dir: Option<PathBuf>,
    /// Where that is or was, from the fleet's root; its name, where nobody knows.
    pub path: BString,
}

/// All that is left of services that are not among `pins`, which are all of the fleet's. Sorted by name.
pub(crate) fn find(fleet: &Repository, pins: &Pins) -> Vec<Remains> {
    // A fleet that cannot be found any more has no leftovers to be found.
    let (Ok(root), Ok(git_dir)) = (fleet.folder(), fleet.git_dir().canonicalize()) else {
        return Vec::new();
    };
    let settled = pins.links.iter().map(|link| (link.name(), &link.path));
    let conflicted = pins.conflicted.iter().map(|one| {
        let name = one.listed.as_ref().map(|listed| listed.name.as_ref());
        (name.unwrap_or(one.path.as_ref()), &one.path)
    });
    let linked: Vec<_> = settled.chain(conflicted).collect();
    let names = linked.iter().map(|(name, _)| *name).collect();
    let mut all = git_dirs(&git_dir.join("modules"), &names);
    if all.is_empty() {
        return Vec::new();
    }
    // Under another name than today's, a git directory may serve a service all the same.
    let used = linked.iter().filter_map(|(_, path)| {
        let work_dir = worktree::of(&root, path.as_ref()).ok()?;
        submodule::git_dir_of(&work_dir)?.canonicalize().ok()
    });
    let used: BTreeSet<_> = used.collect();
    all.retain(|(_, git_dir)| {
        let git_dir = git_dir.canonicalize();
        git_dir.is_ok_and(|git_dir| !used.contains(&git_dir))
    });
    all.into_iter()
        .map(|(name, git_dir)| Remains::new(&root, name, git_dir))
        .collect()
}

impl Remains {
    fn new(root: &Path, name: BString, git_dir: PathBuf) -> Self {
        let work_dir = worktree::claimed(&git_dir);
        let noted = || {
            let noted = git::worktree::noted(&git_dir).ok()??;
            // What is not there cannot be asked where it is.
            Some(gix::path::normalize(noted.into(), root)?.into_owned())
        };
        let folder = work_dir.clone().or_else(noted);
        let path = folder
            .as_deref()
            .and_then(|path| path.strip_prefix(root).ok());
        let path = path.map(|path| BString::from(Vec::from_path_lossy(path).into_owned()));
        Self {
            path: path.unwrap_or_else(|| name.clone()),
            name,
            git_dir,
            work_dir,
        }
    }

    /// The git directories of its own submodules, at every level.
    pub(crate) fn nested(&self) -> Vec<Self> {
        let own = git_dirs(&self.git_dir.join("modules"), &BTreeSet::new());
        let root = self.work_dir.clone().unwrap_or_default();
        let mut all = Vec::new();
        for (name, git_dir) in own {
            let one = Self::new(&root, name, git_dir);
            all.extend(one.nested());
            all.push(one);
        }
        all
    }

    /// What is in it and nowhere else, told without asking a server.
    pub(super) fn leftover(self) -> Leftover {
        let found = self.work();
        Leftover {
            path: self.path,
            name: self.name,
            work: *found.as_ref().unwrap_or(&LocalWork::default()),
            error: found.err(),
        }
    }

    fn work(&self) -> Result<LocalWork> {
        let repo = status::open_git_dir(&self.git_dir)?;
        let seen = match &self.work_dir {
            Some(work_dir) => Some(status::of(work_dir, None)?),
            None => None,
        };
        Ok(LocalWork {
            changes: seen.as_ref().map(|seen| seen.changes).unwrap_or_default(),
            unpushed: worktree::unpushed_commits(&self.git_dir)?,
            stashes: status::stashes(&repo)?,
            operation: git::operation::under_way(&self.git_dir),
        })
    }
}

/// The git directories in `modules`, by name, but for those of `names`.
fn git_dirs(modules: &Path, names: &BTreeSet<&BStr>) -> Vec<(BString, PathBuf)> {
    let mut found = Vec::new();
    walk(modules, &BString::default(), names, DEPTH, &mut found);
    found.sort();
    found
}

fn walk(
    folder: &Path,
    name: &BString,
    names: &BTreeSet<&BStr>,
    depth: usize,
    found: &mut Vec<(BString, PathBuf)>,
) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        // Not through a link: what it leads to is not the fleet's.
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let own = Vec::from_os_string(entry.file_name()).unwrap_or_default();
        let name: BString = match name.is_empty() {
            true => own.into(),
            false => [&name[..], b"/", &own].concat().into(),
        };
        if names.contains(&BStr::new(&name[..])) {
            continue;
        }
        let path = entry.path();
        if path.join("HEAD").is_file() {
            found.push((name, path));
        } else if depth > 0 {
            walk(&path, &name, names, depth - 1, found);
        }
    }
}
