//! A commit's files written into a worktree, in process: what `git checkout` would write, attributes and the user's own
//! filters (LFS) applied. No hook runs.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use bstr::{BString, ByteSlice};
use gix::{ObjectId, index::entry::Mode, progress::Discard};

use super::{config_file::ConfigFile, conversion, objects::Objects, path, tree, unreadable};
use crate::{
    files, interrupt,
    model::error::{Error, Result},
};

/// Writes the files of `commit` into `folder`, which must be empty, and the index of `git_dir` to match. HEAD stays as it is.
/// A tree does as well.
///
/// # Errors
/// - Repository: the commit is damaged, or holds what may not be written (CVE-2014-9390, CVE-2019-1352, CVE-2024-32002).
/// - Work: a filter failed, or a file's content is missing or damaged. Unavailable: the disk is full, or cannot be written.
pub fn fill(git_dir: &Path, folder: &Path, commit: ObjectId) -> Result<()> {
    // It lies in the fleet's own git directory, whose owner was looked at; its worktree may not be there yet to be asked.
    let options = gix::open::Options::default()
        .with(gix::sec::Trust::Full)
        .open_path_as_is(true)
        .config_overrides(["core.protectHFS=true", "core.protectNTFS=true"]);
    let damaged = |err: gix::Error| {
        let error = Error::repository(format!("cannot read its commit {commit}"));
        unreadable::explain(error, git_dir, err)
    };
    let repo = options
        .open(git_dir)
        .map_err(|err| {
            Error::repository(format!("cannot open `{}`", git_dir.display())).because(err)
        })?
        .to_thread_local();
    let root = repo
        .find_object(commit)
        .and_then(|object| object.peel_to_tree())
        .map_err(damaged)?
        .id();
    // An index holds all of a tree: first see that it ends somewhere, and what it means to write.
    tree::links_for_checkout(Objects::new(&repo.objects), root.detach())?;
    let state =
        gix::index::State::from_tree(&root, &repo.objects, path::OPTIONS).map_err(damaged)?;
    let mut index = gix::index::File::from_state(state, git_dir.join("index"));
    check(&index)?;
    // Which of the files are wanted, and who may write the index, is for git to tell (git-sparse-checkout(1), git-config(1)).
    let config = repo.config_snapshot();
    let is_shared = config.string("core.sharedRepository").is_some();
    if is_shared || config.boolean("core.sparseCheckout") == Some(true) {
        return fill_by_git(git_dir, folder, commit);
    }

    let attributes = gix::worktree::stack::state::attributes::Source::IdMapping;
    let mut options = repo.checkout_options(attributes).map_err(damaged)?;
    options.destination_is_initially_empty = true;
    options.thread_limit = Some(1);
    let objects = repo
        .objects
        .clone()
        .into_arc()
        .map_err(|err| unwritten(folder, gix::Error::from_error(err)))?;
    let outcome = gix::worktree::state::checkout(
        &mut index,
        folder,
        objects,
        &Discard,
        &Discard,
        interrupt::flag(),
        options,
    )
    .map_err(|err| unwritten(folder, err))?;
    // An interrupted checkout ends well as far as gix is concerned.
    if let Some(exit) = interrupt::pending() {
        return Err(Error::new(exit, "interrupted while writing files"));
    }
    if let Some(collision) = outcome.collisions.first() {
        return Err(Error::repository(format!(
            "`{}` collides with another file of its tree on this file system",
            collision.path
        )));
    }
    if let Some(path) = outcome.delayed_paths_unprocessed.first() {
        return Err(Error::work(format!(
            "a filter gave no content for `{path}`"
        )));
    }
    let gitlinks = index
        .entries()
        .iter()
        .filter(|entry| entry.mode == Mode::COMMIT);
    for entry in gitlinks {
        let path = path::relative("path", entry.path(&index))?;
        fs::create_dir_all(folder.join(path))
            .map_err(|err| unwritten(folder, gix::Error::from_error(err)))?;
    }
    index
        .write(gix::index::write::Options::default())
        .map_err(|err| unwritten(folder, err))?;
    let paths = conversion::files_of_git(&repo, &index).map_err(damaged)?;
    if !paths.is_empty() {
        conversion::write(git_dir, folder, &paths)?;
    }
    match index_version(&repo) {
        Some(version) => conversion::git_in(git_dir, folder)
            .args(["update-index", "--index-version", &version])
            .run()?
            .check(|| Error::work("git cannot write its index"))
            .map(drop),
        None => Ok(()),
    }
}

/// The same by git, which leaves out what the user does not want.
fn fill_by_git(git_dir: &Path, folder: &Path, commit: ObjectId) -> Result<()> {
    let index = git_dir.join("index");
    match fs::remove_file(&index) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            return Err(files::cannot("write", &index, err));
        }
        _ => {}
    }
    conversion::git_in(git_dir, folder)
        .args(["read-tree", "-m", "-u", &commit.to_string()])
        .run()?
        .check(|| Error::work("its files cannot be written"))?;
    Ok(())
}

