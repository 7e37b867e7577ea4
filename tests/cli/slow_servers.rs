//! Servers that keep flota waiting: one Ctrl-C ends the wait, wherever it is; and no more connections than the work needs.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Child, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    build::statuses,
    fake::{Answer, Asked, Fake, status},
    faults::until,
    http::{Manners, serve},
    sandbox::Sandbox,
};

/// Lets the fleet push to the registry at `address`.
fn push_to(sandbox: &Sandbox, address: &str) {
    let configuration = format!(
        "[image]\nbuilder = \"embedded\"\nplatform = \"linux/amd64\"\nregistry = \"{address}/team\"\n"
    );
    fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();
}

/// Puts the service `web` of the fleet `to-clone` on the server at `root`.
fn move_web_to(sandbox: &Sandbox, root: &str) {
    let url = format!("{root}/web");
    let set = ["config", "--file=.gitmodules", "submodule.web.url", &url];
    sandbox.git("fleet", &set);
    let commit = ["commit", "--quiet", "--all", "--message=Move web"];
    sandbox.git("fleet", &commit);
}

/// A registry that keeps what it is given.
fn store() -> impl Fn(&Asked) -> Answer {
    let kept = Mutex::new(HashMap::<String, String>::new());
    move |asked| {
        let mut kept = kept.lock().unwrap();
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        match asked.method.as_str() {
            "POST" => Answer::With(202, vec![("Location", path.to_owned())], String::new()),
            "PUT" => {
                let path = match query.split_once("digest=") {
                    Some((_, digest)) => path.replace("uploads/", digest),
                    None => path.to_owned(),
                };
                kept.insert(path, asked.body.clone());
                status(201)
            }
            _ => match kept.get(path) {
                Some(body) => Answer::With(200, Vec::new(), body.clone()),
                None => status(404),
            },
        }
    }
}

/// A challenge that leads to a token server at `host`.
fn challenge(host: &str) -> Answer {
    let realm = format!("Bearer realm=\"http://{host}/token\",service=\"x\"");
    Answer::With(401, vec![("WWW-Authenticate", realm)], String::new())
}

fn found() -> Answer {
    let digest = format!("sha256:{}", "0".repeat(64));
    Answer::With(200, vec![("Docker-Content-Digest", digest)], String::new())
}

