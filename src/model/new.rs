//! A service that was created.

use std::path::PathBuf;

use bstr::BString;
use gix::ObjectId;

/// What `flota new` made.
#[derive(Debug)]
pub struct NewService {
    /// Where it sits in the fleet.
    pub path: BString,
    /// Its worktree.
    pub work_dir: PathBuf,
    /// The template it was made from.
    pub template: String,
    /// The branch that its worktree is on.
    pub branch: String,
    /// Its first commit.
    pub commit: ObjectId,
    /// Its repository as `.gitmodules` names it.
    pub url: BString,
    /// The same, absolute and without credentials.
    pub remote: BString,
    /// What kind of repository that is.
    pub kind: RemoteKind,
    /// Whether the fleet has a commit with the link, or its index alone.
    pub is_committed: bool,
}

/// What kind of repository a new service was pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteKind {
    /// One that was there: on a server, or in a folder.
    Existing,
    /// One that a forge made for this service.
    Made,
    /// A bare one, made in this folder.
    NewFolder(PathBuf),
}
