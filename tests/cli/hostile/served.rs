//! Servers that mean harm: what they say reaches no terminal as it is, and they get nobody's password.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::Ordering,
    thread,
};

use super::{assert_harmless, assert_inert};
use crate::{
    http::{Manners, serve},
    sandbox::Sandbox,
};

/// What would clear the screen, set the terminal's title, and hide the rest.
const STEERING: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m all is well\r\u{202e}";

/// A server that answers every request with what `answer` makes of its first line and its body.
fn impostor(answer: fn(&str, &str) -> Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || converse(stream, answer));
        }
    });
    url
}

fn converse(mut stream: TcpStream, answer: fn(&str, &str) -> Vec<u8>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = answer(&first, &String::from_utf8_lossy(&body));
    stream.write_all(&answer).ok()
}

fn ok(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-{kind}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Git's line framing (gitprotocol-common(5)).
fn packet(text: &[u8]) -> Vec<u8> {
    [format!("{:04x}", text.len() + 4).as_bytes(), text].concat()
}

const FLUSH: &[u8] = b"0000";

/// Speaks protocol version 2 up to the pack, in whose place it talks.
fn talkative(first: &str, body: &str) -> Vec<u8> {
    let said = STEERING.as_bytes();
    if first.starts_with("GET") {
        let lines = [
            "version 2\n",
            "ls-refs\n",
            "fetch=shallow\n",
            "object-format=sha1\n",
        ];
        let lines = lines.map(|line| packet(line.as_bytes())).concat();
        let service = packet(b"# service=git-upload-pack\n");
        return ok("advertisement", &[&service, FLUSH, &lines, FLUSH].concat());
    }
    if body.contains("command=ls-refs") {
        let id = "1".repeat(40);
        let head = packet(format!("{id} HEAD symref-target:refs/heads/main\n").as_bytes());
        let main = packet(format!("{id} refs/heads/main\n").as_bytes());
        return ok("result", &[&head, &main, FLUSH].concat());
    }
    let progress = packet(&[b"\x02", said, b"\n"].concat());
    let fatal = packet(&[b"\x03", said, b"\n"].concat());
    ok(
        "result",
        &[&packet(b"packfile\n")[..], &progress, &fatal, FLUSH].concat(),
    )
}

/// Refuses by an error line of the protocol.
fn rude(first: &str, _: &str) -> Vec<u8> {
    let line = packet(format!("ERR {STEERING}").as_bytes());
    if first.starts_with("GET") {
        let service = packet(b"# service=git-upload-pack\n");
        return ok("advertisement", &[&service, FLUSH, &line].concat());
    }
    ok("result", &line)
}

/// Refuses by HTTP's own means.
fn bureaucratic(_: &str, _: &str) -> Vec<u8> {
    let said = STEERING.replace('\r', "");
    let head = format!("HTTP/1.1 403 {said}\r\nContent-Type: text/plain; charset=utf-8\r\n");
    format!(
        "{head}Content-Length: {}\r\nConnection: close\r\n\r\n{said}",
        said.len()
    )
    .into_bytes()
}

/// A fleet here, whose service `web` is at this URL.
fn with_web_at(url: &str) -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let set = ["config", "--file=.gitmodules", "submodule.web.url", url];
    sandbox.git("fleet", &set);
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Move web"],
    );
    sandbox
}

#[test]
fn what_a_server_says_steers_no_terminal() {
    for (case, answer) in [
        ("sideband", talkative as fn(&str, &str) -> Vec<u8>),
        ("error line", rude),
        ("status", bureaucratic),
    ] {
        let sandbox = with_web_at(&format!("{}/web", impostor(answer)));
        let ran = sandbox.flota("", &["clone", "--verbose", "fleet", "ours"]);
        assert_eq!(ran.status, Some(1), "{case}: {}", ran.stderr);
        assert_inert(case, &ran);
        assert!(
            ran.stderr.contains("── code-repos/web"),
            "{case}: {}",
            ran.stderr
        );
        let json = sandbox.flota("ours", &["update", "--format", "json"]);
        assert_inert(case, &json);
        let changed = sandbox.flota("ours", &["changed", "HEAD~2..HEAD"]);
        assert_inert(case, &changed);
        assert_harmless(case, &sandbox.path("ours"));
    }
}

