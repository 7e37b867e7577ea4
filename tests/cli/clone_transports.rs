//! The transports that are git's own: ssh, by both forms of its URLs, and git://. A clone over them is as git's, and so is
//! everything that comes after it.

use std::{
    ffi::OsStr,
    fs,
    io::Read,
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    clone::same_as_git,
    daemons::{Daemon, Sshd},
    faults::{assert_nobody_left, until},
    http::{Manners, serve},
    sandbox::{Ran, Sandbox},
    support::skipped,
};

/// A server for everything in a sandbox.
struct Way {
    sandbox: Sandbox,
    /// What the URL of each repository begins with.
    root: String,
    ssh: Option<String>,
    _daemon: Option<Daemon>,
    _sshd: Option<Sshd>,
}

type Maker = fn(Sandbox) -> Option<Way>;

/// Those that git alone knows. An ssh is a slow thing: its two forms of URLs are told apart where that counts.
const GITS: [Maker; 2] = [over_git, over_ssh_short];

/// The same scripted fleet over several transports; those of ssh are left out, which is said, where there is no sshd.
fn ways(script: &str, makers: &[Maker]) -> Vec<Way> {
    let make = |maker: &Maker| maker(Sandbox::scripted(script));
    makers.iter().filter_map(make).collect()
}

fn over_git(sandbox: Sandbox) -> Option<Way> {
    let daemon = Daemon::of_git(sandbox.root(), |server| {
        let mut server = sandbox.prepare(server, sandbox.root());
        // Nobody's child is to be told from flota's by its home.
        server.env_remove("HOME");
        server
    });
    Some(Way {
        root: daemon.url(),
        ssh: None,
        _daemon: Some(daemon),
        _sshd: None,
        sandbox,
    })
}

fn over_http(sandbox: Sandbox) -> Option<Way> {
    Some(Way {
        root: serve(sandbox.root(), Manners::default()).url,
        ssh: None,
        _daemon: None,
        _sshd: None,
        sandbox,
    })
}

fn over_ssh_url(sandbox: Sandbox) -> Option<Way> {
    over_ssh(sandbox, |port, folder| format!("ssh://shop:{port}{folder}"))
}

fn over_ssh_short(sandbox: Sandbox) -> Option<Way> {
    over_ssh(sandbox, |_, folder| format!("shop:{folder}"))
}

fn over_ssh(sandbox: Sandbox, url: impl Fn(u16, &str) -> String) -> Option<Way> {
    let Some(sshd) = Sshd::start(&sandbox.path("ssh")) else {
        skipped("ssh");
        return None;
    };
    Some(Way {
        root: url(sshd.port(), &sandbox.root().display().to_string()),
        ssh: Some(sshd.command.clone()),
        _daemon: None,
        _sshd: Some(sshd),
        sandbox,
    })
}

impl Way {
    fn flota(&self, dir: &str, args: &[impl AsRef<OsStr>]) -> Ran {
        self.sandbox
            .flota_with(dir, args, |command| self.lead(command))
    }

    fn git(&self, dir: &str, args: &[&str]) -> String {
        let ran = self
            .sandbox
            .git_with(dir, args, |command| self.lead(command));
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}: git {args:?}: {said}", self.root);
        String::from_utf8(ran.stdout).unwrap()
    }

    fn lead(&self, command: &mut Command) {
        if let Some(ssh) = &self.ssh {
            command.env("GIT_SSH_COMMAND", ssh);
        }
    }

    fn fleet(&self) -> String {
        format!("{}/fleet", self.root)
    }

    #[track_caller]
    fn assert_done(&self, ran: &Ran) {
        assert_eq!(ran.status, Some(0), "{}: {}", self.root, ran.stderr);
    }

    fn clone_both(&self) {
        let fleet = self.fleet();
        self.assert_done(&self.flota("", &["clone", &fleet, "ours"]));
        self.git(
            "",
            &["clone", "--quiet", "--recurse-submodules", &fleet, "gits"],
        );
    }

    /// New commits of `api` and `web`, and the fleet's pins at them.
    fn move_on(&self) {
        for service in ["api", "web"] {
            fs::write(self.sandbox.path(service).join("code/app"), "second").unwrap();
            self.sandbox.commit_and_pin(service, "Second");
        }
    }
}

