//! A new service in a fleet: from a rendered template to a repository, its remote, and the link.
//!
//! Everything is made under a temporary name in the fleet's git directory and pushed from there; then it is renamed into place,
//! and the index is written last. What fails on the way is taken back ([`undo`]); what a killed run leaves, the next one takes
//! back or completes ([`link::recover`]). Only a repository on a server stays: the same command goes on with it.

use bstr::ByteSlice;

use crate::{
    git::repository::Repository,
    model::{
        error::{Error, Result},
        name,
        new::NewService,
    },
    templates::File,
};

mod answers;
mod committer;
mod forge;
mod index;
mod link;
mod remote;
mod start;
mod undo;

pub use answers::{Ask, given, values};
pub use committer::{Author, Committer};
pub use forge::Forge;
pub use index::home;
pub use remote::Remote;
use start::Start;
pub(super) use start::leaves;
use undo::Undo;

/// Where a fleet keeps its services if nothing in it says otherwise.
pub const SERVICES: &str = "code-repos";

/// The branch of what is released.
pub const MAIN: &str = "main";

/// The branch that work is merged into before it is released.
pub const DEVELOPMENT: &str = "development";

/// Where the new service's repository is to be.
pub enum Destination {
    /// A repository without commits, or a folder to make one in.
    At(Remote),
    /// A repository that the forge's own program makes.
    Made(Forge),
}

/// A service to be made.
pub struct Plan<'a> {
    /// Its name, its submodule's, and its folder's.
    pub name: &'a str,
    /// The template's name, for the commit's message.
    pub template: &'a str,
    /// The files of its first commit.
    pub files: &'a [File],
    /// The branch that work goes to, beside [`MAIN`]; the worktree is on it.
    pub branch: &'a str,
    /// Its repository on a server, or in a folder.
    pub destination: Destination,
    /// Whether the link is committed in the fleet, or staged alone.
    pub commit: bool,
    /// Who commits.
    pub committer: &'a Committer,
}

/// Makes the service and links it.
///
/// # Errors
/// - Misuse: the name cannot be used, or is taken. Repository: the fleet is not in a state for it, or the remote is not empty.
/// - Work or environment: git, a hook of the user's or the remote refused. The fleet and the disk are as before then; if a
///   repository was made on a server, a hint says how to go on with it.
pub fn service(fleet: &Repository, plan: Plan<'_>) -> Result<NewService> {
    name::check(plan.name)?;
    let root = index::work_dir(fleet)?;
    let _lock = super::update::lock(fleet)?;
    link::recover(fleet, &root)?;
    let place = index::Place::find(fleet, &root, plan.name)?;
    plan.committer.check(&root)?;
    if let Destination::Made(forge) = plan.destination {
        forge::check(forge)?;
    }

    let scratch = super::update::scratch(fleet)?;
    let mut undo = Undo::default();
    let start = Start::new(scratch.path().join("service"), fleet.object_hash(), &plan)?;
    let (remote, made) = match plan.destination {
        Destination::At(remote) => (remote, None),
        Destination::Made(forge) => {
            let remote = forge::create(forge, fleet, plan.name)?;
            let url = remote.source.shown.to_string();
            (remote, Some(url))
        }
    };
    let mut finish = || {
        let commit = start.publish(&remote, plan.branch, scratch.path(), &mut undo)?;
        let link = link::Link {
            name: plan.name,
            place: &place,
            url: remote.listed.as_ref(),
            source: &remote.source,
            branch: plan.branch,
            commit,
        };
        link.make(fleet, &root, &start, &mut undo)?;
        if plan.commit {
            let message = format!("Add {}", plan.name);
            link.commit(&root, plan.committer, &message)?;
        }
        Ok(commit)
    };
    let commit = match finish() {
        Ok(commit) => commit,
        Err(error) => return Err(going_on(error, plan.name, plan.template, made)),
    };
    undo.keep();
    link::complete(fleet)?;
    Ok(NewService {
        work_dir: root.join(place.path.to_path_lossy()),
        path: place.path,
        url: remote.listed,
        remote: remote.source.shown,
        kind: remote.kind,
        commit,
        template: plan.template.to_owned(),
        branch: plan.branch.to_owned(),
        is_committed: plan.commit,
    })
}

/// A repository that a forge made is not taken away again: the user is told how to go on with it.
fn going_on(error: Error, name: &str, template: &str, made: Option<String>) -> Error {
    match made {
        None => error,
        Some(url) => error.hint(format!(
            "its repository was made and stays; go on with it: flota new {name} --template {template} --remote {url}"
        )),
    }
}
