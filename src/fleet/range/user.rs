//! What the user says: `A..B`, `A...B`, `--base` and `--head`.

use super::{ends::Ends, finder::RangeFinder};
use crate::model::{
    change::{BaseKind, End},
    error::{Error, Result},
    range::{Notation, Range, is_null},
};

impl RangeFinder<'_> {
    /// The two commits that the user names. Zeros are no commit: of a branch that is new, as base; of one that is deleted, as head.
    pub(super) fn range(&self, range: &Range) -> Result<Ends> {
        let named = |rev: &str| {
            Ok::<_, Error>(End {
                rev: rev.to_owned(),
                commit: self.named(rev)?,
            })
        };
        if is_null(&range.base) {
            return self.first_push(None, named(&range.head)?);
        }
        let head = match is_null(&range.head) {
            true => End::nothing(self.repository.object_hash()),
            false => named(&range.head)?,
        };
        if range.notation == Notation::Parent && self.repository.parents(head.commit)?.is_empty() {
            return Ok(Ends::new("", None, BaseKind::Empty, head));
        }
        let base = self.named(&range.base)?;
        match range.notation {
            Notation::TwoDots | Notation::Parent => {
                Ok(Ends::new(&range.base, Some(base), BaseKind::Exact, head))
            }
            Notation::ThreeDots => self.since(&range.base, base, head),
        }
    }
}
