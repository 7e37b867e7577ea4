//! The fast path for a worktree: HEAD is at its pin, nothing changed, everything is pushed. Its repository is not opened for
//! that, which would take longer than all the rest; every other state is left to the slow path, which opens it.

use std::{io::Read as _, os::fd::OwnedFd, path::Path};

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, hash::Kind, index::State};
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, fstat, openat, statat},
    path::Arg,
};

use super::{
    cache::Facts,
    clean::{self, Time},
};
use crate::{
    git::{history, repository::ordinary, submodule::Store},
    model::status::{Changes, Standing, Worktree},
};

/// The worktree `work_dir`, if its HEAD is at `pin` and nothing else is to be told of it; else why its repository has to be opened.
/// `listed` is its URL in `.gitmodules`.
pub(super) fn at(
    work_dir: &Path,
    pin: ObjectId,
    listed: Option<&BStr>,
    facts: &Facts,
) -> Result<Worktree, &'static str> {
    const UNUSUAL: &str = "its git directory does not have the layout of a submodule";
    let work = clean::open(CWD, work_dir).ok_or("it is not there")?;
    let gitfile = read(&work, ".git").ok_or(UNUSUAL)?;
    let way = gitfile
        .strip_prefix(b"gitdir: ")
        .ok_or(UNUSUAL)?
        .trim_ascii();
    let git = clean::open(&work, way).ok_or(UNUSUAL)?;
    if !is_own([&work, &git]) {
        return Err("it belongs to another user");
    }
    let git_dir = work_dir.join(way.to_path().map_err(|_| UNUSUAL)?);
    let packed = read(&git, "packed-refs").unwrap_or_default();
    let head = read(&git, "HEAD").ok_or(UNUSUAL)?;
    let branch = head.strip_prefix(b"ref: refs/heads/");
    let branch = branch.map(|name| BString::from(name.trim_ascii()));
    let head = match &branch {
        Some(branch) => commit_of(&git, &packed, branch.as_ref()),
        None => ObjectId::from_hex(head.trim_ascii()).ok(),
    };
    if head != Some(pin) {
        return Err("its HEAD is not at its pin");
    }
    let config = read(&git, "config").ok_or(UNUSUAL)?;
    let config = ordinary(&config, |_| true).filter(|_| !is_replacing(&git, &packed));
    let config = config.ok_or("its configuration or replacement refs may change what is read")?;
    let remotes = remotes(&config, listed).ok_or("its remotes may be elsewhere than its URL")?;
    let tips = || {
        remotes
            .iter()
            .flat_map(|prefix| tips(&git, &git_dir, prefix, &packed))
    };
    let is_pushed = |tip| tip == pin || facts.recall(tip, pin).is_some();
    if !tips().any(is_pushed) {
        let store = Store::at(git_dir.clone(), pin.kind()).ok_or(UNUSUAL)?;
        let mut tips = tips().take(TIPS);
        let tip = tips.find(|tip| history::contains(store.objects(), *tip, pin));
        facts.note(
            tip.ok_or("no remote-tracking branch contains its pin")?,
            pin,
        );
    }
    let (index, checksum, mut written) =
        index(&git, pin.kind()).ok_or("its index cannot be read")?;
    match facts.recall(checksum, pin) {
        Some(read) => written = written.max((read, 0)),
        None => {
            let store = Store::at(git_dir, pin.kind()).ok_or(UNUSUAL)?;
            if !clean::is_as_committed(&index, pin, store.objects()) {
                return Err("its index differs from its pin");
            }
            facts.note(checksum, pin);
        }
    }
    match clean::is_as_noted(&index, written, work) {
        true => Ok(Worktree {
            branch,
            head: Some(pin),
            standing: Standing::InStep,
            changes: Changes::default(),
            unpushed: 0,
        }),
        false => Err("a file may have changed"),
    }
}

