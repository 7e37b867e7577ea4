//! Which way a submodule's pin went.

use gix::ObjectId;

use super::reader::SubmoduleReader;
use crate::{
    git::{history, identity_cache::Facts, submodule::Store},
    model::{change::Direction, error::Result},
};

impl SubmoduleReader<'_> {
    /// Which way the pin went; none when there are no two pins. The same whatever earlier runs left.
    pub(super) fn direction(&self) -> Result<Option<Direction>> {
        let ends = (self.candidate.base.pin(), self.candidate.head.pin());
        let (Some(from), Some(to)) = ends else {
            return Ok(None);
        };
        if from == to {
            return Ok(None);
        }
        // Most pins move by a commit or a merge, and the two commits tell that by themselves.
        let names = |commit: &Option<Facts>, other: ObjectId| {
            let commit = commit.as_ref();
            commit.is_some_and(|facts| facts.parents.contains(&other))
        };
        if names(&self.head, from) {
            return Ok(Some(Direction::Forward));
        }
        if names(&self.base, to) {
            return Ok(Some(Direction::Rollback));
        }
        // Only its own repository is asked about the rest: what flota fetched for this and other ranges would tell more in one
        // run than in another.
        let own = self.own_store()?;
        let direction = |own: &Store| {
            let shallow = || own.is_shallow();
            history::direction(own.objects(), from, to, shallow)
        };
        Ok(Some(own.map_or(Direction::Unknown, direction)))
    }
}
