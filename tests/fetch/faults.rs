//! Stores that are damaged, left half done, or used twice at once; URLs that mean harm.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use flota::git::network::fetch::{self, Depth};

use crate::{
    http::{Manners, serve},
    world::{World, fetch_all, options, said, tells_the_change},
};

/// Every file of a pack, and what it becomes.
fn damage(store: &Path, extension: &str, change: impl Fn(&mut Vec<u8>)) {
    let mut hit = 0;
    for entry in fs::read_dir(store.join("objects/pack")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|found| found == extension) {
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            hit += 1;
        }
    }
    assert!(hit > 0);
}

#[test]
fn a_damaged_store_is_filled_again() {
    let world = World::new();
    let service = world.service("api");
    let server = serve(&world.path(""), Manners::default());
    let wanted = [service.at(&format!("{}/api/.git", server.url))];
    let damages: [fn(&Path); 9] = [
        |store| damage(store, "pack", |bytes| bytes.truncate(bytes.len() / 2)),
        |store| damage(store, "pack", Vec::clear),
        |store| damage(store, "pack", |bytes| bytes[40..].fill(0)),
        |store| damage(store, "idx", |bytes| bytes.truncate(100)),
        |store| damage(store, "idx", Vec::clear),
        |store| fs::remove_dir_all(store.join("objects")).unwrap(),
        |store| fs::write(store.join("config"), "[core").unwrap(),
        |store| fs::write(store.join("HEAD"), "").unwrap(),
        |store| {
            let pack = store.join("objects/pack");
            fs::remove_dir_all(&pack).unwrap();
            fs::write(pack, "").unwrap();
        },
    ];
    for depth in [Depth::Trees, Depth::AllTrees] {
        for (number, damage) in damages.iter().enumerate() {
            fetch_all(&world, &wanted, depth);
            damage(&world.scratch());
            let fetched = fetch_all(&world, &wanted, depth);
            assert!(tells_the_change(&fetched[0], &service), "damage {number}");
        }
        fs::remove_dir_all(world.path("fleet/.git/flota")).unwrap();
    }
}

#[test]
fn what_a_killed_run_leaves_does_not_pass_for_whole() {
    let world = World::new();
    let service = world.service("api");
    let server = serve(&world.path(""), Manners::default());
    let wanted = [service.at(&format!("{}/api/.git", server.url))];
    fetch_all(&world, &wanted, Depth::Trees);
    let store = world.scratch();
    damage(&store, "pack", |_| ());
    for entry in fs::read_dir(store.join("objects/pack")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "idx") {
            fs::remove_file(path).unwrap();
        }
    }
    fs::write(store.join("shallow.lock"), "").unwrap();
    fs::create_dir(store.join("incoming-x")).unwrap();
    fs::write(store.join("incoming-x/tmp"), "").unwrap();
    fs::write(store.join("objects/pack/tmp_pack_x"), "").unwrap();
    assert!(tells_the_change(
        &fetch_all(&world, &wanted, Depth::Trees)[0],
        &service
    ));
    for gone in ["shallow.lock", "incoming-x", "objects/pack/tmp_pack_x"] {
        assert!(!store.join(gone).exists(), "{gone}");
    }
}

/// The other half of the next two tests: a run of flota in a process of its own, told by its variables what to fetch.
#[test]
#[ignore = "the other half of other tests"]
fn another_run() {
    let variable = |name| std::env::var(name).unwrap();
    let fleet =
        flota::git::repository::Repository::discover(Path::new(&variable("T_FLEET"))).unwrap();
    let id = |name| gix::ObjectId::from_hex(variable(name).as_bytes()).unwrap();
    let service = crate::world::Service {
        name: "api".into(),
        old: id("T_OLD"),
        new: id("T_NEW"),
    };
    let fetched = fetch::fetch(
        &fleet,
        &[service.at(&variable("T_URL"))],
        options(Depth::Trees),
    )
    .unwrap();
    assert!(fetched[0].missing.is_empty(), "{}", said(&fetched[0]));
    assert!(tells_the_change(&fetched[0], &service));
}

fn another(world: &World, service: &crate::world::Service, url: &str) -> Command {
    let mut command = world.command(std::env::current_exe().unwrap().to_str().unwrap(), "");
    command
        .args(["--exact", "--ignored", "faults::another_run"])
        .env("T_FLEET", world.path("fleet"))
        .env("T_OLD", service.old.to_string())
        .env("T_NEW", service.new.to_string())
        .env("T_URL", url)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let world = World::new();
    let service = world.service("api");
    let server = serve(&world.path(""), Manners::default());
    for url in ["../api".to_owned(), format!("{}/api/.git", server.url)] {
        let runs: Vec<_> = (0..6)
            .map(|_| another(&world, &service, &url).spawn().unwrap())
            .collect();
        for mut run in runs {
            assert!(run.wait().unwrap().success());
        }
    }
}

#[test]
fn a_run_killed_in_the_middle_is_made_good_by_the_next() {
    let world = World::new();
    let service = world.service("api");
    let silent = Manners {
        silent: true,
        ..Manners::default()
    };
    let hangs = serve(&world.path(""), silent);
    let url = format!("{}/api/.git", hangs.url);
    let mut run = another(&world, &service, &url).spawn().unwrap();
    let started = Instant::now();
    while hangs.seen.lock().unwrap().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(10));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let answers = serve(&world.path(""), Manners::default());
    let base = format!("url.{}/.insteadOf", answers.url);
    world.git("fleet", &["config", &base, &format!("{}/", hangs.url)]);
    assert!(tells_the_change(
        &fetch_all(&world, &[service.at(&url)], Depth::Trees)[0],
        &service
    ));
}

#[test]
fn no_url_runs_anything() {
    let world = World::new();
    let service = world.service("api");
    let canary = world.path("canary");
    let run = format!("touch {}", canary.display());
    let mut program = fs::File::create(world.path("fleet/payload")).unwrap();
    writeln!(program, "#!/bin/sh\n{run}").unwrap();
    drop(program);
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(
        world.path("fleet/payload"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let urls = [
        format!("ext::sh -c {}", run.replace(' ', "% ")),
        format!("EXT::sh -c {}", run.replace(' ', "% ")),
        "fd::0".to_owned(),
        "-u./payload".to_owned(),
        "--upload-pack=./payload".to_owned(),
        format!("ssh://-oProxyCommand={run}/x"),
        format!("ssh://%2doProxyCommand={}/x", run.replace(' ', "%20")),
        format!("-oProxyCommand={run}:x"),
        "ssh://x:-oProxyCommand=./payload/y".to_owned(),
        format!("../api;{run}"),
        format!("../api`{run}`"),
        format!("../$({run})"),
        "https:///x".to_owned(),
        "https://x%0ahost=y/z".to_owned(),
        "../api\r".to_owned(),
        String::new(),
    ];
    for user in ["always", "user"] {
        world.git("fleet", &["config", "protocol.ext.allow", user]);
        let wanted: Vec<_> = urls.iter().map(|url| service.at(url)).collect();
        for (fetched, url) in fetch::fetch(&world.fleet(), &wanted, options(Depth::Trees))
            .unwrap()
            .iter()
            .zip(&urls)
        {
            assert!(
                fetched.store.is_none() && fetched.missing.len() == 2,
                "{url}"
            );
        }
    }
    assert!(!canary.exists());
}
