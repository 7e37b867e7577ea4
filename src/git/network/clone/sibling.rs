//! Cloning from the repository that another worktree of the fleet has of the same submodule (git-worktree(1), "modules"): its
//! objects become this one's as hard links, as `git clone --local` does it, and no server is asked. Never by alternates: a `git gc` in one worktree
//! would take the other's commits away. What is on disk then is what `git clone --no-checkout` leaves.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use bstr::{BStr, BString};

use super::layout::{self, HEADS, NewClone, Refs, TAGS};
use crate::{
    files,
    git::config_file::ConfigFile,
    model::error::{Error, Result},
};

/// How often to begin again where a `git gc` puts other packs in place of those that were seen.
const ATTEMPTS: usize = 3;

/// What belongs to a pack (gitrepository-layout(5)); the index goes last, since a pack counts once that is there.
const OF_A_PACK: [&str; 5] = ["pack", "rev", "bitmap", "promisor", "idx"];

/// Makes the repository `new` from the git directory `from`.
///
/// # Errors
/// It is no ordinary repository of the same URL, or is changing just now: then there are other ways. What was written is to be removed.
pub(super) fn clone(from: &Path, new: &NewClone<'_>) -> Result<()> {
    let options = gix::open::Options::isolated().bail_if_untrusted(true);
    let repo = gix::open_opts(from, options).map_err(|err| unfit(err.to_string()))?;
    if repo.object_hash() != gix::hash::Kind::Sha1 {
        return Err(unfit("its hash is not SHA-1"));
    }
    if from.join("objects/info/alternates").exists() {
        return Err(unfit("it borrows objects"));
    }
    let config = ConfigFile::of(from)?;
    let remote = remote(&repo, &config, new.url)?;
    let refs = refs(&repo, &remote)?;
    let git_dir = new.git_dir();
    layout::lay(new, &refs)?;
    // What a server left out it is asked for when it is needed, here as there.
    if config.is("remote", Some(remote.as_ref()), "promisor", "true") {
        partial(&git_dir, new.remote, &config, remote.as_ref())?;
    }
    let cannot = |err| files::cannot("write", &git_dir, err);
    let mut attempts = 1;
    while let Err(err) = link_objects(&from.join("objects"), &git_dir.join("objects")) {
        if err.kind() != ErrorKind::NotFound || attempts == ATTEMPTS {
            return Err(cannot(err));
        }
        attempts += 1;
    }
    match fs::copy(from.join("shallow"), git_dir.join("shallow")) {
        Err(err) if err.kind() != ErrorKind::NotFound => return Err(cannot(err)),
        _ => {}
    }
    match layout::has_all(&git_dir, &refs.tips()) {
        true => Ok(()),
        false => Err(unfit("commits are missing from it")),
    }
}

fn unfit(why: impl Into<String>) -> Error {
    Error::work("the repository of another worktree does not serve").because(why.into())
}

/// Its remote at `url`.
fn remote(repo: &gix::Repository, config: &ConfigFile, url: &BStr) -> Result<BString> {
    let names = repo.remote_names().into_iter();
    let mut at_url = names.filter(|name| {
        let has = config.value("remote", Some(name.as_ref()), "url");
        has.is_some_and(|has| has == url)
    });
    let remote = at_url.next().map(|name| name.to_owned());
    remote.ok_or_else(|| unfit("it is of another URL"))
}

