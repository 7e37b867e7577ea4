//! What comes from a server is kept in scratch stores.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use flota::{
    git::{
        gitmodules::Gitmodules,
        network::fetch::{self, Depth, FetchOptions},
    },
    model::event::Event,
};

use crate::{
    http::{Manners, Server, serve},
    world::{Service, World, census, changed_files, fetch_all, options, said, tells_the_change},
};

/// A service and the server in front of it.
fn served(world: &World) -> (Service, Server, String) {
    let service = world.service("api");
    world.git("api", &["config", "uploadpack.allowFilter", "true"]);
    let server = serve(&world.path(""), Manners::default());
    let url = format!("{}/api/.git", server.url);
    (service, server, url)
}

#[test]
fn two_commits_come_with_their_root_trees_alone() {
    let world = World::new();
    let (service, _, url) = served(&world);
    let fetched = fetch_all(&world, &[service.at(&url)], Depth::Trees);
    assert!(tells_the_change(&fetched[0], &service));
    assert!(fetched[0].store.as_ref().unwrap().is_shallow());
    let store = world.scratch();
    let census = census(&world, &store);
    assert_eq!(
        (census["commit"], census["tree"], census.get("blob")),
        (2, 2, None)
    );
    // git, too, takes the store for a repository that may lack objects.
    let git_dir = format!("--git-dir={}", store.display());
    world.git("", &[&git_dir, "fsck", "--connectivity-only"]);
}

#[test]
fn all_trees_come_for_lists_of_files_and_gitmodules_with_them() {
    let world = World::new();
    let (mut service, _, url) = served(&world);
    world.put(
        "api/.gitmodules",
        "[submodule \"in\"]\n\tpath = lib/in\n\turl = ../in\n",
    );
    service.new = world.commit("api");
    let fetched = fetch_all(&world, &[service.at(&url)], Depth::AllTrees);
    assert_eq!(
        changed_files(&fetched[0], &service),
        [".gitmodules", "code/deep/er/app"]
    );
    let store = fetched[0].store.as_ref().unwrap();
    let root = store.tree_of(service.new).unwrap().unwrap();
    let listed = Gitmodules::of_tree(store.objects(), root).unwrap();
    assert_eq!(listed.at("lib/in".into()).unwrap().name, "in");
    assert_eq!(census(&world, &world.scratch())["blob"], 1);
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let world = World::new();
    let (service, server, url) = served(&world);
    let wanted = [service.at(&url)];
    for depth in [Depth::Trees, Depth::AllTrees] {
        fetch_all(&world, &wanted, depth);
    }
    let asked = server.requests.load(Ordering::SeqCst);
    for depth in [Depth::Trees, Depth::AllTrees] {
        let fetched = fetch_all(&world, &wanted, depth);
        assert!(tells_the_change(&fetched[0], &service));
    }
    assert_eq!(server.requests.load(Ordering::SeqCst), asked);
}

#[test]
fn a_third_commit_joins_the_two() {
    let world = World::new();
    let (mut service, _, url) = served(&world);
    fetch_all(&world, &[service.at(&url)], Depth::Trees);
    service.old = service.new;
    world.put("api/code/more", "x");
    service.new = world.commit("api");
    let fetched = fetch_all(&world, &[service.at(&url)], Depth::Trees);
    assert!(tells_the_change(&fetched[0], &service));
    assert_eq!(census(&world, &world.scratch())["commit"], 3);
}

#[test]
fn stores_do_not_grow_without_end() {
    let world = World::new();
    let (mut service, _, url) = served(&world);
    for round in 0..16 {
        world.put("api/code/round", &round.to_string());
        service.old = service.new;
        service.new = world.commit("api");
        let fetched = fetch_all(&world, &[service.at(&url)], Depth::Trees);
        assert!(tells_the_change(&fetched[0], &service));
    }
    let files = fs::read_dir(world.scratch().join("objects/pack")).unwrap();
    let packs = files.filter(|file| {
        let path = file.as_ref().unwrap().path();
        path.extension()
            .is_some_and(|extension| extension == "pack")
    });
    assert!(packs.count() < 13);
}

#[test]
fn offline_says_what_is_missing_and_reads_what_is_there() {
    let world = World::new();
    let (here, server, url) = served(&world);
    let gone = world.service("gone");
    fetch_all(&world, &[here.at(&url)], Depth::Trees);
    let asked = server.requests.load(Ordering::SeqCst);
    let offline = FetchOptions {
        offline: true,
        ..options(Depth::Trees)
    };
    let elsewhere = format!("{}/gone/.git", server.url);
    let wanted = [here.at(&url), gone.at(&elsewhere)];
    let fetched = fetch::fetch(&world.fleet(), &wanted, offline).unwrap();
    assert!(tells_the_change(&fetched[0], &here));
    assert!(fetched[1].store.is_none());
    let text = said(&fetched[1]);
    assert!(
        text.contains("code-repos/gone") && text.contains(&gone.new.to_string()),
        "{text}"
    );
    assert!(text.contains("hint: leave out --offline"), "{text}");
    assert_eq!(server.requests.load(Ordering::SeqCst), asked);
    // Nothing was even made ready for it.
    world.scratch();
}

#[test]
fn results_come_in_the_order_of_the_question_and_progress_is_told() {
    let world = World::new();
    let services: Vec<_> = (0..12).map(|n| world.service(&format!("s{n}"))).collect();
    let server = serve(&world.path(""), Manners::default());
    let url = |service: &Service| format!("{}/{}/.git", server.url, service.name);
    let wanted: Vec<_> = services.iter().map(|s| s.at(&url(s))).collect();
    let (announced, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let events = |event: Event| match event {
        Event::Fetching { repositories } => announced.store(repositories, Ordering::SeqCst),
        Event::Fetched => drop(done.fetch_add(1, Ordering::SeqCst)),
        _ => {}
    };
    let options = FetchOptions {
        events: &events,
        ..options(Depth::Trees)
    };
    let fetched = fetch::fetch(&world.fleet(), &wanted, options).unwrap();
    for (fetched, service) in fetched.iter().zip(&services) {
        assert!(tells_the_change(fetched, service), "{}", service.name);
    }
    assert_eq!((announced.into_inner(), done.into_inner()), (12, 12));
}