#[test]
fn a_clone_and_its_updates_are_gits() {
    for way in ways("to-clone", &[over_git, over_ssh_short, over_ssh_url]) {
        way.clone_both();
        same_as_git(&way.sandbox);

        way.move_on();
        for clone in ["ours", "gits"] {
            way.git(clone, &["pull", "--quiet", "--no-recurse-submodules"]);
        }
        way.assert_done(&way.flota("ours", &["update"]));
        way.git("gits", &["submodule", "--quiet", "update", "--recursive"]);
        for question in [
            &["status", "--porcelain"][..],
            &["submodule", "status", "--recursive"],
        ] {
            let answers = ["ours", "gits"].map(|clone| way.git(clone, question));
            assert_eq!(answers[0], answers[1], "{}: {question:?}", way.root);
        }
        way.git("ours", &["fsck", "--strict"]);
        // And git goes on from there.
        way.git("ours", &["fetch", "--quiet", "--recurse-submodules"]);
    }
}

#[test]
fn shallow_and_partial_clones() {
    for way in ways("to-clone", &GITS) {
        for repository in ["fleet", "api", "web", "lib"] {
            way.sandbox
                .git(repository, &["config", "uploadpack.allowFilter", "true"]);
        }
        for how in ["--depth=1", "--filter=blob:none"] {
            let dir = how.trim_matches('-').replace(['=', ':'], "-");
            way.assert_done(&way.flota("", &["clone", how, &way.fleet(), &dir]));
            assert_eq!(way.git(&dir, &["status", "--porcelain"]), "", "{how}");
            let lib = format!("{dir}/code-repos/api/code/lib");
            assert!(way.sandbox.path(&lib).join("code/app").is_file());
            way.git(&lib, &["fsck"]);
        }
    }
}

#[test]
fn what_changed_is_told_where_nothing_is_checked_out() {
    for way in ways("to-clone", &GITS) {
        way.move_on();
        way.git("", &["clone", "--quiet", &way.fleet(), "ours"]);
        let told = way.flota("ours", &["changed", "HEAD~2..HEAD", "--format", "names"]);
        way.assert_done(&told);
        assert_eq!(told.text(), "api\nweb\n", "{}", way.root);
        let checked = way.flota("ours", &["check", "HEAD~2..HEAD"]);
        way.assert_done(&checked);
    }
}

#[test]
fn pins_follow_their_branches() {
    for way in ways("to-clone", &[over_http, over_ssh_short]) {
        way.clone_both();
        for service in ["api", "web"] {
            fs::write(way.sandbox.path(service).join("code/app"), "second").unwrap();
            let commit = ["commit", "--quiet", "--all", "--message=Second"];
            way.sandbox.git(service, &commit);
        }
        way.assert_done(&way.flota("ours", &["update", "--remote"]));
        way.git("gits", &["submodule", "--quiet", "update", "--remote"]);
        way.git("gits", &["add", "--all"]);
        let staged = ["ours", "gits"].map(|clone| way.git(clone, &["ls-files", "--stage"]));
        assert_eq!(staged[0], staged[1], "{}", way.root);
        let status = way.flota("ours", &["status"]);
        let text = status.text();
        assert!(
            text.contains("2 of 2 services in step"),
            "{}: {text}",
            way.root
        );
    }
}

#[test]
fn pins_in_conflict_are_settled_where_nothing_is_checked_out() {
    for way in ways("conflict", &[over_http, over_ssh_short]) {
        way.git("", &["clone", "--quiet", &way.fleet(), "ours"]);
        let merged = way.sandbox.git_output("ours", &["merge", "origin/other"]);
        assert!(!merged.status.success());
        way.assert_done(&way.flota("ours", &["resolve", "api"]));
        let listed = way.git("ours", &["ls-files", "--stage", "--", "code-repos/api"]);
        let newest = way.git("api", &["rev-parse", "main"]);
        let words: Vec<_> = listed.split_whitespace().collect();
        assert_eq!(words[1..3], [newest.trim(), "0"], "{}", way.root);
    }
}

/// The fleet's own file says how ssh is called: submodules have no other way to know.
#[test]
fn the_fleets_own_ssh_command_holds_for_its_submodules() {
    let Some(way) = over_ssh_short(Sandbox::scripted("to-clone")) else {
        return;
    };
    way.git("", &["clone", "--quiet", &way.fleet(), "ours"]);
    let ssh = way.ssh.clone().unwrap();
    way.sandbox
        .git("ours", &["config", "core.sshCommand", &ssh]);
    way.sandbox
        .git("ours", &["config", "submodule.active", "."]);
    way.assert_done(&way.sandbox.flota("ours", &["update"]));
    assert_eq!(way.sandbox.git("ours", &["status", "--porcelain"]), "");
}

