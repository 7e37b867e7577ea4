//! Shallow fleets, as CI systems check them out.

use std::time::Duration;

use flota::{
    git::network::{
        revision,
        shallow::{self, RemoteAccess},
    },
    model::exit::Exit,
};
use gix::ObjectId;

use crate::{
    http::{Manners, serve},
    world::World,
};

const ONLINE: RemoteAccess = RemoteAccess {
    offline: false,
    patience: Duration::from_secs(20),
};
const OFFLINE: RemoteAccess = RemoteAccess {
    offline: true,
    ..ONLINE
};

/// A repository `up` whose `main` and `topic` part after `shared` commits and go on for `own` more each.
fn forked(world: &World, shared: usize, own: usize) -> [ObjectId; 3] {
    std::fs::create_dir(world.path("up")).unwrap();
    world.git("up", &["init", "--quiet", "--initial-branch=main"]);
    let fork = chain(world, "main", None, shared);
    let main = chain(world, "main", Some(fork), own);
    let topic = chain(world, "topic", Some(fork), own);
    [fork, main, topic]
}

/// `count` empty commits on a branch, after `parent`.
fn chain(world: &World, branch: &str, parent: Option<ObjectId>, count: usize) -> ObjectId {
    use std::{io::Write, process::Stdio};
    let mut import = world
        .command("git", "up")
        .args(["fast-import", "--quiet", "--force"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = import.stdin.take().unwrap();
    for number in 0..count {
        writeln!(input, "commit refs/heads/{branch}").unwrap();
        writeln!(
            input,
            "committer C <c@example.com> {} +0000",
            1_700_000_000 + number
        )
        .unwrap();
        let message = format!("{branch} {number}");
        writeln!(input, "data {}\n{message}", message.len()).unwrap();
        if let Some(parent) = parent.filter(|_| number == 0) {
            writeln!(input, "from {parent}").unwrap();
        }
    }
    drop(input);
    assert!(import.wait().unwrap().success());
    world.id("up", branch)
}

fn shallow_clone(world: &World, url: &str, branch: &str) {
    world.clone_fleet(
        url,
        &[
            "--depth=1",
            "--single-branch",
            "--no-tags",
            &format!("--branch={branch}"),
        ],
    );
}

fn local(world: &World) -> String {
    format!("file://{}", world.path("up").display())
}

#[test]
fn a_ci_checkout_gets_its_target_branch_and_then_the_merge_base() {
    for (own, depth) in [
        (3, "the first step"),
        (400, "the third"),
        (1500, "all of it"),
    ] {
        let world = World::new();
        let [fork, main, topic] = forked(&world, 2000, own);
        shallow_clone(&world, &local(&world), "topic");
        let fleet = world.fleet();
        assert!(fleet.resolve_first(["main"]).is_none());
        let base = revision::commit(&fleet, "main", ONLINE).unwrap();
        assert_eq!(base, main);
        assert_eq!(
            world
                .git("fleet", &["rev-list", "--count", "origin/main"])
                .trim(),
            "1"
        );
        let found = shallow::until_merge_base(&fleet, base, topic, ONLINE).unwrap();
        assert_eq!(found, Some(fork), "{depth}");
        let git = world.git("fleet", &["merge-base", "origin/main", "HEAD"]);
        assert_eq!(git.trim(), fork.to_string());
        assert_eq!(fleet.is_shallow(), own < 1500, "{depth}");
    }
}

/// `old` is found first, through the short side of two merges; `fork`, on their long sides, is the better one.
#[test]
fn a_merge_base_beyond_which_a_better_one_hides_is_not_taken() {
    let world = World::new();
    std::fs::create_dir(world.path("up")).unwrap();
    world.git("up", &["init", "--quiet", "--initial-branch=main"]);
    let old = chain(&world, "old", None, 1);
    let fork = chain(&world, "fork", Some(old), 1);
    let tip = |branch: &str| {
        let long = chain(&world, branch, Some(fork), 6);
        let tree = format!("{long}^{{tree}}");
        let parents = [long.to_string(), old.to_string()];
        let merge = [
            "commit-tree",
            &tree,
            "-p",
            &parents[0],
            "-p",
            &parents[1],
            "-m",
            branch,
        ];
        let merge = world.git("up", &merge);
        world.git(
            "up",
            &["update-ref", &format!("refs/heads/{branch}"), merge.trim()],
        );
        world.id("up", branch)
    };
    let (main, topic) = (tip("main"), tip("topic"));
    world.clone_fleet(
        &local(&world),
        &["--depth=3", "--no-single-branch", "--branch=topic"],
    );
    let fleet = world.fleet();
    assert_eq!(fleet.merge_base(main, topic).unwrap(), Some(old));
    let found = shallow::until_merge_base(&fleet, main, topic, ONLINE).unwrap();
    assert_eq!(found, Some(fork));
}

#[test]
fn a_cut_that_lies_beyond_the_merge_base_costs_nothing() {
    let world = World::new();
    let [fork, main, topic] = forked(&world, 20, 2);
    world.clone_fleet(&local(&world), &["--depth=5", "--no-single-branch"]);
    let found = shallow::until_merge_base(&world.fleet(), main, topic, OFFLINE).unwrap();
    assert_eq!(found, Some(fork));
}

#[test]
fn offline_says_what_to_run() {
    let world = World::new();
    let [_, main, topic] = forked(&world, 5, 5);
    shallow_clone(&world, &local(&world), "topic");
    let fleet = world.fleet();
    let error = revision::commit(&fleet, "main", OFFLINE).unwrap_err();
    assert_eq!(error.exit(), Exit::Repository);
    let hint = "fetch it: git fetch origin +refs/heads/main:refs/remotes/origin/main";
    assert_eq!(error.hints(), [hint]);
    revision::commit(&fleet, "main", ONLINE).unwrap();
    let error = shallow::until_merge_base(&fleet, main, topic, OFFLINE).unwrap_err();
    assert_eq!(error.exit(), Exit::Repository);
    assert_eq!(
        error.hints()[0],
        "get the rest of it: git fetch --unshallow"
    );
}

#[test]
fn histories_that_never_meet_have_no_merge_base() {
    let world = World::new();
    let [_, main, _] = forked(&world, 3, 3);
    let alone = chain(&world, "alone", None, 70);
    shallow_clone(&world, &local(&world), "alone");
    let fleet = world.fleet();
    revision::commit(&fleet, "main", ONLINE).unwrap();
    assert_eq!(
        shallow::until_merge_base(&fleet, main, alone, ONLINE).unwrap(),
        None
    );
}

#[test]
fn a_remote_that_is_cut_itself_is_an_error() {
    let world = World::new();
    let [_, main, topic] = forked(&world, 5, 10);
    let args = [
        "clone",
        "--quiet",
        "--bare",
        "--depth=3",
        "--no-single-branch",
        &local(&world),
        "cut",
    ];
    world.git("", &args);
    let url = format!("file://{}", world.path("cut").display());
    world.clone_fleet(&url, &["--no-single-branch"]);
    let error = shallow::until_merge_base(&world.fleet(), main, topic, ONLINE).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the remote's own history is cut"),
        "{error}"
    );
}

#[test]
fn a_whole_clone_stays_whole() {
    let world = World::new();
    forked(&world, 5, 3);
    world.clone_fleet(&local(&world), &[]);
    let more = chain(&world, "later", Some(world.id("up", "main")), 4);
    let fleet = world.fleet();
    assert_eq!(
        revision::commit(&fleet, &more.to_string(), ONLINE).unwrap(),
        more
    );
    assert!(!fleet.is_shallow());
    assert_eq!(
        world
            .git("fleet", &["rev-list", "--count", &more.to_string()])
            .trim(),
        "12"
    );
}

#[test]
fn tags_are_found_and_what_is_nowhere_is_named() {
    let world = World::new();
    let [fork, ..] = forked(&world, 5, 3);
    world.git(
        "up",
        &["tag", "--annotate", "--message=x", "v1", &fork.to_string()],
    );
    shallow_clone(&world, &local(&world), "topic");
    let fleet = world.fleet();
    assert_eq!(revision::commit(&fleet, "v1", ONLINE).unwrap(), fork);
    let error = revision::commit(&fleet, "nowhere", ONLINE).unwrap_err();
    assert_eq!(error.exit(), Exit::Repository);
    let message = "`nowhere` is not in this clone, and cannot be fetched from `origin`";
    assert_eq!(error.to_string(), message);
    let expression = revision::commit(&fleet, "--upload-pack=touch x", ONLINE).unwrap_err();
    assert!(
        expression
            .to_string()
            .contains("is not a valid revision here")
    );
}

/// Such a server gives out no commit by its id, but deepens what its branches hold.
#[test]
fn a_server_that_gives_out_tips_alone_deepens_its_branches() {
    let world = World::new();
    let [fork, main, topic] = forked(&world, 20, 30);
    let manners = Manners {
        only_v0: true,
        ..Manners::default()
    };
    let server = serve(&world.path(""), manners);
    shallow_clone(&world, &format!("{}/up/.git", server.url), "topic");
    let fleet = world.fleet();
    revision::commit(&fleet, "main", ONLINE).unwrap();
    world.git(
        "fleet",
        &[
            "config",
            "--add",
            "remote.origin.fetch",
            "+refs/heads/*:refs/remotes/origin/*",
        ],
    );
    let found = shallow::until_merge_base(&fleet, main, topic, ONLINE).unwrap();
    assert_eq!(found, Some(fork));
}
