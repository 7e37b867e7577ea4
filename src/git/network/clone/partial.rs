//! Partial clones (git-clone(1), `--filter`): files whose content was not fetched, and is needed now.

use std::{fs, path::Path};

use gix::{ObjectId, index::entry::Mode, objs::Exists as _};

use crate::{
    git::{objects::Objects, path},
    model::error::{Error, Result},
};

/// Of the files of `commit`, the blobs that are not in `git_dir`; none in a clone that left nothing out.
///
/// # Errors
/// Repository: the commit is damaged.
pub(super) fn lacking(git_dir: &Path, commit: ObjectId) -> Result<Vec<ObjectId>> {
    if !is_partial(git_dir) {
        return Ok(Vec::new());
    }
    let damaged =
        |err: String| Error::repository(format!("cannot read its commit {commit}")).because(err);
    let objects = gix::odb::at(git_dir.join("objects"), commit.kind())
        .map_err(|err| damaged(err.to_string()))?;
    let tree = Objects::new(&objects)
        .tree_of(commit)?
        .ok_or_else(|| damaged("it is not there".to_owned()))?;
    let index = gix::index::State::from_tree(&tree, Objects::new(&objects), path::OPTIONS)
        .map_err(|err| damaged(err.to_string()))?;
    let mut lacking: Vec<_> = index
        .entries()
        .iter()
        .filter(|entry| entry.mode != Mode::COMMIT && !objects.exists(&entry.id))
        .map(|entry| entry.id)
        .collect();
    lacking.sort();
    lacking.dedup();
    Ok(lacking)
}

/// Packs that came with a filter are marked (gitrepository-layout(5), partial-clone).
fn is_partial(git_dir: &Path) -> bool {
    let packs = fs::read_dir(git_dir.join("objects/pack"));
    packs.into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        path.extension()
            .is_some_and(|extension| extension == "promisor")
    })
}