/// The version that the user wants indexes to have, where that is another than what gix writes (git-config(1), `index.version`,
/// `feature.manyFiles`).
fn index_version(repo: &gix::Repository) -> Option<String> {
    let config = repo.config_snapshot();
    let many = config.boolean("feature.manyFiles") == Some(true);
    let version = config.integer("index.version");
    let version = version
        .or(many.then_some(4))
        .filter(|version| *version == 4)?;
    Some(version.to_string())
}

/// Why a checkout broke off: a disk without room, a folder that nobody may write to; or a filter, or the content itself.
fn unwritten(folder: &Path, err: gix::Error) -> Error {
    use io::ErrorKind::{
        FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let folder = folder.display();
    let kind = err.downcast_any_ref().map(io::Error::kind);
    match kind {
        Some(full @ (StorageFull | FileTooLarge | QuotaExceeded)) => {
            Error::unavailable(format!("no space is left for its files in `{folder}`"))
                .because(io::Error::new(full, err))
                .hint("see how much space is left: df -h .")
        }
        Some(PermissionDenied | ReadOnlyFilesystem) => {
            Error::unavailable(format!("cannot write its files into `{folder}`")).because(err)
        }
        _ => Error::work("its files cannot be written")
            .because(err)
            .hint("if a filter failed: git config --get-regexp '^filter\\.'"),
    }
}

/// Whether every folder between `root` and `path` is one, and no symbolic link leads out of it; what is not there does no harm.
pub fn has_real_parents(root: &Path, path: &Path) -> bool {
    let mut at = root.to_owned();
    let parents = path.parent().into_iter().flat_map(Path::components);
    for part in parents {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return false,
            Err(err) => return err.kind() == io::ErrorKind::NotFound,
        }
    }
    true
}

/// Refuses a tree where a symbolic link passes for a folder or file of another spelling.
///
/// Two files may differ by case alone where the file system tells them apart; a link among them is an attack.
fn check(index: &gix::index::State) -> Result<()> {
    let links: HashMap<String, BString> = index
        .entries()
        .iter()
        .filter(|entry| entry.mode == Mode::SYMLINK)
        .map(|entry| {
            (
                path::folded(entry.path(index)),
                entry.path(index).to_owned(),
            )
        })
        .collect();
    if links.is_empty() {
        return Ok(());
    }
    for entry in index.entries() {
        let path = entry.path(index);
        let ends = path.find_iter("/").chain([path.len()]);
        for end in ends {
            let Some(link) = links.get(&path::folded(&path[..end])) else {
                continue;
            };
            // A link and a folder of one name are two entries of one tree (CVE-2026-44471).
            let is_itself = end == path.len() && *link == path;
            if !is_itself {
                return Err(Error::repository(format!(
                    "refused its tree: the symbolic link `{link}` is a part of `{path}`, or is the same where case or Unicode form does not count"
                )));
            }
        }
    }
    Ok(())
}

/// The folder in which a submodule's git directory has its files (git-config(1), `core.worktree`), whether it is there or not; none
/// where nothing is noted.
///
/// # Errors
/// As for [`ConfigFile::of`].
pub fn noted(git_dir: &Path) -> Result<Option<PathBuf>> {
    let noted = notes(git_dir)?.value("core", None, "worktree");
    Ok(noted.map(|way| git_dir.join(way.to_path_lossy())))
}

/// Makes `work_dir` and `git_dir` one repository, each with the way to the other; `work_dir` gets its gitfile last.
///
/// # Errors
/// As for [`ConfigFile::of`] and [`ConfigFile::write`].
pub fn connect(git_dir: &Path, work_dir: &Path) -> Result<()> {
    note(git_dir, &way(git_dir, work_dir))?;
    write_gitfile(work_dir, &way(work_dir, git_dir))
}

/// Notes in a git directory the way to its files.
///
/// # Errors
/// As for [`ConfigFile::of`] and [`ConfigFile::write`].
pub fn note(git_dir: &Path, way: &Path) -> Result<()> {
    let mut config = notes(git_dir)?;
    config.set("core", None, "worktree", way.as_os_str().as_bytes())?;
    config.write()
}

/// The file that says it: with `extensions.worktreeConfig`, git-sparse-checkout(1) and others move it out of `config`.
fn notes(git_dir: &Path) -> Result<ConfigFile> {
    let own = git_dir.join("config.worktree");
    if let Ok(text) = fs::read(&own) {
        let own = ConfigFile::parse(own, &text)?;
        if own.has("core", None, "worktree") {
            return Ok(own);
        }
    }
    ConfigFile::of(git_dir)
}

