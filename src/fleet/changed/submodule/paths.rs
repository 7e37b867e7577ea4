//! Which paths inside a submodule differ: files, and submodules of its own.

use bstr::ByteSlice;
use gix::ObjectId;

use super::{
    outcome::ReadSubmodule,
    parent::{ParentKind, PinHolder},
    reader::SubmoduleReader,
};
use crate::{
    fleet::changed::gitlinks::{self, Candidate, EndPoint, Listed},
    git::{
        content_id::is_part,
        network::fetch::Depth,
        submodule::Store,
        tree::{self, Difference},
    },
    model::{
        change::FileChange,
        error::{Error, Result},
        fleet::NESTING_LIMIT,
    },
};

/// What is known of a submodule's own submodules.
pub(super) enum Nested<'a> {
    /// None of them differs.
    None,
    /// They cannot be found yet, or not at all.
    Unreadable(ReadSubmodule),
    /// These differ, and this is where they are recorded.
    Changed(PinHolder<'a>, Vec<Candidate>),
}

impl SubmoduleReader<'_> {
    /// The files that differ; none when the two ends are not in one object database.
    pub(super) fn files(&self) -> Result<Option<Vec<FileChange>>> {
        let Some((store, trees)) = self.roots()? else {
            return Ok(None);
        };
        let read =
            |place: EndPoint, root: Option<ObjectId>| place.pin().is_some() == root.is_some();
        let all_read =
            read(self.candidate.base, trees.base) && read(self.candidate.head, trees.head);
        if self.candidate.crosses_a_directory() || !all_read {
            return Ok(None);
        }
        let differences = tree::diff(store.objects(), trees.base, trees.head)?;
        let files = differences.iter().map(tree::Difference::to_file_change);
        Ok(Some(files.collect()))
    }

    /// Whether one of the ends lists submodules of its own.
    fn has_nested(&self) -> bool {
        let ends = [&self.base, &self.head];
        ends.into_iter().flatten().any(|facts| facts.nested)
    }

    /// The submodules of its own that differ, outside of its `code/`, `config/` and `charts/`: those are part of its own content
    /// identities.
    pub(super) fn nested(&self) -> Result<Nested<'_>> {
        if !self.has_nested() || self.stays_unknown() {
            return Ok(Nested::None);
        }
        if let Some(request) = self.request_for_nested()? {
            return Ok(Nested::Unreadable(request));
        }
        let Some((store, trees)) = self.roots()? else {
            // An earlier run saw them; what they became only the submodule can tell.
            return Ok(match self.candidate.head.pin() {
                Some(pin) => Nested::Unreadable(self.unread(pin)?),
                None => Nested::None,
            });
        };
        if trees.base == trees.head {
            return Ok(Nested::None);
        }
        let objects = store.objects();
        let differences = tree::diff(objects, trees.base, trees.head)?;
        if !differences.iter().any(Difference::is_gitlink) {
            return Ok(Nested::None);
        }
        let listed = Listed::of(objects, &trees, &differences)?;
        let holder = self.as_holder(store)?;
        let mut candidates = gitlinks::find(objects, &trees, &differences, &listed)?;
        candidates.retain(|candidate| {
            let top = candidate.path.split_str("/").next().unwrap_or_default();
            !is_part(top.as_bstr())
        });
        Ok(Nested::Changed(holder, candidates))
    }

    /// The submodule as the one that records the pins of its own.
    fn as_holder<'s>(&'s self, store: &'s Store) -> Result<PinHolder<'s>> {
        let path = self.path.as_bstr();
        let depth = match self.parent.kind {
            ParentKind::Fleet(_) => 1,
            ParentKind::Submodule { depth, .. } => depth + 1,
        };
        if depth > NESTING_LIMIT {
            let message =
                format!("{path}: submodules are nested deeper than {NESTING_LIMIT} levels");
            return Err(Error::repository(message));
        }
        let kind = ParentKind::Submodule {
            store,
            path,
            url: self.source(),
            depth,
        };
        Ok(PinHolder {
            fetched: self.parent.fetched,
            kind,
        })
    }

    /// What has to be fetched before this submodule's own submodules can be found; none when nothing has to, or nothing can.
    fn request_for_nested(&self) -> Result<Option<ReadSubmodule>> {
        let path = self.path.as_ref();
        if self.parent.fetched.depth(path) == Some(Depth::AllTrees) {
            return Ok(None);
        }
        let pins = [self.candidate.base, self.candidate.head]
            .into_iter()
            .filter_map(EndPoint::pin);
        let pins: Vec<_> = pins.filter(|pin| !self.is_out_of_reach(*pin)).collect();
        let local = self.parent.fetched.depth(path).is_none();
        let mut all_here = local;
        for pin in &pins {
            let root = self.store()?.map(|store| store.tree_of(*pin)).transpose()?;
            all_here &= root.flatten().is_some();
        }
        Ok((!all_here).then(|| self.request(pins, Depth::AllTrees)))
    }
}
