//! Commits as people list them.

use bstr::BString;
use gix::ObjectId;

/// A commit and its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The commit.
    pub id: ObjectId,
    /// The first paragraph of its message, on one line: whatever its author wrote.
    pub subject: BString,
}

/// Commits that one end of a history has and another lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commits {
    /// How many there are.
    pub count: usize,
    /// The newest of them, newest first.
    pub newest: Vec<Listed>,
}