/// Writes the gitfile of a worktree (gitrepository-layout(5)): `way` leads to its git directory.
///
/// # Errors
/// Unavailable: it cannot be written.
pub fn write_gitfile(work_dir: &Path, way: &Path) -> Result<()> {
    let text = [b"gitdir: ", way.as_os_str().as_bytes(), b"\n"].concat();
    let path = work_dir.join(".git");
    files::replace(&path, &text).map_err(|err| files::cannot("write", &path, err))
}

/// The way from the folder `from` to `to`, both absolute, as git writes it into gitfiles and `core.worktree`.
pub fn way(from: &Path, to: &Path) -> PathBuf {
    pathdiff::diff_paths(to, from).unwrap_or_else(|| to.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use gix::index::{
        State,
        entry::{Flags, Stat},
    };

    use super::*;
    use crate::model::exit::Exit;

    #[test]
    fn only_real_folders_lead_to_a_path() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/file"), "").unwrap();
        symlink("b", root.join("a/link")).unwrap();
        symlink("nowhere", root.join("broken")).unwrap();
        let long = format!("{}/web", "x".repeat(300));
        for (path, want) in [
            ("web", true),
            ("a/web", true),
            ("a/b/web", true),
            ("a/missing/web", true),
            ("missing/deep/web", true),
            ("a/file/web", false),
            ("a/link/web", false),
            ("a/link/deep/web", false),
            ("broken/web", false),
            // What the path itself is, the caller looks at.
            ("a/link", true),
            ("a/file", true),
            // Nobody can say what is there: its name is too long.
            (&long, false),
        ] {
            assert_eq!(has_real_parents(root, path.as_ref()), want, "{path}");
        }
    }

    #[test]
    fn a_link_that_passes_for_another_path_is_refused() {
        const LINK: Mode = Mode::SYMLINK;
        const FILE: Mode = Mode::FILE;
        for (entries, is_refused) in [
            (&[][..], false),
            (&[("link", LINK)], false),
            (&[("link", LINK), ("link.txt", FILE)], false),
            (&[("a/link", LINK), ("link", FILE)], false),
            (&[("a", LINK), ("b", LINK)], false),
            // Without a link nothing leads out of the folder.
            (&[("A", FILE), ("a", FILE), ("a/b", FILE)], false),
            (&[("A", LINK), ("a", FILE)], true),
            (&[("A", LINK), ("a", LINK)], true),
            (&[("A", LINK), ("a/file", FILE)], true),
            (&[("dir/A", LINK), ("dir/a/deep/file", FILE)], true),
            (&[("A/file", FILE), ("a", LINK)], true),
            // The same spelling, a link and a folder.
            (&[("a", LINK), ("a/file", FILE)], true),
            // One letter, composed and not.
            (&[("caf\u{e9}", LINK), ("cafe\u{301}/file", FILE)], true),
        ] {
            let mut index = State::new(gix::hash::Kind::Sha1);
            for (path, mode) in entries {
                let id = ObjectId::null(gix::hash::Kind::Sha1);
                let path = path.as_bytes().as_bstr();
                index.dangerously_push_entry(Stat::default(), id, Flags::empty(), *mode, path);
            }
            match check(&index) {
                Ok(()) => assert!(!is_refused, "{entries:?}"),
                Err(error) => {
                    assert!(is_refused, "{entries:?}: {error}");
                    assert_eq!(error.exit(), Exit::Repository, "{entries:?}");
                }
            }
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_is_not_the_contents_fault() {
        use io::ErrorKind as Kind;
        for (kind, exit, message) in [
            (Kind::StorageFull, Exit::Unavailable, "no space is left"),
            (Kind::FileTooLarge, Exit::Unavailable, "no space is left"),
            (Kind::QuotaExceeded, Exit::Unavailable, "no space is left"),
            (Kind::PermissionDenied, Exit::Unavailable, "cannot write"),
            (Kind::ReadOnlyFilesystem, Exit::Unavailable, "cannot write"),
            (Kind::NotFound, Exit::WorkFailed, "cannot be written"),
        ] {
            let err = gix::Error::from_error(io::Error::from(kind));
            let error = unwritten("repos/web".as_ref(), err);
            assert_eq!(error.exit(), exit, "{kind}");
            assert!(error.to_string().contains(message), "{kind}: {error}");
        }
    }

    #[test]
    fn the_way_climbs_to_what_both_share() {
        let way = |from: &str, to: &str| way(from.as_ref(), to.as_ref());
        assert_eq!(
            way("/f/.git/modules/web", "/f/repos/web"),
            Path::new("../../../repos/web")
        );
        assert_eq!(
            way("/f/repos/web", "/f/.git/modules/web"),
            Path::new("../../.git/modules/web")
        );
    }
}
