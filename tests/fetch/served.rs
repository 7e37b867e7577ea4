//! Repositories behind servers: git://, http://, and what they may refuse.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use flota::git::network::fetch::{self, Depth, FetchOptions};

use crate::{
    daemons::free_port,
    http::{Manners, serve},
    world::{Service, World, changed_files, fetch_all, options, said, tells_the_change},
};

fn allow_filters(world: &World, service: &Service) {
    world.git(&service.name, &["config", "uploadpack.allowFilter", "true"]);
}

#[test]
fn git_daemon_with_and_without_filters() {
    let mut world = World::new();
    let url = world.daemon();
    let (with, without) = (world.service("with"), world.service("without"));
    allow_filters(&world, &with);
    let wanted = [
        with.at(&format!("{url}/with/.git")),
        without.at(&format!("{url}/without/.git")),
    ];
    for depth in [Depth::Trees, Depth::AllTrees] {
        let fetched = fetch_all(&world, &wanted, depth);
        assert!(tells_the_change(&fetched[0], &with));
        assert!(tells_the_change(&fetched[1], &without));
        if depth == Depth::AllTrees {
            assert_eq!(changed_files(&fetched[0], &with), ["code/deep/er/app"]);
            assert_eq!(changed_files(&fetched[1], &without), ["code/deep/er/app"]);
        }
    }
}

#[test]
fn a_relative_url_leads_to_the_fleets_server() {
    let world = World::new();
    let service = world.service("group/api");
    let server = serve(&world.path(""), Manners::default());
    let fleet = format!("{}/group/fleet", server.url);
    world.git("fleet", &["config", "remote.origin.url", &fleet]);
    assert!(tells_the_change(
        &fetch_all(&world, &[service.at("../api/.git")], Depth::Trees)[0],
        &service
    ));
}

/// Protocol version 0 without `uploadpack.allowAnySHA1InWant`: only tips are given out by their ids.
#[test]
fn a_server_that_gives_out_tips_alone_is_searched_by_its_branches() {
    let world = World::new();
    let service = world.service("api");
    let manners = Manners {
        only_v0: true,
        ..Manners::default()
    };
    let server = serve(&world.path(""), manners);
    let url = format!("{}/api/.git", server.url);
    assert!(tells_the_change(
        &fetch_all(&world, &[service.at(&url)], Depth::Trees)[0],
        &service
    ));

    let mut rewritten = world.service("rewritten");
    world.git(
        "rewritten",
        &["commit", "--quiet", "--amend", "--message=another"],
    );
    rewritten.old = world.id("rewritten", "HEAD");
    let url = format!("{}/rewritten/.git", server.url);
    let fetched =
        fetch::fetch(&world.fleet(), &[rewritten.at(&url)], options(Depth::Trees)).unwrap();
    assert_eq!(fetched[0].missing.len(), 1, "{}", said(&fetched[0]));
    assert_eq!(fetched[0].missing[0].commit, rewritten.new);
    assert!(said(&fetched[0]).contains("serves only commits on its branches"));
}

#[test]
fn a_commit_that_the_server_lacks_is_final() {
    let world = World::new();
    let mut service = world.service("api");
    service.new = gix::ObjectId::from_hex(b"1234567890123456789012345678901234567890").unwrap();
    let server = serve(&world.path(""), Manners::default());
    let url = format!("{}/api/.git", server.url);
    let fetched = fetch::fetch(&world.fleet(), &[service.at(&url)], options(Depth::Trees)).unwrap();
    assert_eq!(fetched[0].missing.len(), 1, "{}", said(&fetched[0]));
    assert_eq!(fetched[0].missing[0].commit, service.new);
    let text = said(&fetched[0]);
    assert!(
        text.contains("code-repos/api") && text.contains("not our ref") && text.contains(&url),
        "{text}"
    );
    assert!(
        fetched[0]
            .store
            .as_ref()
            .unwrap()
            .tree_of(service.old)
            .unwrap()
            .is_some()
    );
}

