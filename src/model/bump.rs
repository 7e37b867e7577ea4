//! Pins that follow their services.

use bstr::BString;
use gix::ObjectId;

use super::status::Standing;

/// One service whose HEAD becomes its pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bump {
    /// Where the service sits.
    pub path: BString,
    /// The pin before; none when it was in conflict.
    pub from: Option<ObjectId>,
    /// HEAD, and the pin from now on.
    pub to: ObjectId,
    /// HEAD seen from the pin before.
    pub standing: Standing,
    /// Whether its worktree holds changes that no commit, and so no pin, has.
    pub is_dirty: bool,
}
