//! Commits inside services, between two commits of the fleet.

use bstr::BString;
use gix::ObjectId;

use super::change::{Base, End, ServiceChange, Unread, Warning};
use crate::model::success::Exceptions;

/// Two commits of a fleet, and one thing for each service whose pin differs.
#[derive(Debug)]
pub struct Between<T> {
    /// The older end.
    pub base: Base,
    /// The newer end.
    pub head: End,
    /// Services that are compared with another commit of the fleet than `base`.
    pub exceptions: Exceptions,
    /// What is known of the services, sorted by path.
    pub services: Vec<T>,
    /// What deserves attention.
    pub warnings: Vec<Warning>,
    /// Services that cannot be read.
    pub unread: Vec<Unread>,
}

/// The commits of one service.
#[derive(Debug)]
pub struct ServiceLog {
    /// Which service.
    pub service: ServiceChange,
    /// What the newer pin has and the older lacks.
    pub gained: LoggedCommits,
    /// What the older pin has and the newer lacks.
    pub lost: LoggedCommits,
}

/// Commits, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggedCommits {
    /// How many there are.
    pub count: usize,
    /// Those that are told of.
    pub newest: Vec<LoggedCommit>,
}

/// A commit as a log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCommit {
    /// The commit.
    pub id: ObjectId,
    /// The first paragraph of its message, on one line: whatever its author wrote.
    pub subject: BString,
    /// Who wrote it.
    pub author: BString,
    /// The address of who wrote it.
    pub email: BString,
    /// When it was written, as `YYYY-MM-DDTHH:MM:SS+HH:MM` of the author's clock.
    pub date: String,
}
