//! `flota.log/v1`

use serde::Serialize;

use super::{
    parts::{BetweenV1, Bytes, ServiceV1},
    render::render,
};
use crate::model::{
    document::Hex,
    log::{Between, LoggedCommit, LoggedCommits, ServiceLog},
};

/// `flota.log/v1`
pub(crate) fn logged(log: &Between<ServiceLog>) -> String {
    let services = log.services.iter().map(ServiceLogV1::from).collect();
    render(&BetweenV1::new("flota.log/v1", log, services))
}

#[derive(Serialize)]
struct ServiceLogV1<'a> {
    #[serde(flatten)]
    service: ServiceV1<'a>,
    gained: LoggedCommitsV1<'a>,
    lost: LoggedCommitsV1<'a>,
}

impl<'a> From<&'a ServiceLog> for ServiceLogV1<'a> {
    fn from(log: &'a ServiceLog) -> Self {
        Self {
            service: (&log.service).into(),
            gained: (&log.gained).into(),
            lost: (&log.lost).into(),
        }
    }
}

#[derive(Serialize)]
struct LoggedCommitsV1<'a> {
    count: usize,
    commits: Vec<LoggedCommitV1<'a>>,
}

impl<'a> From<&'a LoggedCommits> for LoggedCommitsV1<'a> {
    fn from(commits: &'a LoggedCommits) -> Self {
        Self {
            count: commits.count,
            commits: commits.newest.iter().map(LoggedCommitV1::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct LoggedCommitV1<'a> {
    commit: Hex,
    #[serde(flatten)]
    subject: Bytes<'a>,
    #[serde(flatten)]
    author: Bytes<'a>,
    #[serde(flatten)]
    email: Bytes<'a>,
    date: &'a str,
}

impl<'a> From<&'a LoggedCommit> for LoggedCommitV1<'a> {
    fn from(commit: &'a LoggedCommit) -> Self {
        Self {
            commit: Hex(commit.id),
            subject: Bytes("subject", commit.subject.as_ref()),
            author: Bytes("author", commit.author.as_ref()),
            email: Bytes("email", commit.email.as_ref()),
            date: &commit.date,
        }
    }
}
