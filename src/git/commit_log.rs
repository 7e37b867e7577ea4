//! Commits as a log shows them.

use gix::{
    ObjectId,
    date::time::format,
    objs::FindExt,
    traverse::commit::{
        Simple,
        simple::{CommitTimeOrder, Sorting},
    },
};

use super::objects::Objects;
use crate::model::{
    error::{Error, Result},
    log::{LoggedCommit, LoggedCommits},
};

/// The commits that lead to `tip` and not to `known`: how many, and the newest `limit` of them.
///
/// # Errors
/// Repository: a commit is damaged or missing.
pub fn between(
    objects: Objects<'_>,
    known: Option<ObjectId>,
    tip: ObjectId,
    limit: usize,
) -> Result<LoggedCommits> {
    let unreadable =
        |err: gix::Error| Error::repository(format!("cannot walk down from {tip}")).because(err);
    let walk = Simple::new([tip], objects)
        .sorting(Sorting::ByCommitTime(CommitTimeOrder::NewestFirst))
        .and_then(|walk| walk.hide(known))
        .map_err(unreadable)?;
    let mut commits = LoggedCommits::default();
    for info in walk {
        let id = info.map_err(unreadable)?.id;
        commits.count += 1;
        if commits.newest.len() < limit {
            commits.newest.push(read(objects, id)?);
        }
    }
    Ok(commits)
}

fn read(objects: Objects<'_>, id: ObjectId) -> Result<LoggedCommit> {
    let unreadable = || Error::repository(format!("cannot read the commit {id}"));
    let mut buffer = Vec::new();
    let commit = objects
        .find_commit(&id, &mut buffer)
        .map_err(|err| unreadable().because(err))?;
    let author = commit.author().map_err(|err| unreadable().because(err))?;
    let time = author.time().map_err(|err| unreadable().because(err))?;
    Ok(LoggedCommit {
        id,
        subject: commit.message_summary().into_owned(),
        author: author.name.to_owned(),
        email: author.email.to_owned(),
        date: time.format_or_unix(format::ISO8601_STRICT),
    })
}
