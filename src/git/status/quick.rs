//! The fast path for a worktree: HEAD is at its pin, nothing changed, everything is pushed. Its repository is not opened for
//! that, which would take longer than all the rest; every other state is left to the slow path, which opens it.

use std::{
    collections::BTreeMap,
    io::Read as _,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, hash::Kind, index::State};
use rustix::{
    fs::{AtFlags, CWD, Dir, Mode, OFlags, fstat, openat, statat},
    path::Arg,
};

use super::{
    aside,
    cache::Facts,
    clean::{self, Time},
    links,
};
use crate::{
    git::{
        config_file::syntax::{self, Setting},
        history, operation,
        repository::is_ordinary,
        submodule::Store,
    },
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
    let mut git = Dir::new(clean::open(&work, way).ok_or(UNUSUAL)?).map_err(|_| UNUSUAL)?;
    let mut has_packed = false;
    while let Some(entry) = git.read() {
        let name = entry.map_err(|_| UNUSUAL)?;
        let name = name.file_name().to_bytes();
        has_packed |= name == b"packed-refs";
        if operation::is_trace(name) {
            return Err("an operation of git may be in progress in it");
        }
    }
    let git = git.fd().map_err(|_| UNUSUAL)?;
    if !is_own([work.as_fd(), git]) {
        return Err("it belongs to another user");
    }
    let git_dir = work_dir.join(way.to_path().map_err(|_| UNUSUAL)?);
    let packed = match has_packed {
        true => read(git, "packed-refs").ok_or(UNUSUAL)?,
        false => Vec::new(),
    };
    let head = read(git, "HEAD").ok_or(UNUSUAL)?;
    let branch = head.strip_prefix(b"ref: refs/heads/");
    let branch = branch.map(|name| BString::from(name.trim_ascii()));
    let head = match &branch {
        Some(branch) => {
            let name = [b"refs/heads/", &branch[..]].concat();
            commit_of(git, &packed, name.as_bstr())
        }
        None => ObjectId::from_hex(head.trim_ascii()).ok(),
    };
    if head != Some(pin) {
        return Err("its HEAD is not at its pin");
    }
    let config = read(git, "config").ok_or(UNUSUAL)?;
    if aside::may_have_stashes(git, &packed) {
        return Err("it has stashes");
    }
    let seen = |name: &BStr| commit_of(git, &packed, name);
    if !aside::is_at_upstream(&config, branch.as_ref().map(AsRef::as_ref), pin, seen) {
        return Err("its branch may not be where its upstream is");
    }
    if is_replacing(git, &packed) || !is_ordinary(&config, |way| is_way_to(git, way, &work)) {
        return Err(
            "its configuration, replacement refs or grafts may change what is read, or it is another directory's",
        );
    }
    let remotes = remotes(&config, listed).ok_or("its remotes may be elsewhere than its URL")?;
    let tips = || {
        remotes
            .iter()
            .flat_map(|prefix| tips(git, &git_dir, prefix, &packed))
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
        index(git, pin.kind()).ok_or("its index cannot be read")?;
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
            operation: None,
            stashes: 0,
            behind: 0,
            submodules: links::of(&index),
        }),
        false => Err("a file may have changed"),
    }
}

/// A small file, whole.
fn read(folder: impl AsFd, name: impl Arg) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4 << 10);
    // Without a limit, its size would be asked for first.
    let file = open(folder, name)?;
    file.take(u64::MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn open(folder: impl AsFd, name: impl Arg) -> Option<std::fs::File> {
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
fn is_own(folders: [BorrowedFd<'_>; 2]) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let mut folders = folders.into_iter();
    folders.all(|folder| fstat(folder).is_ok_and(|found| found.st_uid == own))
}

/// Whether `core.worktree` leads from the git directory to the worktree.
fn is_way_to(git: BorrowedFd<'_>, way: Option<&BStr>, work: &OwnedFd) -> bool {
    let Some(way) = way else { return true };
    let found = statat(git, way.as_bytes(), AtFlags::empty());
    let own = fstat(work);
    matches!((found, own), (Ok(one), Ok(other)) if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// Where a reference is.
fn commit_of(git: BorrowedFd<'_>, packed: &[u8], name: &BStr) -> Option<ObjectId> {
    let name = name.to_str().ok()?;
    match read(git, name) {
        Some(text) => ObjectId::from_hex(text.trim_ascii()).ok(),
        None => packed_refs(packed)
            .find(|(_, packed)| *packed == name.as_bytes())
            .and_then(|(id, _)| ObjectId::from_hex(id).ok()),
    }
}

/// What the names of remote-tracking branches begin with that vouch for commits: those of remotes at the URL `listed`, without a
/// URL all. Whether rewriting makes one URL of two is for others to tell; none then.
fn remotes(config: &[u8], listed: Option<&BStr>) -> Option<Vec<String>> {
    let Some(listed) = listed else {
        return Some(vec![REMOTES.to_owned()]);
    };
    let mut urls = BTreeMap::<BString, Vec<bool>>::new();
    let note = |setting: Setting<'_>| {
        if let (Some(name), b"url") = (setting.subsection_of("remote"), setting.key) {
            let is_listed = setting.value == Some(listed.as_bytes());
            urls.entry(name.into()).or_default().push(is_listed);
        }
    };
    syntax::read(config, note).ok()?;
    let at = urls.into_iter().filter(|(_, urls)| *urls == [true]);
    let names = at.filter_map(|(name, _)| Some(format!("{REMOTES}{}/", name.to_str().ok()?)));
    let prefixes: Vec<_> = names.collect();
    (!prefixes.is_empty()).then_some(prefixes)
}

/// Where the remote-tracking branches are whose names begin with `prefix`: those that were packed, unless they have moved since;
/// then those that never were.
fn tips<'a>(
    git: BorrowedFd<'a>,
    git_dir: &Path,
    prefix: &'a str,
    packed: &'a [u8],
) -> impl Iterator<Item = ObjectId> + use<'a> {
    let was_packed = packed_refs(packed).filter(move |(_, name)| name.starts_with_str(prefix));
    let was_packed = was_packed.filter_map(move |(id, name)| match read(git, name) {
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

/// Whether objects stand in for others (git-replace(1)), or parents of commits for their own.
fn is_replacing(git: BorrowedFd<'_>, packed: &[u8]) -> bool {
    statat(git, "refs/replace", AtFlags::SYMLINK_NOFOLLOW).is_ok()
        || statat(git, "info/grafts", AtFlags::SYMLINK_NOFOLLOW).is_ok()
        || packed_refs(packed).any(|(_, name)| name.starts_with(b"refs/replace/"))
}

/// Id and name of each (git-pack-refs(1)).
fn packed_refs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let refs = text.lines().filter(|line| !line.starts_with(b"#"));
    refs.filter_map(|line| line.split_once_str(" "))
}

/// The index, its checksum, and when it was written.
fn index(git: BorrowedFd<'_>, hash: Kind) -> Option<(State, ObjectId, Time)> {
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
