//! Commits inside services, between two commits of the fleet.

use bstr::BString;
use gix::ObjectId;

use super::change::{Base, ChangeKind, Direction, End, ServiceChange, Unread, Warning};
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

/// A service whose pin differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedService {
    /// What people call it.
    pub name: BString,
    /// Where it sits.
    pub path: BString,
    /// Where it sat, if it moved.
    pub previous_path: Option<BString>,
    /// What happened to it.
    pub change: ChangeKind,
    /// Which way its pin went; none without two pins.
    pub direction: Option<Direction>,
    /// The older pin; none of a service that is new.
    pub from: Option<ObjectId>,
    /// The newer pin; none of a service that is gone.
    pub to: Option<ObjectId>,
    /// Its URL, without credentials.
    pub url: Option<BString>,
}

impl From<&ServiceChange> for MovedService {
    fn from(service: &ServiceChange) -> Self {
        Self {
            name: service.name.clone(),
            path: service.path.clone(),
            previous_path: service.previous_path.clone(),
            change: service.change,
            direction: service.direction,
            from: service.from,
            to: service.to,
            url: service.url.clone(),
        }
    }
}

/// The commits of one service.
#[derive(Debug)]
pub struct ServiceLog {
    /// Which service.
    pub service: MovedService,
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