/// A host whose key is another than the one that is known gets no login, and nobody is asked about it.
#[test]
fn a_host_that_is_not_who_it_was_is_refused() {
    let Some(way) = over_ssh_short(Sandbox::scripted("to-clone")) else {
        return;
    };
    let other = fs::read_to_string(way.sandbox.path("ssh/user.pub")).unwrap();
    fs::write(way.sandbox.path("ssh/known_hosts"), format!("shop {other}")).unwrap();
    let ran = way.flota("", &["clone", &way.fleet(), "ours"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("Host key verification failed"),
        "{}",
        ran.stderr
    );
    assert!(!way.sandbox.path("ours").exists());
}

/// Takes connections, reads, and says nothing.
struct Silent {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                seen.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || read_on(stream));
            }
        });
        Self { port, connections }
    }

    /// URLs of a repository behind it, by each transport that it cannot be told from.
    fn urls(&self) -> [String; 2] {
        [
            format!("git://127.0.0.1:{}/web", self.port),
            format!("ssh://127.0.0.1:{}/web", self.port),
        ]
    }
}

fn read_on(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// A fleet of this machine whose service `web` is at `url`.
fn with_web_at(url: &str) -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    move_web_to(&sandbox, url);
    sandbox
}

fn move_web_to(sandbox: &Sandbox, url: &str) {
    let set = ["config", "--file=.gitmodules", "submodule.web.url", url];
    sandbox.git("fleet", &set);
    let commit = ["commit", "--quiet", "--all", "--message=Move web"];
    sandbox.git("fleet", &commit);
}

#[test]
fn a_server_that_says_nothing_costs_its_own_service() {
    let silent = Silent::start();
    for url in silent.urls() {
        assert_web_alone_is_missing(&with_web_at(&url), &url);
    }
}

#[test]
fn a_server_that_stalls_in_mid_pack_costs_its_own_service() {
    let sandbox = Sandbox::scripted("to-clone");
    let noise: String = (0..20_000_u32)
        .map(|number| format!("{:x}\n", number.wrapping_mul(2_654_435_761)))
        .collect();
    fs::write(sandbox.path("web/code/large"), noise).unwrap();
    sandbox.commit_and_pin("web", "Grow");
    let way = over_git(sandbox).unwrap();
    // More than the refs, less than the pack.
    let stalls = stalling(&way.root, 20_000);
    let url = format!("{stalls}/web");
    move_web_to(&way.sandbox, &url);
    assert_web_alone_is_missing(&way.sandbox, &url);
}

/// Stands before a git daemon, and passes on no more than so many bytes of an answer.
fn stalling(daemon: &str, bytes: u64) -> String {
    let target = daemon.strip_prefix("git://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("git://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(&target).unwrap();
            let (mut asked, mut to_server) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut asked, &mut to_server));
            thread::spawn(move || {
                let _ = std::io::copy(&mut (&server).take(bytes), &mut &client);
                read_on(client);
            });
        }
    });
    url
}

/// Clones the fleet, whose service `web` is at `url`, where nobody answers in time; and mends it where somebody does.
#[track_caller]
fn assert_web_alone_is_missing(sandbox: &Sandbox, url: &str) {
    let args = ["clone", "--patience", "2", "fleet", "ours"];
    let ran = sandbox.flota("", &args);
    assert_eq!(ran.status, Some(1), "{url}: {}", ran.stderr);
    for word in ["── code-repos/web", "printed nothing for 2s", url] {
        assert!(ran.stderr.contains(word), "{url}: {}", ran.stderr);
    }
    let lib = sandbox.path("ours/code-repos/api/code/lib/code/app");
    assert!(lib.is_file(), "{url}");
    assert!(!sandbox.path("ours/.git/modules/web").exists());
    assert_nobody_left(sandbox, url);

    let instead = format!("url.{}.insteadOf", sandbox.path("web").display());
    let mended = sandbox.flota_with("ours", &["update"], |command| {
        command
            .env("GIT_CONFIG_KEY_1", &instead)
            .env("GIT_CONFIG_VALUE_1", url);
    });
    assert_eq!(mended.status, Some(0), "{url}: {}", mended.stderr);
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "", "{url}");
}

/// Ctrl-C, and SIGKILL, which leaves flota no time: neither git nor the ssh below it stays behind.
#[test]
fn nobody_waits_on_for_a_server_when_flota_is_gone() {
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::KILL] {
        let silent = Silent::start();
        for (number, url) in silent.urls().iter().enumerate() {
            let sandbox = with_web_at(url);
            let mut flota = sandbox
                .interruptible("", &["clone", "--quiet", "fleet", "ours"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            until("no connection", || {
                silent.connections.load(Ordering::SeqCst) > number
            });
            // In the middle of the wait.
            thread::sleep(Duration::from_millis(100));
            let id = rustix::process::Pid::from_child(&flota);
            rustix::process::kill_process(id, signal).unwrap();
            flota.wait().unwrap();
            assert_nobody_left(&sandbox, &format!("{url} {signal:?}"));
        }
    }
}