#[test]
fn no_password_follows_a_redirect_or_a_url_to_another_host() {
    let other = Sandbox::scripted("to-clone");
    let elsewhere = serve(other.root(), Manners::default());
    let sandbox = Sandbox::scripted("to-clone");
    let server = serve(
        sandbox.root(),
        Manners {
            authorization: Some("Basic bWU6czNjcmV0LXdvcmQ="),
            moved: Some(("/web", elsewhere.url.clone())),
            ..Manners::default()
        },
    );
    let lib = format!("{}/lib", elsewhere.url);
    sandbox.git(
        "api",
        &[
            "config",
            "--file=.gitmodules",
            "submodule.code/lib.url",
            &lib,
        ],
    );
    sandbox.git("api", &["commit", "--quiet", "--all", "--message=Move lib"]);
    sandbox.git(
        "fleet/code-repos/api",
        &["pull", "--quiet", "origin", "main"],
    );
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Move api"],
    );

    let url = server.url.replace("http://", "http://me:s3cret-word@");
    let ran = sandbox.flota("", &["clone", "--verbose", &format!("{url}/fleet"), "ours"]);
    assert!(
        elsewhere.requests.load(Ordering::SeqCst) > 0,
        "{}",
        ran.stderr
    );
    let asked = elsewhere.asked.lock().unwrap().clone();
    assert_eq!(elsewhere.seen.lock().unwrap().join(""), "", "{asked:?}");
    assert!(!ran.stderr.contains("s3cret-word"), "{}", ran.stderr);
    assert!(!ran.text().contains("s3cret-word"), "{}", ran.text());
    assert!(
        sandbox.path("ours/code-repos/api/code/app").is_file(),
        "{}",
        ran.stderr
    );
}

/// The fleet's host may have a header with a token; any host that `.gitmodules` names may not.
#[test]
fn a_header_for_no_host_in_particular_stays_with_the_fleet() {
    let sandbox = Sandbox::scripted("to-clone");
    let server = serve(sandbox.root(), Manners::default());
    let url = format!("{}/web", server.url);
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    sandbox.git("ours", &["config", "submodule.web.url", &url]);
    let header = "Authorization: Basic bWU6czNjcmV0LXdvcmQ=";
    sandbox.git("ours", &["config", "http.extraHeader", header]);
    let ran = sandbox.flota("ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(server.requests.load(Ordering::SeqCst) > 0);
    assert_eq!(server.seen.lock().unwrap().join(""), "");
}

#[test]
fn a_fleet_from_a_server_reaches_no_file_of_this_machine() {
    for scheme in ["file://", ""] {
        let sandbox = Sandbox::scripted("to-clone");
        let web = format!("{scheme}{}", sandbox.path("web").display());
        sandbox.git(
            "fleet",
            &["config", "--file=.gitmodules", "submodule.web.url", &web],
        );
        sandbox.git(
            "fleet",
            &["commit", "--quiet", "--all", "--message=Move web"],
        );
        let server = serve(sandbox.root(), Manners::default());
        let url = format!("{}/fleet", server.url);
        let ran = sandbox.flota_with("", &["clone", &url, "ours"], |command| {
            // As git has it when nobody says anything.
            command.env("GIT_CONFIG_KEY_0", "flota.test");
        });
        assert_eq!(ran.status, Some(4), "{}", ran.stderr);
        let why = "the submodule `web`: the transport `file` is not allowed";
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        assert!(!sandbox.path("ours").exists());
    }
}

#[test]
fn no_bundle_is_fetched_from_where_a_server_says() {
    let sandbox = Sandbox::scripted("to-clone");
    let other = serve(sandbox.root(), Manners::default());
    let bundle = format!("{}/bundle", other.url);
    for repository in ["fleet", "api", "web", "lib"] {
        for (key, value) in [
            ("uploadpack.advertiseBundleURIs", "true"),
            ("bundle.version", "1"),
            ("bundle.mode", "all"),
            ("bundle.x.uri", &bundle),
        ] {
            sandbox.git(repository, &["config", key, value]);
        }
    }
    let server = serve(sandbox.root(), Manners::default());
    let url = format!("{}/fleet", server.url);
    let ran = sandbox.flota_with("", &["clone", &url, "ours"], |command| {
        command
            .env("GIT_CONFIG_KEY_1", "transfer.bundleURI")
            .env("GIT_CONFIG_VALUE_1", "true");
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(other.requests.load(Ordering::SeqCst), 0);
}
