//! Fetching from a server: `git fetch`, which knows every way to log in, every proxy and every key of its configuration.
//!
//! gix 0.90 has HTTP too, but overlooks `http.<url>.*` (where actions/checkout keeps its token), `.netrc`, client
//! certificates and `GIT_SSH_COMMAND`'s variants.

use std::time::Duration;

use gix::ObjectId;

use super::{depth::Depth, scratch::Locked};
use crate::git::{
    network::{command::ServerCommand, configuration::Configuration, fault::ServerFault},
    url::Source,
};

/// How far back the branches of a server are searched that gives out nothing but its branches.
const BRANCH_DEPTHS: [u32; 2] = [50, 1000];

/// What arrives stays packed, and nothing is written beside it.
const AS_IT_COMES: [&str; 4] = [
    "-c",
    "fetch.unpackLimit=1",
    "-c",
    "fetch.writeCommitGraph=false",
];

/// One server to fetch from.
pub(super) struct Server<'a> {
    pub source: &'a Source,
    pub depth: Depth,
    pub configuration: &'a Configuration,
    /// How long it may be silent.
    pub patience: Duration,
}

impl Server<'_> {
    /// Brings `objects` by their ids. A server without filters sends whole commits: git sees to that by itself.
    pub(super) fn fetch(
        &self,
        scratch: &Locked<'_>,
        objects: &[ObjectId],
    ) -> Result<(), ServerFault> {
        let ids: Vec<_> = objects.iter().map(ToString::to_string).collect();
        self.run(scratch, 1, &ids)
    }

    /// Brings the branches, deeper and deeper, until `is_found`.
    pub(super) fn search(
        &self,
        scratch: &Locked<'_>,
        is_found: impl Fn() -> bool,
    ) -> Result<(), ServerFault> {
        for depth in BRANCH_DEPTHS {
            self.run(scratch, depth, &["+refs/heads/*:refs/heads/*".to_owned()])?;
            if is_found() {
                return Ok(());
            }
        }
        let [.., last] = BRANCH_DEPTHS;
        Err(ServerFault::NotThere(format!(
            "the server serves only commits on its branches, and it is not among the last {last} commits of those"
        )))
    }

    fn run(
        &self,
        scratch: &Locked<'_>,
        depth: u32,
        refspecs: &[String],
    ) -> Result<(), ServerFault> {
        let mut answered = Ok(());
        for filter in self.depth.filters() {
            let filter = filter.map_or("--no-filter".to_owned(), |it| format!("--filter={it}"));
            answered = ServerCommand::in_store(
                scratch.dir(),
                self.source,
                self.configuration,
                self.patience,
            )
            .args(AS_IT_COMES)
            .fetch()
            .arg(format!("--depth={depth}"))
            .arg(filter)
            .arg("origin")
            .args(refspecs)
            .run();
            match &answered {
                Err(fault) if fault.is_about_a_filter() => {}
                _ => break,
            }
        }
        answered
    }
}
