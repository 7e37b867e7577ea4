//! Repositories on this machine: fetched in process.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use flota::{
    git::{
        fetch::{self, Depth, Options},
        gitmodules::Gitmodules,
    },
    model::{event::Event, exit::Exit},
};
use gix::ObjectId;

use crate::world::{World, census, changed_files, fetch_all, options, said, tells_the_change};

#[test]
fn two_commits_come_with_their_root_trees_alone() {
    let world = World::new();
    let service = world.service("api");
    let fetched = fetch_all(&world, &[service.at("../api")], Depth::Trees);
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
    let mut service = world.service("api");
    world.put(
        "api/.gitmodules",
        "[submodule \"in\"]\n\tpath = lib/in\n\turl = ../in\n",
    );
    service.new = world.commit("api");
    let fetched = fetch_all(&world, &[service.at("../api")], Depth::AllTrees);
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
    let service = world.service("api");
    let wanted = [service.at("../api")];
    for depth in [Depth::Trees, Depth::AllTrees] {
        fetch_all(&world, &wanted, depth);
    }
    fs::rename(world.path("api"), world.path("gone")).unwrap();
    for depth in [Depth::Trees, Depth::AllTrees] {
        assert!(tells_the_change(
            &fetch_all(&world, &wanted, depth)[0],
            &service
        ));
    }
}

#[test]
fn a_third_commit_joins_the_two() {
    let world = World::new();
    let mut service = world.service("api");
    fetch_all(&world, &[service.at("../api")], Depth::Trees);
    service.old = service.new;
    world.put("api/code/more", "x");
    service.new = world.commit("api");
    let fetched = fetch_all(&world, &[service.at("../api")], Depth::Trees);
    assert!(tells_the_change(&fetched[0], &service));
    assert_eq!(census(&world, &world.scratch())["commit"], 3);
}

#[test]
fn stores_do_not_grow_without_end() {
    let world = World::new();
    let mut service = world.service("api");
    for round in 0..30 {
        world.put("api/code/round", &round.to_string());
        service.old = service.new;
        service.new = world.commit("api");
        assert!(tells_the_change(
            &fetch_all(&world, &[service.at("../api")], Depth::Trees)[0],
            &service
        ));
    }
    assert!(
        fs::read_dir(world.scratch().join("objects/pack"))
            .unwrap()
            .count()
            < 40
    );
}

#[test]
fn sha256_repositories_work() {
    let world = World::new();
    fs::remove_dir_all(world.path("fleet/.git")).unwrap();
    world.git("fleet", &["init", "--quiet", "--object-format=sha256"]);
    let service = world.service_with("api", &["--object-format=sha256"]);
    for depth in [Depth::Trees, Depth::AllTrees] {
        assert!(tells_the_change(
            &fetch_all(&world, &[service.at("../api")], depth)[0],
            &service
        ));
    }
}

#[test]
fn a_commit_that_the_server_lacks_is_named_and_the_other_is_there() {
    let world = World::new();
    let mut service = world.service("api");
    let gone = ObjectId::from_hex(b"1234567890123456789012345678901234567890").unwrap();
    service.old = gone;
    let fetched = fetch::fetch(
        &world.fleet(),
        &[service.at("../api")],
        options(Depth::Trees),
    )
    .unwrap();
    let [missing] = &fetched[0].missing[..] else {
        panic!("{}", said(&fetched[0]))
    };
    assert_eq!(
        (missing.commit, missing.error.exit()),
        (gone, Exit::Repository)
    );
    let url = world.path("api").display().to_string();
    let message = missing.error.to_string();
    assert_eq!(
        message,
        format!("code-repos/api: its commit {gone} cannot be had ({url})")
    );
    assert!(said(&fetched[0]).contains("not our ref"));
    let store = fetched[0].store.as_ref().unwrap();
    assert!(store.tree_of(service.new).unwrap().is_some());
}

#[test]
fn a_pin_that_is_no_commit_is_an_error_and_not_a_loop() {
    let world = World::new();
    let mut service = world.service("api");
    service.new = world.id("api", "HEAD:code");
    let fetched = fetch::fetch(
        &world.fleet(),
        &[service.at("../api")],
        options(Depth::Trees),
    )
    .unwrap();
    let missing: Vec<_> = fetched[0].missing.iter().map(|m| m.commit).collect();
    assert_eq!(missing, [service.new], "{}", said(&fetched[0]));
    assert!(said(&fetched[0]).contains("no whole commit"));
}

