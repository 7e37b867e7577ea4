//! Finding a repository, and opening it with all of its configuration.

use std::path::{Path, PathBuf};

use gix::{
    config::File,
    discover::{DOT_GIT_DIR, repository::Path as Place, upwards::Options, upwards_opts},
    objs::Find,
    odb::memory,
};

use super::super::{grafts::Grafts, unreadable};
use crate::model::error::{Error, Result};

/// The git directory, and the folder that people know it by.
pub(super) fn directories(found: &Place) -> (PathBuf, PathBuf) {
    match found {
        Place::WorkTree(root) => (root.join(DOT_GIT_DIR), root.clone()),
        Place::LinkedWorkTree { work_dir, git_dir } => (git_dir.clone(), work_dir.clone()),
        Place::Repository(git_dir) => (git_dir.clone(), git_dir.clone()),
    }
}

/// How far to look for it.
pub(super) fn search() -> Options<'static> {
    Options {
        // A ceiling elsewhere limits nothing here, as for git; to gix it is an error otherwise.
        match_ceiling_dir_or_error: false,
        ..Default::default()
    }
    .apply_environment()
}

/// Opens the repository of `dir` with its configuration.
pub(super) fn open(dir: &Path) -> Result<gix::ThreadSafeRepository> {
    let mut options = gix::open::Options::default().bail_if_untrusted(true);
    let mut opened = discover(dir, &options);
    if let Err(err) = &opened
        && err.is_permission_denied()
        && is_safe_by_environment(dir)
    {
        options = options
            .bail_if_untrusted(false)
            .filter_config_section(|_| true);
        opened = discover(dir, &options);
    }
    let mut repository = opened.map_err(|err| not_usable(dir, err))?;
    if Grafts::exist(common_dir(&repository)) {
        // The graph knows only the parents that commits name themselves; git does without it then, too.
        options = options.config_overrides(["core.commitGraph=false"]);
        repository = discover(dir, &options).map_err(|err| not_usable(dir, err))?;
    }
    // gix panics where it meets a damaged list later on.
    repository
        .to_thread_local()
        .shallow_commits()
        .map_err(|err| {
            let error =
                Error::repository("cannot read the list of commits at which the history is cut");
            unreadable::explain(error, dir, err)
        })?;
    Ok(repository)
}

fn discover(dir: &Path, options: &gix::open::Options) -> gix::Result<gix::ThreadSafeRepository> {
    let trust = gix::sec::trust::Mapping {
        full: options.clone(),
        reduced: options.clone(),
    };
    gix::ThreadSafeRepository::discover_opts(dir, search(), trust)
}

/// The git directory that all worktrees share.
pub(super) fn common_dir(repository: &gix::ThreadSafeRepository) -> &Path {
    let git_dir = repository.refs.git_dir();
    repository.refs.common_dir().unwrap_or(git_dir)
}

/// Whether `safe.directory` of the environment names the repository of `dir`, which belongs to somebody else: git-config(1) counts it
/// there as well as in the user's file, and gix does not.
fn is_safe_by_environment(dir: &Path) -> bool {
    let Ok(found) = upwards_opts(dir, search()) else {
        return false;
    };
    let (git_dir, worktree) = found.0.into_repository_and_work_tree_directories();
    let Ok(folder) = worktree.unwrap_or(git_dir).canonicalize() else {
        return false;
    };
    let Ok(settings) = File::from_environment_overrides() else {
        return false;
    };
    let mut is_safe = false;
    for named in settings.strings("safe.directory").unwrap_or_default() {
        is_safe = match named.as_slice() {
            // An empty one takes back those before it.
            b"" => false,
            b"*" => true,
            named => is_safe || named == folder.as_os_str().as_encoded_bytes(),
        };
    }
    is_safe
}

/// A bare repository among the tracked files of another came with them, its configuration too, which may name programs to run
/// (`safe.bareRepository` of git-config(1)).
pub(super) fn refuse_embedded(git_dir: &Path) -> Result<()> {
    let folder = git_dir
        .canonicalize()
        .unwrap_or_else(|_| git_dir.to_owned());
    let mut above = folder.ancestors().skip(1);
    let Some(around) = above.find(|above| above.join(".git").exists()) else {
        return Ok(());
    };
    let is_tracked = || {
        let repo = gix::open_opts(around, gix::open::Options::isolated()).ok()?;
        let head = folder.strip_prefix(around).ok()?.join("HEAD");
        let index = repo.index().ok()?;
        let path = gix::path::into_bstr(head.as_path()).ok()?;
        index.entry_by_path(path.as_ref()).map(drop)
    };
    match is_tracked() {
        None => Ok(()),
        Some(()) => Err(Error::repository(format!(
            "refused the bare repository `{}`: it is inside another repository",
            folder.display()
        ))
        .hint(format!("change to that one: cd {}", around.display()))),
    }
}

pub(super) fn not_usable(dir: &Path, err: gix::Error) -> Error {
    let foreign = err.is_permission_denied();
    let error = Error::repository(format!("no usable Git repository at `{}`", dir.display()));
    let error = match err.is_not_found() {
        // What lies below is the bare class of the error.
        true => error.because(err.to_string()),
        false => error.because(err),
    };
    if foreign {
        error.hint("if you trust its owner: git config --global --add safe.directory \"$PWD\"")
    } else {
        error
            .hint("change to a fleet's directory, or name it: flota -C DIR …")
            .hint("to try an example fleet first: flota demo")
    }
}

/// The commits that `info/grafts` gives other parents.
pub(super) fn grafted(whole: &gix::ThreadSafeRepository) -> memory::Storage {
    let grafts = Grafts::of(common_dir(whole));
    let mut grafted = memory::Storage::default();
    let objects = whole.objects.to_cache_arc();
    for commit in grafts.commits() {
        let mut text = Vec::new();
        let found = objects.try_find(&commit, &mut text);
        if let Ok(Some(gix::objs::Kind::Commit)) = found.map(|found| found.map(|data| data.kind)) {
            grafts.apply(&commit, &mut text);
            grafted.insert(commit, (gix::objs::Kind::Commit, text));
        }
    }
    grafted
}
