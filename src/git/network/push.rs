//! Pushing to a server.

use bstr::{BStr, ByteSlice};
use gix::ObjectId;

use super::{
    command::ServerCommand, configuration::Configuration, fault::ServerFault, shallow::RemoteAccess,
};
use crate::{
    git::{repository::Repository, url::Source},
    model::error::Result,
    process::Command,
};

/// Lets `reference` of the fleet's `remote` be `new`, if it is `expected` until then; none means that there is no such.
///
/// # Errors
/// The configuration cannot be read. What the server says of it is the result.
pub(in crate::git) fn replace(
    fleet: &Repository,
    remote: &BStr,
    reference: &str,
    expected: Option<ObjectId>,
    new: ObjectId,
    access: RemoteAccess,
) -> Result<std::result::Result<(), ServerFault>> {
    let lease = expected.map(|id| id.to_string()).unwrap_or_default();
    let push = ServerCommand::in_fleet(fleet, remote, true, access.patience)?
        .args(["push", "--quiet", "--no-verify", "--recurse-submodules=no"])
        .arg(format!("--force-with-lease={reference}:{lease}"))
        .arg("--")
        .arg(remote.to_os_str_lossy().into_owned())
        .arg(format!("{new}:{reference}"));
    Ok(push.run())
}

/// Pushes `refspecs` of the repository in which `git` runs to its `origin`, which is at `source`; local branches follow theirs.
/// The user's hooks may take their time.
///
/// # Errors
/// The server cannot be reached, or does not take it.
pub fn publish(
    git: Command,
    source: &Source,
    refspecs: &[&str],
) -> std::result::Result<(), ServerFault> {
    ServerCommand::in_repository(git, source, &Configuration::of_user())
        .args(["push", "--quiet", "--set-upstream", "origin"])
        .args(refspecs.iter().copied())
        .run()
}
