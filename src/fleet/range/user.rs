//! What the user says: `A..B`, `A...B`, `--base` and `--head`.

use super::{ends::Ends, finder::RangeFinder};
use crate::model::{
    change::{BaseKind, End},
    error::Result,
    range::{Notation, Range},
};

impl RangeFinder<'_> {
    /// The two commits that the user names.
    pub(super) fn range(&self, range: &Range) -> Result<Ends> {
        let commit = self.named(&range.head)?;
        let head = End {
            rev: range.head.clone(),
            commit,
        };
        let base = self.named(&range.base)?;
        match range.notation {
            Notation::TwoDots => Ok(Ends::new(&range.base, Some(base), BaseKind::Exact, head)),
            Notation::ThreeDots => self.since(&range.base, base, head),
        }
    }
}
