//! Servers that cut off, hang, or are busy: one costs its own service, and no more.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use crate::{
    clone_served::stores,
    http::{Manners, Server, serve},
    sandbox::{Ran, Sandbox},
};

/// A clone of fifty services, all but `s07` from a good server.
struct Fifty {
    sandbox: Sandbox,
    good: Server,
}

impl Fifty {
    fn new() -> Self {
        let sandbox = Sandbox::scripted("fifty");
        let good = serve(sandbox.root(), Manners::default());
        Self { sandbox, good }
    }

    /// flota, with `s07` at another server.
    fn flota(&self, dir: &str, args: &[&str], other: &str) -> Ran {
        self.sandbox.flota_with(dir, args, |command| {
            command
                .env("GIT_CONFIG_KEY_1", format!("url.{other}/s07.insteadOf"))
                .env("GIT_CONFIG_VALUE_1", format!("{}/s07", self.good.url));
        })
    }

    #[track_caller]
    fn assert_one_missing(&self, other: &str, why: &str) {
        let url = format!("{}/fleet", self.good.url);
        let started = Instant::now();
        let ran = self.flota(
            "",
            &["clone", "--quiet", "--patience", "8", &url, "ours"],
            other,
        );
        let took = started.elapsed();
        assert_eq!(ran.status, Some(1), "{why}: {}", ran.stderr);
        assert!(
            ran.text().contains("49 cloned, 1 failed"),
            "{why}: {}",
            ran.text()
        );
        let named = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with("── "))
            .collect::<Vec<_>>();
        assert_eq!(named, ["── s07"], "{why}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(why),
            "{why} after {took:?}: {}",
            ran.stderr
        );
        assert_eq!(self.standing(), (49, 1), "{why}");
        for number in (1..=50).filter(|number| *number != 7) {
            let dir = format!("ours/s{number:02}");
            assert!(self.sandbox.path(&dir).join("code/app").is_file(), "{dir}");
        }
        assert!(!self.sandbox.path("ours/.git/modules/s07").exists());

        let mended = self.flota("ours", &["update"], &self.good.url);
        assert_eq!(mended.status, Some(0), "{}", mended.stderr);
        assert_eq!(self.standing(), (50, 0), "{why}");
        assert_eq!(self.sandbox.git("ours", &["status", "--porcelain"]), "");
        fs::remove_dir_all(self.sandbox.path("ours")).unwrap();
    }

    /// How many services are at their pins, and how many are not there, as git sees it.
    fn standing(&self) -> (usize, usize) {
        let listed = self.sandbox.git("ours", &["submodule", "status"]);
        let count = |mark| listed.lines().filter(|line| line.starts_with(mark)).count();
        (count(' '), count('-'))
    }
}

#[test]
fn of_fifty_servers_one_cuts_off_stalls_hangs_or_has_nothing() {
    let fifty = Fifty::new();
    let bad = |manners| serve(fifty.sandbox.root(), manners).url;
    let cut_off = Manners {
        cut_off: Some(("/s07", 300)),
        ..Manners::default()
    };
    fifty.assert_one_missing(&bad(cut_off), "cannot be cloned");
    let stalled = Manners {
        cut_off: Some(("/s07", 300)),
        stalls: true,
        ..Manners::default()
    };
    fifty.assert_one_missing(&bad(stalled), "printed nothing for 8s");
    let silent = Manners {
        silent: true,
        ..Manners::default()
    };
    fifty.assert_one_missing(&bad(silent), "printed nothing for 8s");
    let empty = Manners {
        first: vec![404; 9],
        ..Manners::default()
    };
    let server = serve(fifty.sandbox.root(), empty);
    fifty.assert_one_missing(&server.url, "not found");
    // Final: asked once in process, and once by git, which has the last word.
    assert!(server.requests.load(Ordering::SeqCst) <= 3);
}

/// Stands before a server, and ends its first connections without a word.
fn resetting(server: &Server, count: usize) -> (String, Arc<AtomicUsize>) {
    let target = server.url.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&connections);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            if seen.fetch_add(1, Ordering::SeqCst) < count {
                continue;
            }
            let Ok(server) = TcpStream::connect(&target) else {
                continue;
            };
            thread::spawn(move || pass(client, server));
        }
    });
    (url, connections)
}

