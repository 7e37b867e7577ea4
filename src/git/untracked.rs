//! Files that no commit holds, where a move to another commit would write. git keeps those that it does not know, and writes over
//! those that it ignores without a word (git-checkout(1), `--overwrite-ignore`): whose they are, they are somebody's work.

use std::{fs, path::Path};

use bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::{
    ObjectId,
    index::State,
    objs::{Kind, compute_hash, tree::EntryMode},
};
use walkdir::WalkDir;

use super::{command::git, path, status};
use crate::{
    model::error::{Error, Result},
    process::Output,
};

/// What git may list of a difference, in bytes.
const LISTING_LIMIT: usize = 256 << 20;

/// How many files one git is asked for.
const AT_ONCE: usize = 500;

/// How many files a message names.
const NAMED: usize = 5;

/// A file of the commit to come.
struct Coming {
    path: BString,
    mode: EntryMode,
    id: ObjectId,
}

/// The files in `work_dir` that are tracked by nobody, and that have other content than what a move from the commit or tree `from`
/// to `to` would write there. Sorted by path.
///
/// # Errors
/// Repository: git cannot tell the difference, or the index cannot be read.
pub fn in_the_way(work_dir: &Path, from: ObjectId, to: ObjectId) -> Result<Vec<BString>> {
    let repo = status::open(work_dir)?;
    let index = repo
        .index_or_empty()
        .map_err(|err| status::unreadable(work_dir, err))?;
    let (mut found, mut same_kind) = (Vec::new(), Vec::new());
    for coming in coming(work_dir, from, to)? {
        // Of what is in the index git sees itself whether it may go.
        if index.entry_by_path(coming.path.as_ref()).is_some() {
            continue;
        }
        match met(work_dir, &index, &coming) {
            Met::Nothing => {}
            Met::Other(path) => found.push(path),
            Met::Link(content) => {
                let id = compute_hash(coming.id.kind(), Kind::Blob, &content);
                if id.ok() != Some(coming.id) {
                    found.push(coming.path);
                }
            }
            Met::File => same_kind.push(coming),
        }
    }
    for some in same_kind.chunks(AT_ONCE) {
        let ids = ids(work_dir, some)?;
        let other = some.iter().zip(ids).filter(|(one, id)| one.id != *id);
        found.extend(other.map(|(one, _)| one.path.clone()));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// That such files are in the way.
pub fn would_be_overwritten(files: &[BString], command: &str) -> Error {
    let named = files.iter().take(NAMED);
    let named: Vec<_> = named.map(|path| format!("`{path}`")).collect();
    let more = match files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Error::repository(format!(
        "ignored files in it would be overwritten: {}{more}",
        named.join(", ")
    ))
    .hint(format!(
        "move them away, or let them be overwritten: {command} --overwrite-ignore"
    ))
}

/// Whether git says that it would write over files.
pub fn is_refused(output: &Output) -> bool {
    !output.success() && output.text.contains_str("would be overwritten")
}

/// Lets `git` move HEAD: so that it keeps ignored files, unless they may go, or hold already what they are to hold. It gets the
/// option that says so.
///
/// # Errors
/// As for [`in_the_way`], and those of `git`.
pub fn move_head(
    work_dir: &Path,
    [from, to]: [ObjectId; 2],
    may_overwrite: bool,
    git: impl Fn(&'static str) -> Result<Output>,
) -> Result<Output> {
    const OVERWRITE: &str = "--overwrite-ignore";
    if may_overwrite {
        return git(OVERWRITE);
    }
    let moved = git("--no-overwrite-ignore")?;
    match is_refused(&moved) && in_the_way(work_dir, from, to)?.is_empty() {
        true => git(OVERWRITE),
        false => Ok(moved),
    }
}

/// The files that `to` has anew or otherwise than `from`.
fn coming(work_dir: &Path, from: ObjectId, to: ObjectId) -> Result<Vec<Coming>> {
    let listed = git(work_dir)
        .args(["diff-tree", "--raw", "-r", "-z", "--no-renames"])
        .args(["--diff-filter=d", "--ignore-submodules=none"])
        .args([from.to_string(), to.to_string()])
        .stdout_as_data(LISTING_LIMIT)
        .run()?
        .check(|| Error::repository("git cannot tell what differs between its commits"))?;
    let mut fields = listed.stdout.split_str(b"\0");
    let mut all = Vec::new();
    // `:old-mode new-mode old-id new-id status`, and the path (git-diff-tree(1)).
    while let (Some(told), Some(path)) = (fields.next(), fields.next()) {
        let words: Vec<_> = told.split_str(b" ").collect();
        let mode = words.get(1).and_then(|mode| EntryMode::from_bytes(mode));
        let id = words.get(3).and_then(|id| ObjectId::from_hex(id).ok());
        let (Some(mode), Some(id)) = (mode, id) else {
            return Err(Error::repository(
                "git told the difference between its commits in an unknown form",
            ));
        };
        all.push(Coming {
            path: path.into(),
            mode,
            id,
        });
    }
    Ok(all)
}

/// What is where a file is to be.
enum Met {
    Nothing,
    /// A file, where a file is to be.
    File,
    /// The target of a link, where a link is to be.
    Link(Vec<u8>),
    /// This, which has to go.
    Other(BString),
}

fn met(work_dir: &Path, index: &State, coming: &Coming) -> Met {
    // git itself refuses a tree with any other path.
    let Ok(relative) = path::relative("path", coming.path.as_ref()) else {
        return Met::Nothing;
    };
    let here = coming.path.as_bstr();
    let ends = here.find_iter("/");
    for above in ends.map(|end| here[..end].as_bstr()) {
        match fs::symlink_metadata(work_dir.join(above.to_path_lossy())) {
            Err(_) => return Met::Nothing,
            Ok(found) if found.is_dir() => {}
            Ok(_) if index.entry_by_path(above).is_some() => return Met::Nothing,
            Ok(_) => return Met::Other(above.to_owned()),
        }
    }
    let full = work_dir.join(&relative);
    let Ok(found) = fs::symlink_metadata(&full) else {
        return Met::Nothing;
    };
    if found.is_dir() {
        // A submodule's folder is filled by nobody here.
        return match coming.mode.is_commit() {
            true => Met::Nothing,
            false => untracked_below(&full, here, index),
        };
    }
    match (found.is_symlink(), coming.mode.is_link()) {
        (true, true) => match fs::read_link(&full) {
            Ok(target) => Met::Link(Vec::from_path_lossy(&target).into_owned()),
            Err(_) => Met::Other(here.to_owned()),
        },
        (false, false) if coming.mode.is_blob() => Met::File,
        _ => Met::Other(here.to_owned()),
    }
}

/// The first file in a folder that the index does not list.
fn untracked_below(folder: &Path, path: &BStr, index: &State) -> Met {
    for entry in WalkDir::new(folder).min_depth(1).into_iter().flatten() {
        if entry.file_type().is_dir() {
            continue;
        }
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let below = Vec::from_path_lossy(below);
        let full: BString = [path.as_bytes(), b"/", &below].concat().into();
        if index.entry_by_path(full.as_ref()).is_none() {
            return Met::Other(full);
        }
    }
    Met::Nothing
}

/// The ids that files have as git would add them, filters applied.
fn ids(work_dir: &Path, files: &[Coming]) -> Result<Vec<ObjectId>> {
    let paths = files.iter().map(|one| one.path.to_os_str_lossy());
    let cannot = || Error::repository("git cannot read its ignored files");
    let listed = git(work_dir)
        .args(["hash-object", "--"])
        .args(paths.map(|path| path.into_owned()))
        .stdout_as_data(LISTING_LIMIT)
        .run()?
        .check(cannot)?;
    let ids: Vec<_> = listed
        .stdout
        .lines()
        .filter_map(|line| ObjectId::from_hex(line).ok())
        .collect();
    match ids.len() == files.len() {
        true => Ok(ids),
        false => Err(cannot()),
    }
}

#[cfg(test)]
mod tests;
