//! What `flota record` did.

use gix::ObjectId;

use super::success::Success;

/// The record as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The ref that holds it.
    pub reference: String,
    /// The commit that is the record.
    pub record: ObjectId,
    /// What it says.
    pub success: Success,
    /// How many results of gates were added to what is known, or were there already.
    pub evidence: usize,
    /// Whether that is news.
    pub is_changed: bool,
    /// Whether the remote has it.
    pub is_pushed: bool,
}
