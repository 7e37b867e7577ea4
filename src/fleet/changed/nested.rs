//! Submodules of submodules: what the code's own identity does not cover is looked into, level by level.

use bstr::ByteSlice;

use super::{
    bases::Listed,
    gitlinks, is_part,
    submodule::{self, Outcome, ParentPlace, Reader},
};
use crate::{
    git::tree,
    model::{
        error::{Error, Result},
        settings::Settings,
    },
};

/// How deep submodules may nest: beyond it a repository links itself (CVE-2017-15298).
const DEPTH_LIMIT: usize = 32;

/// What changed in the submodules of `parent`, outside of its `code/`, `config/` and `charts/`: those are part of its own
/// content identities.
pub(super) fn read(parent: &Reader<'_>, settings: &Settings, files: bool) -> Result<Vec<Outcome>> {
    if let Some(wanted) = parent.wanted_for_nested()? {
        return Ok(vec![wanted]);
    }
    let Some((store, trees)) = parent.roots()? else {
        // An earlier run saw them; what they became only the submodule can tell.
        let unread = parent.head_pin().map(|pin| parent.unread(pin));
        return unread.into_iter().collect();
    };
    if trees.base == trees.head {
        return Ok(Vec::new());
    }
    let objects = store.objects();
    let differences = tree::diff(objects, trees.base, trees.head)?;
    if !differences.iter().any(tree::Difference::is_gitlink) {
        return Ok(Vec::new());
    }
    let listed = Listed::of(objects, &trees, &differences)?;
    let parent = parent.as_parent(store);
    if let ParentPlace::Submodule { path, depth, .. } = parent.place
        && depth > DEPTH_LIMIT
    {
        let message = format!("{path}: submodules nest deeper than {DEPTH_LIMIT} levels");
        return Err(Error::repository(message));
    }
    let mut outcomes = Vec::new();
    for candidate in gitlinks::find(objects, &trees, &differences, &listed)? {
        let top = candidate.path.split_str("/").next().unwrap_or_default();
        if !is_part(top.as_bstr()) {
            outcomes.extend(submodule::read(&parent, settings, &candidate, files)?);
        }
    }
    Ok(outcomes)
}
