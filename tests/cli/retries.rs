//! Servers that are busy for a while: every git that talks to one comes back, and not before the time that the server says.

use std::{
    fs,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use crate::{
    http::{Manners, Server, serve},
    record::report,
    sandbox::{Ran, Sandbox},
};

/// A server that has no time for the first two requests, and says when to come back.
fn busy(sandbox: &Sandbox) -> Server {
    let manners = Manners {
        first: vec![429, 503],
        retry_after: Some("1"),
        ..Manners::default()
    };
    serve(sandbox.root(), manners)
}

/// Runs flota with a folder for temporary files of its own, of which nothing stays.
fn flota(sandbox: &Sandbox, dir: &str, args: &[&str]) -> Ran {
    let folder = sandbox.path("temporary");
    fs::create_dir_all(&folder).unwrap();
    let ran = sandbox.flota_with(dir, args, |command| {
        command.env("TMPDIR", &folder);
    });
    let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    ran
}

/// It was refused twice, waited for as long as it was told both times, and got what it wanted.
#[track_caller]
fn came_back(server: &Server, ran: &Ran, since: Instant) {
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(server.requests.load(Ordering::SeqCst) > 2);
    assert!(since.elapsed() >= Duration::from_secs(2));
}

/// Lets the URLs of `.gitmodules` lead to the server: what it lists is asked, whatever else is configured.
fn place_listed(sandbox: &Sandbox, dir: &str, server: &Server) {
    let key = format!("url.{}/.insteadOf", server.url);
    let root = format!("{}/", sandbox.root().display());
    sandbox.git(dir, &["config", &key, &root]);
}

fn place(sandbox: &Sandbox, dir: &str, server: &Server, name: &str) {
    let url = format!("{}/{name}", server.url);
    let key = format!("submodule.{name}.url");
    sandbox.git(dir, &["config", &key, &url]);
}

#[test]
fn of_update_remote() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    let first = sandbox.flota("ours", &["update", "api"]);
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    let server = busy(&sandbox);
    place(&sandbox, "ours", &server, "api");
    let since = Instant::now();
    let ran = flota(&sandbox, "ours", &["update", "--remote", "api"]);
    came_back(&server, &ran, since);
}

#[test]
fn of_changed() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    let server = busy(&sandbox);
    place(&sandbox, "ours", &server, "api");
    let since = Instant::now();
    let ran = flota(&sandbox, "ours", &["changed", "HEAD~1..HEAD"]);
    came_back(&server, &ran, since);
}

/// The scripted fleet whose new pin no remote-tracking branch has, with `server` in front of the service.
fn unseen(sandbox: &Sandbox, server: &Server) {
    let push = ["push", "--quiet", "origin", "HEAD:work"];
    sandbox.git("fleet/code-repos/api", &push);
    sandbox.git("fleet", &["commit", "--quiet", "--all", "--message=Move"]);
    let api = sandbox.path("fleet/.git/modules/api");
    fs::remove_dir_all(api.join("refs/remotes")).unwrap();
    let _ = fs::remove_file(api.join("packed-refs"));
    place_listed(sandbox, "fleet", server);
}

#[test]
fn of_check() {
    let sandbox = Sandbox::scripted("unpushed");
    let server = busy(&sandbox);
    unseen(&sandbox, &server);
    let since = Instant::now();
    let ran = flota(&sandbox, "fleet", &["check", "HEAD~1..HEAD"]);
    came_back(&server, &ran, since);
}

#[test]
fn of_resolve() {
    let sandbox = Sandbox::scripted("conflict");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    let merged = sandbox.git_output("ours", &["merge", "origin/other"]);
    assert!(!merged.status.success());
    let server = busy(&sandbox);
    place(&sandbox, "ours", &server, "api");
    let since = Instant::now();
    let ran = flota(&sandbox, "ours", &["resolve", "api"]);
    came_back(&server, &ran, since);
}

