//! A new service in a fleet: from a rendered template to a repository, its remote, and the link.
//!
//! Everything is created under a temporary name in the fleet's git directory and pushed from there; then it is renamed into place,
//! and the index is written last. A run that fails undoes its steps ([`undo`]); what a killed run leaves, the next one undoes
//! or completes ([`link::recover`]). Only a repository on a server is kept: the same command continues with it.

use bstr::ByteSlice;

use super::lock::FleetLock;
use crate::{
    git::repository::Repository,
    model::{
        error::{Error, Result},
        name,
        new::NewService,
    },
};

mod answers;
mod committer;
mod defaults;
mod forge;
mod index;
mod link;
mod plan;
mod remote;
mod start;
mod undo;

pub use answers::{Ask, given, values};
pub use committer::{Author, Committer};
pub use defaults::{DEVELOPMENT, MAIN, SERVICES};
pub use forge::Forge;
pub use index::home;
pub use plan::{Destination, ServicePlan};
pub use remote::Remote;
use start::Start;
pub use start::leaves;
use undo::Undo;

/// Makes the service and links it.
///
/// # Errors
/// - Misuse: the name cannot be used, or is taken. Repository: the fleet is not in a state for it, or the remote is not empty.
/// - Work or environment: git, a hook of the user's or the remote refused. The fleet and the disk are as before then; if a
///   repository was made on a server, a hint says how to go on with it.
pub fn service(fleet: &Repository, plan: ServicePlan<'_>) -> Result<NewService> {
    name::check(plan.name)?;
    let root = index::work_dir(fleet)?;
    let lock = FleetLock::take(fleet)?;
    link::recover(fleet, &root)?;
    let place = index::ServicePlace::find(fleet, &root, plan.name)?;
    plan.committer.check(&root)?;
    if let Destination::Made(forge) = plan.destination {
        forge::check(forge)?;
    }

    let scratch = lock.scratch()?;
    let mut undo = Undo::default();
    let start = Start::new(scratch.path().join("service"), fleet.object_hash(), &plan)?;
    let (remote, made) = match plan.destination {
        Destination::At(remote) => (*remote, None),
        Destination::Made(forge) => {
            let remote = forge::create(forge, fleet, plan.name)?;
            let url = remote.source.shown.to_string();
            (remote, Some(url))
        }
    };
    let mut finish = || {
        let commit = start.publish(&remote, plan.branch, scratch.path(), &mut undo)?;
        let link = link::NewLink {
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
            "its repository was created and is kept; continue with it: flota new {name} --template {template} --remote {url}"
        )),
    }
}