fn pass(client: TcpStream, server: TcpStream) -> Option<()> {
    let (mut from_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let mut buffer = [0; 4096];
    loop {
        let count = from_server.read(&mut buffer).ok()?;
        if count == 0 {
            return to_client.shutdown(Shutdown::Both).ok();
        }
        to_client.write_all(&buffer[..count]).ok()?;
    }
}

#[test]
fn faults_that_pass_are_waited_out() {
    let sandbox = Sandbox::scripted("to-clone");
    let good = serve(sandbox.root(), Manners::default());
    let busy = |first: &[u16]| {
        let manners = Manners {
            first: first.to_vec(),
            ..Manners::default()
        };
        serve(sandbox.root(), manners)
    };
    let (servers, reset) = (
        [busy(&[503, 503]), busy(&[429, 502, 429])],
        resetting(&good, 2),
    );
    let urls = [&servers[0].url, &servers[1].url, &reset.0];
    for (number, url) in urls.into_iter().enumerate() {
        let web = format!("{url}/web");
        sandbox.git(
            "fleet",
            &["config", "--file=.gitmodules", "submodule.web.url", &web],
        );
        sandbox.git(
            "fleet",
            &["commit", "--quiet", "--all", "--message=Move web"],
        );
        let dir = format!("ours-{number}");
        let ran = sandbox.flota("", &["clone", "fleet", &dir]);
        assert_eq!(ran.status, Some(0), "{url}: {}", ran.stderr);
        assert!(sandbox.path(dir).join("code-repos/web/code/app").is_file());
    }
    assert!(reset.1.load(Ordering::SeqCst) > 2);
}

/// A server that says when to come back is left alone until then, but for no longer than anybody waits.
#[test]
fn a_server_that_says_when_to_come_back_is_asked_again_then() {
    for (first, later, patience, took, code) in [
        (vec![429, 503], "1", "20", 2, 0),
        (vec![503; 9], "3600", "2", 8, 1),
    ] {
        let sandbox = Sandbox::scripted("to-clone");
        let busy = Manners {
            first,
            retry_after: Some(later),
            ..Manners::default()
        };
        let server = serve(sandbox.root(), busy);
        let web = format!("{}/web", server.url);
        let set = ["config", "--file=.gitmodules", "submodule.web.url", &web];
        sandbox.git("fleet", &set);
        let commit = ["commit", "--quiet", "--all", "--message=Move web"];
        sandbox.git("fleet", &commit);
        let started = Instant::now();
        let ran = sandbox.flota("", &["clone", "--patience", patience, "fleet", "ours"]);
        assert_eq!(ran.status, Some(code), "{later}: {}", ran.stderr);
        assert!(
            started.elapsed().as_secs() >= took,
            "{later}: {:?}",
            started.elapsed()
        );
        // git, which does not know the header, is not let loose on it.
        let asked = server.asked.lock().unwrap();
        assert!(
            asked.iter().all(|request| request.starts_with("POST")),
            "{asked:?}"
        );
        if code != 0 {
            assert!(ran.stderr.contains("the server is busy"), "{}", ran.stderr);
            assert_eq!(asked.len(), 5);
        }
    }
}

/// What a checkout never reads is missed all the same: a file of an older commit, and a folder of the pin itself.
#[test]
fn a_pack_that_lacks_what_hangs_on_it_is_no_clone() {
    for filter in ["blob:limit=200", "tree:1"] {
        let sandbox = Sandbox::scripted("to-clone");
        fs::write(sandbox.path("web/code/old"), "x".repeat(500)).unwrap();
        sandbox.commit_and_pin("web", "Grow");
        fs::remove_file(sandbox.path("web/code/old")).unwrap();
        sandbox.commit_and_pin("web", "Shrink");
        sandbox.git("web", &["config", "uploadpack.allowFilter", "true"]);
        let partial = Manners {
            leaves_out: Some(("/web", filter)),
            ..Manners::default()
        };
        let server = serve(sandbox.root(), partial);
        let url = format!("{}/fleet", server.url);
        let ran = sandbox.flota("", &["clone", &url, "ours"]);
        assert_eq!(ran.status, Some(1), "{filter}: {}", ran.stderr);
        let named: Vec<_> = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with("── "))
            .collect();
        assert_eq!(named, ["── code-repos/web"], "{filter}: {}", ran.stderr);
        let said = ["did not receive expected object", "did not send all"];
        let is_said = said.iter().any(|words| ran.stderr.contains(words));
        assert!(is_said, "{filter}: {}", ran.stderr);
        assert!(!sandbox.path("ours/.git/modules/web").exists(), "{filter}");
        let files = fs::read_dir(sandbox.path("ours/code-repos/web")).unwrap();
        assert_eq!(files.count(), 0, "{filter}");

        // Nothing of it went into the cache: there are api and lib.
        assert_eq!(stores(&sandbox).len(), 2, "{filter}");
        let good = serve(sandbox.root(), Manners::default());
        let mended = sandbox.flota_with("ours", &["update"], |command| {
            command
                .env("GIT_CONFIG_KEY_1", format!("url.{}.insteadOf", good.url))
                .env("GIT_CONFIG_VALUE_1", &server.url);
        });
        assert_eq!(mended.status, Some(0), "{filter}: {}", mended.stderr);
        sandbox.git("ours/code-repos/web", &["fsck", "--full"]);
        assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
    }
}