#[test]
fn of_clone() {
    let sandbox = Sandbox::scripted("to-clone");
    let server = busy(&sandbox);
    let url = format!("{}/fleet", server.url);
    let since = Instant::now();
    let ran = flota(&sandbox, "", &["clone", &url, "ours"]);
    came_back(&server, &ran, since);
}

#[test]
fn of_history_that_a_clone_lacks() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("fleet", &["branch", "other", "HEAD~1"]);
    let url = format!("file://{}", sandbox.path("fleet").display());
    sandbox.git("", &["clone", "--quiet", "--depth=1", &url, "ours"]);
    let server = busy(&sandbox);
    let url = format!("{}/fleet", server.url);
    sandbox.git("ours", &["config", "remote.origin.url", &url]);
    for name in ["api", "web"] {
        let key = format!("submodule.{name}.url");
        let path = sandbox.path(name);
        sandbox.git("ours", &["config", &key, path.to_str().unwrap()]);
    }
    let since = Instant::now();
    let ran = flota(&sandbox, "ours", &["changed", "other...HEAD"]);
    came_back(&server, &ran, since);
}

#[test]
fn of_a_record_that_is_pushed() {
    let sandbox = Sandbox::scripted("record");
    let receive = ["--git-dir=.", "config", "http.receivepack", "true"];
    sandbox.git("fleet.git", &receive);
    report(&sandbox, &["api", "docs", "lib", "web"], &[]);
    let server = busy(&sandbox);
    let url = format!("{}/fleet.git", server.url);
    // What is asked for goes elsewhere: the push alone meets the busy server.
    sandbox.git("fleet", &["config", "remote.origin.pushurl", &url]);
    let since = Instant::now();
    let ran = flota(&sandbox, "fleet", &["record", "--for", "main", "--push"]);
    came_back(&server, &ran, since);
    let pushed = ["--git-dir=.", "rev-parse", "refs/flota/success/main"];
    sandbox.git("fleet.git", &pushed);
}

#[test]
fn of_new() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("", &["init", "--quiet", "--bare", "shop.git"]);
    let receive = ["--git-dir=.", "config", "http.receivepack", "true"];
    sandbox.git("shop.git", &receive);
    let server = busy(&sandbox);
    let url = format!("{}/shop.git", server.url);
    let new = ["new", "shop", "--template", "static", "--remote", &url];
    let since = Instant::now();
    let ran = flota(&sandbox, "fleet", &new);
    came_back(&server, &ran, since);
}

#[test]
fn a_server_that_stays_busy_is_not_one_without_the_commit() {
    let sandbox = Sandbox::scripted("unpushed");
    sandbox.git("fleet", &["commit", "--quiet", "--all", "--message=Move"]);
    let manners = Manners {
        first: vec![503; 20],
        retry_after: Some("0"),
        ..Manners::default()
    };
    let server = serve(sandbox.root(), manners);
    place_listed(&sandbox, "fleet", &server);
    let ran = flota(&sandbox, "fleet", &["check", "HEAD~1..HEAD"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(server.requests.load(Ordering::SeqCst), 4);
}

/// CI gives out a new token for every run: the same repository is fetched into the same store.
#[test]
fn a_store_is_named_without_the_login() {
    let sandbox = Sandbox::scripted("unpushed");
    let server = serve(sandbox.root(), Manners::default());
    unseen(&sandbox, &server);
    for token in ["first-token", "second-token"] {
        let login = format!("http://x-access-token:{token}@");
        let url = format!("{}/api", server.url.replace("http://", &login));
        sandbox.git("fleet", &["config", "submodule.api.url", &url]);
        let ran = flota(&sandbox, "fleet", &["check", "HEAD~1..HEAD"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        for kind in ["scratch", "branches"] {
            let stores = fs::read_dir(sandbox.path("fleet/.git/flota").join(kind));
            let stores = stores.into_iter().flatten().flatten();
            let count = stores.filter(|store| store.path().is_dir()).count();
            assert!(count <= 1, "{kind}: {count} with {token}");
        }
    }
}