/// Waits for `is_waiting`, sends Ctrl-C once, to flota alone, and asserts that it ends soon, and as interrupted.
#[track_caller]
fn assert_one_signal_ends(case: &str, mut flota: Child, is_waiting: impl Fn() -> bool) {
    until(case, is_waiting);
    // In the middle of the wait.
    thread::sleep(Duration::from_millis(300));
    assert!(
        flota.try_wait().unwrap().is_none(),
        "{case}: it waits for nothing"
    );
    kill_process(Pid::from_child(&flota), Signal::INT).unwrap();
    let sent = Instant::now();
    while flota.try_wait().unwrap().is_none() {
        if sent.elapsed() > Duration::from_secs(10) {
            flota.kill().unwrap();
            panic!("{case}: it waits on");
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(flota.wait().unwrap().code(), Some(130), "{case}");
}

fn start(sandbox: &Sandbox, dir: &str, args: &[&str]) -> Child {
    let mut command = sandbox.interruptible(dir, args);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// A port whose connections are never opened: its listener accepts none, and as many wait as may.
struct Full {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Full {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok();
        let waiting: Vec<_> = (0..10_000).map_while(connect).collect();
        assert!(waiting.len() < 10_000, "the listener takes everybody");
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }
}

#[test]
fn one_ctrl_c_ends_the_wait_for_a_registry() {
    type Fate = Box<dyn Fn(&Asked) -> Option<Answer> + Send + Sync>;
    let on = |method: &'static str, part: &'static str, answer: fn() -> Answer| -> Fate {
        Box::new(move |asked| {
            let is_meant = asked.method == method && asked.path.contains(part);
            is_meant.then(answer)
        })
    };
    let silence = || Answer::Silence;
    let cases: [(&str, Fate); 7] = [
        ("the first question", on("HEAD", "/manifests/", silence)),
        ("an upload's begin", on("POST", "/uploads/", silence)),
        ("an upload", on("PUT", "/uploads/", silence)),
        ("a manifest's push", on("PUT", "/manifests/", silence)),
        (
            "a token",
            Box::new(|asked| match asked.path.starts_with("/token") {
                true => Some(Answer::Silence),
                false => Some(challenge(asked.host.as_deref().unwrap())),
            }),
        ),
        (
            "a manifest that stops half-way",
            Box::new(|asked| match asked.method.as_str() {
                "HEAD" => Some(found()),
                _ => Some(Answer::Half("{\"schemaVersion\": 2}".to_owned())),
            }),
        ),
        (
            "the time until the next try",
            on("HEAD", "/manifests/", || {
                let later = ("Retry-After", "3600".to_owned());
                Answer::With(503, vec![later], String::new())
            }),
        ),
    ];
    let sandbox = Sandbox::scripted("build-changes");
    for (case, fate) in cases {
        let (store, is_waiting) = (store(), Arc::new(AtomicBool::new(false)));
        let begins = Arc::clone(&is_waiting);
        let registry = Fake::start(move |asked, _| {
            let Some(answer) = fate(asked) else {
                return store(asked);
            };
            if !matches!(&answer, Answer::With(200 | 401, ..)) {
                begins.store(true, Ordering::SeqCst);
            }
            answer
        });
        push_to(&sandbox, &registry.address);
        let flota = start(&sandbox, "fleet", &["build", "api", "--push", "-j1"]);
        assert_one_signal_ends(case, flota, || is_waiting.load(Ordering::SeqCst));
    }
}

/// A credential helper may wait for its user, and need not be in the terminal that the signal comes from.
#[test]
fn one_ctrl_c_ends_the_wait_for_a_credential_helper() {
    let registry = Fake::start(|asked, _| challenge(asked.host.as_deref().unwrap()));
    let sandbox = Sandbox::scripted("build-changes");
    push_to(&sandbox, &registry.address);
    let bin = sandbox.path("bin");
    for folder in [&bin, &sandbox.path("home/.docker")] {
        fs::create_dir(folder).unwrap();
    }
    let helper = bin.join("docker-credential-waits");
    fs::write(&helper, "#!/bin/sh\n: > \"$HOME/asked\"\nexec sleep 30\n").unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let config = sandbox.path("home/.docker/config.json");
    fs::write(config, r#"{"credsStore": "waits"}"#).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = sandbox.interruptible("fleet", &["build", "api", "--push"]);
    command
        .env("PATH", format!("{}:{path}", bin.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let flota = command.spawn().unwrap();
    let is_asked = || sandbox.path("home/asked").exists();
    assert_one_signal_ends("a helper", flota, is_asked);
}

#[test]
fn one_ctrl_c_ends_the_wait_for_a_connection() {
    let full = Full::start();
    let sandbox = Sandbox::scripted("build-changes");
    push_to(&sandbox, &full.address.to_string());
    let flota = start(&sandbox, "fleet", &["build", "api", "--push"]);
    assert_one_signal_ends("a registry", flota, || true);

    let sandbox = Sandbox::scripted("to-clone");
    move_web_to(&sandbox, &format!("http://{}", full.address));
    let flota = start(&sandbox, "", &["clone", "fleet", "ours"]);
    let is_begun = || sandbox.path("ours/code-repos").exists();
    assert_one_signal_ends("a git server", flota, is_begun);
}

/// A proxy that takes connections and says no more than this.
fn proxy(says: &'static str) -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let is_asked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_asked);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let mut request = BufReader::new(&client).lines().map_while(Result::ok);
            let first = request.next().unwrap();
            assert!(
                first.starts_with("CONNECT registry.example:443 "),
                "{first}"
            );
            assert!(request.any(|line| line.is_empty()));
            (&client).write_all(says.as_bytes()).unwrap();
            asked.store(true, Ordering::SeqCst);
            // Until the other side gives up.
            let _ = std::io::copy(&mut &client, &mut std::io::sink());
        }
    });
    (address, is_asked)
}

#[test]
fn one_ctrl_c_ends_the_wait_for_a_proxy_and_for_tls_behind_it() {
    let sandbox = Sandbox::scripted("build-changes");
    push_to(&sandbox, "registry.example");
    for (case, says) in [
        ("a proxy", ""),
        ("a handshake", "HTTP/1.1 200 Connected\r\n\r\n"),
    ] {
        let (address, is_asked) = proxy(says);
        let mut command = sandbox.interruptible("fleet", &["build", "api", "--push"]);
        command
            .env("HTTPS_PROXY", format!("http://{address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let flota = command.spawn().unwrap();
        assert_one_signal_ends(case, flota, || is_asked.load(Ordering::SeqCst));
    }
}

#[test]
fn one_ctrl_c_ends_the_wait_for_a_git_server() {
    let sandbox = Sandbox::scripted("to-clone");
    for (case, requests, manners) in [
        (
            "the first byte",
            1,
            Manners {
                silent: true,
                ..Manners::default()
            },
        ),
        (
            "the time until the next try",
            1,
            Manners {
                first: vec![503; 9],
                retry_after: Some("3600"),
                ..Manners::default()
            },
        ),
        (
            "a pack that stops half-way",
            2,
            Manners {
                cut_off: Some(("/web", 300)),
                stalls: true,
                ..Manners::default()
            },
        ),
    ] {
        let server = serve(sandbox.root(), manners);
        move_web_to(&sandbox, &server.url);
        let flota = start(&sandbox, "", &["clone", "fleet", "ours"]);
        let is_waiting = || server.asked.lock().unwrap().len() >= requests;
        assert_one_signal_ends(case, flota, is_waiting);
        fs::remove_dir_all(sandbox.path("ours")).unwrap();
    }
}

#[test]
fn a_registry_sees_no_more_connections_than_jobs() {
    let sandbox = Sandbox::scripted("build-changes");
    for jobs in [1, 3] {
        let store = store();
        let registry = Fake::start(move |asked, _| store(asked));
        push_to(&sandbox, &registry.address);
        let count = format!("-j{jobs}");
        let pushed = sandbox.build(&["api", "jobs", "web", "--push", &count]);
        assert_eq!(statuses(&pushed).len(), 3, "{pushed}");
        let asked = registry.asked().len();
        assert!(asked > 30, "{asked}");
        let connections = registry.connections();
        assert!(connections <= jobs, "{connections} for {jobs} at a time");
    }
}

/// The answer that asks for a login has a body, which must not cost the connection.
#[test]
fn a_login_costs_no_connection() {
    let store = store();
    let registry = Fake::start(move |asked, _| {
        let host = asked.host.as_deref().unwrap();
        if asked.path.starts_with("/token") {
            return Answer::With(200, Vec::new(), r#"{"token": "granted"}"#.to_owned());
        }
        match asked.authorization.as_deref() {
            Some("Bearer granted") => store(asked),
            _ => match challenge(host) {
                Answer::With(code, headers, _) => {
                    Answer::With(code, headers, r#"{"errors": []}"#.to_owned())
                }
                other => other,
            },
        }
    });
    let sandbox = Sandbox::scripted("build-changes");
    push_to(&sandbox, &registry.address);
    let pushed = sandbox.build(&["api", "web", "--push", "-j1"]);
    assert_eq!(statuses(&pushed), ["api built", "web built"]);
    assert_eq!(registry.connections(), 1);
}