/// What a clone from the remote would have of its branches, as of the last fetch; and the tags.
fn refs(repo: &gix::Repository, remote: &BString) -> Result<Refs> {
    let prefix = format!("refs/remotes/{remote}/");
    let mut all = Vec::new();
    let mut head = None;
    let failed = |err: gix::Error| unfit(err.to_string());
    let platform = repo.references().map_err(failed)?;
    for from in [prefix.as_str(), TAGS] {
        for reference in platform.prefixed(from).map_err(failed)? {
            let reference = reference.map_err(|err| unfit(err.to_string()))?;
            let name = reference.name().as_bstr();
            let full = match name.strip_prefix(prefix.as_bytes()) {
                Some(branch) => [HEADS.as_bytes(), branch].concat().into(),
                None => name.to_owned(),
            };
            match (reference.try_id(), reference.target().try_name()) {
                (Some(id), _) => all.push((full, id.detach())),
                // `refs/remotes/origin/HEAD`, the branch of the remote's HEAD.
                (None, Some(target)) => {
                    let branch = target.as_bstr().strip_prefix(prefix.as_bytes());
                    head = branch.map(|branch| BString::from([HEADS.as_bytes(), branch].concat()));
                }
                (None, None) => return Err(unfit("one of its refs leads nowhere")),
            }
        }
    }
    all.sort();
    Refs::new(head.as_ref().map(AsRef::as_ref), all)
}

/// What git notes of a clone with a filter (git-clone(1), `--filter`).
fn partial(git_dir: &Path, name: &BStr, from: &ConfigFile, remote: &BStr) -> Result<()> {
    let mut config = ConfigFile::of(git_dir)?;
    config.set("remote", Some(name), "promisor", b"true")?;
    if let Some(filter) = from.value("remote", Some(remote), "partialclonefilter") {
        config.set("remote", Some(name), "partialclonefilter", &filter)?;
    }
    config.write()
}

/// Gives the folder `to` the objects of `from`. They are written once and never changed, so that a file may have two names; where the
/// file system gives it none, it is copied.
fn link_objects(from: &Path, to: &Path) -> io::Result<()> {
    let is_loose = |name: &str| name.len() == 2 && name.bytes().all(|it| it.is_ascii_hexdigit());
    for (name, entry) in folder(from)? {
        if entry.file_type()?.is_dir() && is_loose(&name) {
            let target = to.join(&name);
            fs::create_dir_all(&target)?;
            for (name, entry) in folder(&entry.path())? {
                if !name.starts_with("tmp_") {
                    link(&entry.path(), &target.join(name))?;
                }
            }
        }
    }
    let mut of_packs: Vec<(usize, PathBuf, PathBuf)> = Vec::new();
    for (name, entry) in folder(&from.join("pack"))? {
        let extension = name
            .strip_prefix("pack-")
            .and_then(|name| name.rsplit_once('.'));
        let turn = OF_A_PACK
            .iter()
            .position(|it| extension.is_some_and(|(_, is)| is == *it));
        if let Some(turn) = turn {
            of_packs.push((turn, entry.path(), to.join("pack").join(name)));
        }
    }
    of_packs.sort();
    of_packs.iter().try_for_each(|(_, from, to)| link(from, to))
}

/// The entries of a folder that have ordinary names; none where there is no folder.
fn folder(path: &Path) -> io::Result<Vec<(String, fs::DirEntry)>> {
    let entries = match fs::read_dir(path) {
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let named = entries.map(|entry| {
        let entry = entry?;
        Ok((entry.file_name().to_string_lossy().into_owned(), entry))
    });
    named.collect()
}

/// Only a file of this user's own: a symbolic link could lead anywhere (CVE-2022-39253), and another's file could be changed by them
/// later (CVE-2024-32020).
fn link(from: &Path, to: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(from)?;
    if !found.is_file() {
        return Err(io::Error::other("an object is no file"));
    }
    let is_own = found.uid() == rustix::process::geteuid().as_raw();
    let linked = match is_own {
        true => fs::hard_link(from, to),
        false => Err(ErrorKind::PermissionDenied.into()),
    };
    match linked.map_err(|err| (err.kind(), err)) {
        // An earlier attempt may have brought it.
        Ok(()) | Err((ErrorKind::AlreadyExists, _)) => Ok(()),
        Err((ErrorKind::NotFound, err)) => Err(err),
        // Another file system, or one without links.
        Err(_) => files::copy(from, to),
    }
}