/// A small file, whole.
fn read(folder: &OwnedFd, name: impl Arg) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4 << 10);
    // Without a limit, its size would be asked for first.
    let file = open(folder, name)?;
    file.take(u64::MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn open(folder: &OwnedFd, name: impl Arg) -> Option<std::fs::File> {
    let file = openat(
        folder,
        name,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .ok()?;
    Some(file.into())
}

/// Whether they belong to whoever runs flota; what `safe.directory` allows besides is for others to know (CVE-2022-24765).
fn is_own(folders: [&OwnedFd; 2]) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let mut folders = folders.into_iter();
    folders.all(|folder| fstat(folder).is_ok_and(|found| found.st_uid == own))
}

/// Where a branch is.
fn commit_of(git: &OwnedFd, packed: &[u8], branch: &BStr) -> Option<ObjectId> {
    let name = format!("refs/heads/{}", branch.to_str().ok()?);
    match read(git, &name) {
        Some(text) => ObjectId::from_hex(text.trim_ascii()).ok(),
        None => packed_refs(packed)
            .find(|(_, packed)| *packed == name.as_bytes())
            .and_then(|(id, _)| ObjectId::from_hex(id).ok()),
    }
}

/// What the names of remote-tracking branches begin with that vouch for commits: those of remotes at the URL `listed`, without a
/// URL all. Whether rewriting makes one URL of two is for others to tell; none then.
fn remotes(config: &gix::config::File, listed: Option<&BStr>) -> Option<Vec<String>> {
    let Some(listed) = listed else {
        return Some(vec![REMOTES.to_owned()]);
    };
    let sections = config.sections_by_name("remote")?;
    let at = sections.filter(|section| section.value("url").is_some_and(|url| url == listed));
    let names = at.filter_map(|section| section.header().subsection_name()?.to_str().ok());
    let prefixes: Vec<_> = names.map(|name| format!("{REMOTES}{name}/")).collect();
    (!prefixes.is_empty()).then_some(prefixes)
}

/// Where the remote-tracking branches are whose names begin with `prefix`: those that were packed, unless they have moved since;
/// then those that never were.
fn tips<'a>(
    git: &'a OwnedFd,
    git_dir: &Path,
    prefix: &'a str,
    packed: &'a [u8],
) -> impl Iterator<Item = ObjectId> + use<'a> {
    let was_packed = packed_refs(packed).filter(move |(_, name)| name.starts_with_str(prefix));
    let was_packed = was_packed.filter_map(|(id, name)| match read(git, name) {
        None => ObjectId::from_hex(id).ok(),
        Some(moved) => ObjectId::from_hex(moved.trim_ascii()).ok(),
    });
    let folder = git_dir.join(prefix);
    let loose = std::iter::once_with(move || walkdir::WalkDir::new(folder));
    let loose = loose.flatten().filter_map(|entry| {
        let bytes = std::fs::read(entry.ok()?.path()).ok()?;
        ObjectId::from_hex(bytes.trim_ascii()).ok()
    });
    was_packed.chain(loose)
}

/// Whether objects stand in for others (git-replace(1)).
fn is_replacing(git: &OwnedFd, packed: &[u8]) -> bool {
    statat(git, "refs/replace", AtFlags::SYMLINK_NOFOLLOW).is_ok()
        || packed_refs(packed).any(|(_, name)| name.starts_with(b"refs/replace/"))
}

/// Id and name of each (git-pack-refs(1)).
fn packed_refs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let refs = text.lines().filter(|line| !line.starts_with(b"#"));
    refs.filter_map(|line| line.split_once_str(" "))
}

/// The index, its checksum, and when it was written.
fn index(git: &OwnedFd, hash: Kind) -> Option<(State, ObjectId, Time)> {
    let file = open(git, "index")?;
    let found = fstat(&file).ok()?;
    let mut bytes = Vec::with_capacity(found.st_size as usize + 1);
    file.take(u64::MAX).read_to_end(&mut bytes).ok()?;
    let none = State::new(hash).timestamp();
    let (state, checksum) = State::from_bytes(&bytes, none, hash, OPTIONS).ok()?;
    let mut hasher = gix::hash::hasher(hash);
    hasher.update(bytes.get(..bytes.len().checked_sub(hash.len_in_bytes())?)?);
    let checksum = checksum.filter(|sum| hasher.try_finalize().is_ok_and(|found| found == *sum))?;
    // A part of it may lie elsewhere, or say that a folder stands for its files.
    let is_whole = state.link().is_none() && !state.is_sparse();
    let written = (found.st_mtime, found.st_mtime_nsec as _);
    is_whole.then_some((state, checksum, written))
}

/// Where remote-tracking branches are.
const REMOTES: &str = "refs/remotes/";

/// How many of them are searched for a commit.
const TIPS: usize = 64;

/// One thread: there is one for each service.
const OPTIONS: gix::index::decode::Options = gix::index::decode::Options {
    thread_limit: Some(1),
    min_extension_block_in_bytes_for_threading: usize::MAX,
    expected_checksum: None,
    alloc_limit_bytes: None,
};