#[test]
fn faults_that_pass_are_tried_again_and_a_404_is_final() {
    let world = World::new();
    let service = world.service("api");
    let manners = |first: &[u16]| Manners {
        first: first.to_vec(),
        ..Manners::default()
    };
    let server = serve(&world.path(""), manners(&[503, 429]));
    let url = format!("{}/api/.git", server.url);
    assert!(tells_the_change(
        &fetch_all(&world, &[service.at(&url)], Depth::Trees)[0],
        &service
    ));

    let server = serve(&world.path(""), manners(&[404, 404, 404, 404]));
    let url = format!("{}/api/.git", server.url);
    let fetched = fetch::fetch(&world.fleet(), &[service.at(&url)], options(Depth::Trees)).unwrap();
    assert_eq!(fetched[0].missing.len(), 2);
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
    assert!(
        said(&fetched[0]).contains("not found"),
        "{}",
        said(&fetched[0])
    );
}

#[test]
fn servers_that_are_gone_or_hang_cost_their_own_submodules_only() {
    let world = World::new();
    let names = ["a", "b", "c", "gone", "hangs"];
    let services: Vec<_> = names.iter().map(|name| world.service(name)).collect();
    let good = serve(&world.path(""), Manners::default());
    let silent = Manners {
        silent: true,
        ..Manners::default()
    };
    let hangs = serve(&world.path(""), silent);
    let url = |service: &Service| match service.name.as_str() {
        "gone" => format!("http://127.0.0.1:{}/gone", free_port()),
        "hangs" => format!("{}/hangs", hangs.url),
        name => format!("{}/{name}/.git", good.url),
    };
    let wanted: Vec<_> = services
        .iter()
        .map(|service| service.at(&url(service)))
        .collect();
    let impatient = FetchOptions {
        patience: Duration::from_secs(5),
        ..options(Depth::Trees)
    };
    let started = Instant::now();
    let fetched = fetch::fetch(&world.fleet(), &wanted, impatient).unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
    for (fetched, service) in fetched.iter().zip(&services).take(3) {
        assert!(tells_the_change(fetched, service));
    }
    assert!(fetched[3].store.is_none() && fetched[4].store.is_none());
    assert!(
        said(&fetched[3]).contains("hint: see whether it answers: git ls-remote http://127.0.0.1:")
    );
    assert!(
        said(&fetched[4]).contains("printed nothing for 5s"),
        "{}",
        said(&fetched[4])
    );
}

#[test]
fn the_fleets_own_access_is_used_for_its_host_and_no_other() {
    let world = World::new();
    let service = world.service("api");
    let manners = Manners {
        authorization: Some("Basic dG9rZW4="),
        ..Manners::default()
    };
    let [own, other] = [manners.clone(), manners].map(|manners| serve(&world.path(""), manners));
    let scoped = format!("http.{}/.extraHeader", own.url);
    world.git(
        "fleet",
        &["config", &scoped, "Authorization: Basic dG9rZW4="],
    );
    let wanted = [&own, &other].map(|server| service.at(&format!("{}/api/.git", server.url)));
    let fetched = fetch::fetch(&world.fleet(), &wanted, options(Depth::Trees)).unwrap();
    assert!(tells_the_change(&fetched[0], &service));
    assert!(fetched[1].store.is_none(), "nobody is asked for a password");
    let seen = other.seen.lock().unwrap();
    assert!(
        !seen.is_empty() && seen.iter().all(String::is_empty),
        "{seen:?}"
    );

    world.git("fleet", &["config", "--unset", &scoped]);
    world.git(
        "fleet",
        &[
            "config",
            "http.extraHeader",
            "Authorization: Basic dG9rZW4=",
        ],
    );
    let fetched = fetch::fetch(&world.fleet(), &wanted[1..], options(Depth::Trees)).unwrap();
    assert!(fetched[0].store.is_none());
}

#[test]
fn passwords_stay_out_of_messages_and_files() {
    let world = World::new();
    let service = world.service("api");
    let server = serve(&world.path(""), Manners::default());
    let url = server
        .url
        .replace("http://", "http://someone:s3cr%65t-word@");
    let good = service.at(&format!("{url}/api/.git"));
    fetch_all(&world, &[good], Depth::Trees);
    let bad = service.at(&format!("{url}/nowhere"));
    let fetched = fetch::fetch(&world.fleet(), &[bad], options(Depth::Trees)).unwrap();
    let text = said(&fetched[0]);
    assert!(
        text.contains("/nowhere") && !text.contains("s3cr"),
        "{text}"
    );
    for (file, content) in world.files("fleet/.git") {
        assert!(
            !String::from_utf8_lossy(&content).contains("s3cr"),
            "{}",
            file.display()
        );
    }
}
