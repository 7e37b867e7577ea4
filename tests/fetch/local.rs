//! Repositories on this machine: read where they are, or by git.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use flota::{
    git::network::fetch::{self, Depth, FetchOptions, Fetched},
    model::exit::Exit,
};
use gix::ObjectId;

use crate::world::{Service, World, changed_files, fetch_all, options, said, tells_the_change};

/// Both commits of a service whose repository lies beside the fleet; what of them cannot be fetched is not an error here.
fn fetch(world: &World, service: &Service, url: &str, depth: Depth) -> Fetched {
    let wanted = [service.at(url)];
    let mut fetched = fetch::fetch(&world.fleet(), &wanted, options(depth)).unwrap();
    fetched.remove(0)
}

/// The git directory that its objects are read from.
fn place(fetched: &Fetched) -> &Path {
    fetched.store.as_ref().unwrap().git_dir()
}

fn missing(fetched: &Fetched) -> Vec<ObjectId> {
    fetched.missing.iter().map(|one| one.commit).collect()
}

/// The file of a loose object of `api`.
fn loose(world: &World, rev: &str) -> PathBuf {
    let id = world.id("api", rev).to_string();
    let (folder, file) = id.split_at(2);
    world.path("api/.git/objects").join(folder).join(file)
}

#[test]
fn a_repository_is_read_where_it_is() {
    let world = World::new();
    let service = world.service("api");
    world.git("api", &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", world.path("api").display());
    let clones: [(&str, &[&str]); 6] = [
        ("bare.git", &["--bare"]),
        ("borrowing", &["--bare", "--shared"]),
        ("shallow", &["--bare", "--depth=2"]),
        ("without-blobs", &["--bare", "--filter=blob:none"]),
        ("with-many-packs", &["--bare"]),
        ("worktree", &["--separate-git-dir=apart"]),
    ];
    for (name, how) in clones {
        // `--shared` is for paths alone.
        let from = if name == "borrowing" { "api" } else { &url };
        world.git("", &[&["clone", "--quiet"], how, &[from, name]].concat());
    }
    world.git("with-many-packs", &["multi-pack-index", "write"]);
    symlink("api", world.path("link")).unwrap();
    let before = world.files("");
    for (name, git_dir) in [
        ("api", "api/.git"),
        ("link", "api/.git"),
        ("bare.git", "bare.git"),
        ("bare", "bare.git"),
        ("borrowing", "borrowing"),
        ("shallow", "shallow"),
        ("without-blobs", "without-blobs"),
        ("with-many-packs", "with-many-packs"),
        ("worktree", "apart"),
    ] {
        let (old, new) = (service.old.to_string(), service.new.to_string());
        let diff = ["diff", "--name-only", "--no-renames", &old, &new];
        let by_git = world.git(git_dir, &diff);
        for depth in [Depth::Trees, Depth::AllTrees] {
            let fetched = fetch(&world, &service, &format!("../{name}"), depth);
            assert_eq!(place(&fetched), world.path(git_dir), "{name}");
            assert!(tells_the_change(&fetched, &service), "{name}");
            let files = changed_files(&fetched, &service);
            assert_eq!(files, by_git.lines().collect::<Vec<_>>(), "{name}");
        }
    }
    assert_eq!(world.files(""), before, "nothing is written anywhere");
}

#[test]
fn what_is_no_ordinary_repository_comes_through_git() {
    let world = World::new();
    let service = world.service("api");
    world.git(
        "api",
        &["worktree", "add", "--quiet", "--detach", "../linked"],
    );
    world.git("api", &["tag", "old", &service.old.to_string()]);
    world.git(
        "api",
        &["bundle", "create", "--quiet", "../bundle", "--all"],
    );
    for name in ["linked", "bundle"] {
        for depth in [Depth::Trees, Depth::AllTrees] {
            let fetched = fetch(&world, &service, &format!("../{name}"), depth);
            assert!(fetched.missing.is_empty(), "{name}: {}", said(&fetched));
            let scratch = world.path("fleet/.git/flota/scratch");
            assert!(place(&fetched).starts_with(scratch), "{name}");
            assert!(tells_the_change(&fetched, &service), "{name}");
        }
    }
}

#[test]
fn offline_is_no_word_about_this_machine() {
    let world = World::new();
    let mut service = world.service("api");
    let offline = FetchOptions {
        offline: true,
        ..options(Depth::AllTrees)
    };
    let fetch = |service: &Service| {
        let fetched = fetch::fetch(&world.fleet(), &[service.at("../api")], offline);
        fetched.unwrap().remove(0)
    };
    assert!(tells_the_change(&fetch(&service), &service));
    service.old = ObjectId::null(gix::hash::Kind::Sha1);
    assert!(said(&fetch(&service)).contains("must stay offline"));
}

/// Its objects lie where git looks for them, and are not what they are called.
#[test]
fn an_object_that_is_another_is_not_believed() {
    for damaged in ["HEAD", "HEAD^{tree}", "HEAD:code"] {
        for by in ["HEAD~1", "HEAD~1^{tree}", "HEAD~1:code", ""] {
            let world = World::new();
            let service = world.service("api");
            let file = loose(&world, damaged);
            let bytes = match by {
                "" => b"no zlib stream".to_vec(),
                by => fs::read(loose(&world, by)).unwrap(),
            };
            fs::remove_file(&file).unwrap();
            fs::write(&file, bytes).unwrap();
            let fetched = fetch(&world, &service, "../api", Depth::AllTrees);
            let case = format!("{damaged} by {by}: {}", said(&fetched));
            assert!(missing(&fetched).contains(&service.new), "{case}");
        }
    }
}

#[test]
fn what_a_source_lacks_is_named_and_not_fetched_for_it() {
    let world = World::new();
    let service = world.service("api");
    world.git("api", &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", world.path("api").display());
    for (name, how, lacks) in [
        ("shallow", "--depth=1", vec![service.old]),
        (
            "treeless",
            "--filter=tree:0",
            vec![service.old, service.new],
        ),
    ] {
        world.git("", &["clone", "--quiet", "--bare", how, &url, name]);
        let before = world.files(name);
        let fetched = fetch(&world, &service, &format!("../{name}"), Depth::Trees);
        assert_eq!(missing(&fetched), lacks, "{name}: {}", said(&fetched));
        assert_eq!(fetched.store.is_some(), lacks.len() < 2, "{name}");
        assert_eq!(world.files(name), before, "{name}");
    }
}

#[test]
fn the_submodules_of_a_source_are_its_own_affair() {
    let world = World::new();
    let service = world.service("api");
    world.service("in");
    let allow = ["-c", "protocol.file.allow=always"];
    let add = ["submodule", "--quiet", "add", "--name", "in", "../in", "in"];
    world.git("api", &[&allow[..], &add].concat());
    assert!(world.path("api/.git/modules/in").is_dir());
    let fetched = fetch(&world, &service, "../api", Depth::Trees);
    let store = fetched.store.unwrap();
    assert!(store.nested("in".into()).unwrap().is_none());
}

#[test]
fn nothing_that_the_source_names_runs() {
    let world = World::new();
    let service = world.service("api");
    let canary = world.path("canary");
    world.put("hook", &format!("#!/bin/sh\ntouch {}\n", canary.display()));
    let hook = world.path("hook");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let (hook, elsewhere) = (hook.to_str().unwrap(), world.path("fleet"));
    for (key, value) in [
        ("uploadpack.packObjectsHook", hook),
        ("core.fsmonitor", hook),
        ("core.alternateRefsCommand", hook),
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", elsewhere.to_str().unwrap()),
        ("remote.origin.uploadpack", hook),
    ] {
        world.git("api", &["config", key, value]);
    }
    for depth in [Depth::Trees, Depth::AllTrees] {
        assert!(tells_the_change(
            &fetch(&world, &service, "../api", depth),
            &service
        ));
    }
    // What is not there git is asked for, which could fetch it for the source.
    fs::remove_file(loose(&world, "HEAD~1^{tree}")).unwrap();
    for depth in [Depth::Trees, Depth::AllTrees] {
        let fetched = fetch(&world, &service, "../api", depth);
        assert!(
            missing(&fetched).contains(&service.old),
            "{}",
            said(&fetched)
        );
    }
    assert!(!canary.exists());
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
        format!("code-repos/api: its commit {gone} cannot be fetched ({url})")
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
    assert!(said(&fetched[0]).contains("not a complete commit"));
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
