//! Which way a submodule's pin went.

use super::reader::SubmoduleReader;
use crate::{
    git::history,
    model::{change::Direction, error::Result},
};

impl SubmoduleReader<'_> {
    /// Which way the pin went; none when there are no two pins.
    pub(super) fn direction(&self) -> Result<Option<Direction>> {
        let ends = (self.candidate.base.pin(), self.candidate.head.pin());
        let (Some(from), Some(to)) = ends else {
            return Ok(None);
        };
        if from == to {
            return Ok(None);
        }
        let known = self.known.as_ref();
        if let Some(direction) = known.and_then(|known| known.direction(from, to)) {
            return Ok(Some(direction));
        }
        let Some(store) = self.store()? else {
            return Ok(Some(Direction::Unknown));
        };
        let shallow = || store.is_shallow();
        let direction = history::direction(store.objects(), from, to, shallow);
        if let Some(known) = known {
            known.keep_direction(from, to, direction);
        }
        Ok(Some(direction))
    }
}
