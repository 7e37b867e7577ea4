//! A service to be created.

use super::{committer::Committer, forge::Forge, remote::Remote};
use crate::templates::File;

/// Where the new service's repository is to be.
pub enum Destination {
    /// A repository without commits, or a folder to make one in.
    At(Box<Remote>),
    /// A repository that the forge's own program makes.
    Made(Forge),
}

/// A service to be made.
pub struct ServicePlan<'a> {
    /// Its name, its submodule's, and its folder's.
    pub name: &'a str,
    /// The template's name, for the commit's message.
    pub template: &'a str,
    /// The files of its first commit.
    pub files: &'a [File],
    /// The branch that work goes to, beside [`MAIN`](super::MAIN); the worktree is on it.
    pub branch: &'a str,
    /// Its repository on a server, or in a folder.
    pub destination: Destination,
    /// Whether the link is committed in the fleet, or staged alone.
    pub commit: bool,
    /// Who commits.
    pub committer: &'a Committer,
}
