//! What is not here is fetched together, whoever asks for it.

use std::{num::NonZeroUsize, sync::Mutex};

use flota::{
    config,
    fleet::{
        changed::{ChangedOptions, changed},
        range,
        select::Selector,
    },
    git::repository::Repository,
    model::{event::Event, range::Range},
};

use super::LAST;
use crate::{daemons::Daemon, sandbox::Sandbox};

/// How many repositories each round of fetching was about.
fn rounds(script: &str) -> Vec<usize> {
    let sandbox = Sandbox::scripted(script);
    let server = Daemon::of_git(sandbox.root(), |daemon| daemon);
    let url = format!("{}/fleet", server.url());
    sandbox.git(
        "",
        &["clone", "--quiet", "--no-recurse-submodules", &url, "ours"],
    );
    let fleet = Repository::discover(&sandbox.path("ours")).unwrap();
    let settings = config::load(&fleet, None).unwrap();
    let wanted = Range::parse(LAST).unwrap();
    let ends = range::resolve(&fleet, &settings, Some(&wanted), None, false).unwrap();
    let rounds = Mutex::new(Vec::new());
    let options = ChangedOptions {
        files: false,
        strict: false,
        jobs: NonZeroUsize::new(4).unwrap(),
        only: &Selector::ANY,
        offline: false,
        events: &|event| {
            if let Event::Fetching { repositories } = event {
                rounds.lock().unwrap().push(repositories);
            }
        },
    };
    let found = changed(&fleet, &settings, ends, options).unwrap();
    assert!(found.unread.is_empty(), "{:?}", found.unread);
    rounds.into_inner().unwrap()
}

/// One round for the service whose pin moved, one for the two that the fleet's own files fan out to, one for the Dockerfile of
/// the only service whose image nothing calls for yet: it may be built on the images of the others.
#[test]
fn what_fans_out_is_fetched_in_one_round() {
    assert_eq!(rounds("fanout"), [1, 2, 1]);
}

/// The same of services that depend on one that changed, however many steps away: after the Dockerfiles of all.
#[test]
fn what_depends_on_a_change_is_fetched_in_one_round() {
    let rounds = rounds("depends-on");
    assert_eq!(rounds, [1, 3, 2]);
}