#[test]
fn results_come_in_the_order_of_the_question_and_progress_is_told() {
    let world = World::new();
    let services: Vec<_> = (0..12).map(|n| world.service(&format!("s{n}"))).collect();
    let wanted: Vec<_> = services
        .iter()
        .map(|s| s.at(&format!("../{}", s.name)))
        .collect();
    let (announced, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let events = |event: Event| match event {
        Event::Fetching { repositories } => announced.store(repositories, Ordering::SeqCst),
        Event::Fetched => drop(done.fetch_add(1, Ordering::SeqCst)),
        _ => {}
    };
    let options = Options {
        events: &events,
        ..options(Depth::Trees)
    };
    let fetched = fetch::fetch(&world.fleet(), &wanted, options).unwrap();
    for (fetched, service) in fetched.iter().zip(&services) {
        assert!(tells_the_change(fetched, service), "{}", service.name);
    }
    assert_eq!((announced.into_inner(), done.into_inner()), (12, 12));
}

#[test]
fn two_submodules_may_share_a_url() {
    let world = World::new();
    let service = world.service("api");
    let wanted = vec![service.at("../api"); 8];
    for fetched in fetch_all(&world, &wanted, Depth::Trees) {
        assert!(tells_the_change(&fetched, &service));
    }
}

#[test]
fn offline_says_what_is_missing_and_reads_what_is_there() {
    let world = World::new();
    let (here, gone) = (world.service("here"), world.service("gone"));
    fetch_all(&world, &[here.at("../here")], Depth::Trees);
    let offline = Options {
        offline: true,
        ..options(Depth::Trees)
    };
    let wanted = [here.at("../here"), gone.at("../gone")];
    let fetched = fetch::fetch(&world.fleet(), &wanted, offline).unwrap();
    assert!(tells_the_change(&fetched[0], &here));
    assert!(fetched[1].store.is_none());
    let text = said(&fetched[1]);
    assert!(
        text.contains("code-repos/gone") && text.contains(&gone.new.to_string()),
        "{text}"
    );
    assert!(text.contains("hint: leave out --offline"), "{text}");
    // Nothing was even made ready for it.
    world.scratch();
}

#[test]
fn the_submodules_own_repositories_stay_untouched() {
    let world = World::new();
    let service = world.service("api");
    world.git(
        "fleet",
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            "--name",
            "api",
            "../api",
            "code-repos/api",
        ],
    );
    world.git(
        "fleet/code-repos/api",
        &["checkout", "--quiet", "--detach", &service.old.to_string()],
    );
    let before = (
        world.files("fleet/code-repos"),
        world.files("fleet/.git/modules"),
        world.files("api"),
    );
    for depth in [Depth::Trees, Depth::AllTrees] {
        fetch_all(&world, &[service.at("../api")], depth);
    }
    assert_eq!(world.files("fleet/code-repos"), before.0);
    assert_eq!(world.files("fleet/.git/modules"), before.1);
    assert_eq!(world.files("api"), before.2);
}

#[test]
fn the_fleets_configuration_has_the_last_word_on_the_url() {
    let world = World::new();
    let service = world.service("api");
    let moved = world.path("api").display().to_string();
    world.git("fleet", &["config", "submodule.api.url", &moved]);
    assert!(tells_the_change(
        &fetch_all(
            &world,
            &[service.at("https://example.invalid/api")],
            Depth::Trees
        )[0],
        &service
    ));

    let rule = format!("url.{}.insteadOf", world.path("").display());
    world.git("fleet", &["config", "--unset", "submodule.api.url"]);
    world.git("fleet", &["config", &rule, "https://example.invalid/"]);
    world.git(
        "fleet",
        &[
            "config",
            "remote.origin.url",
            "https://example.invalid/fleet",
        ],
    );
    assert!(tells_the_change(
        &fetch_all(&world, &[service.at("../api")], Depth::Trees)[0],
        &service
    ));
}

#[test]
fn a_fleet_from_a_server_does_not_reach_into_this_machines_files() {
    let world = World::new();
    let service = world.service("api");
    world.git(
        "fleet",
        &[
            "config",
            "remote.origin.url",
            "https://example.invalid/fleet",
        ],
    );
    let url = format!("file://{}", world.path("api").display());
    let fetch =
        || fetch::fetch(&world.fleet(), &[service.at(&url)], options(Depth::Trees)).unwrap();
    let text = said(&fetch()[0]);
    assert!(
        text.contains("`file` is not allowed for submodules"),
        "{text}"
    );
    assert!(
        text.contains(
            "hint: if you trust this fleet with it: git config protocol.file.allow always"
        ),
        "{text}"
    );
    world.git("fleet", &["config", "protocol.file.allow", "always"]);
    assert!(tells_the_change(&fetch()[0], &service));
}
