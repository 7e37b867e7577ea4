//! A small HTTP server that hands requests to `git http-backend` (a CGI program), and can misbehave first.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// How it treats clients.
#[derive(Clone, Default)]
pub struct Manners {
    /// What it answers first, one request each.
    pub first: Vec<u16>,
    /// What it says then of when to come back: `Retry-After`.
    pub retry_after: Option<&'static str>,
    /// Whether it passes on that a client speaks protocol version 2.
    pub only_v0: bool,
    /// Whether it takes requests and never answers.
    pub silent: bool,
    /// The `Authorization` it insists on.
    pub authorization: Option<&'static str>,
    /// Where it sends everybody who asks for these repositories.
    pub moved: Option<(&'static str, String)>,
    /// Packs of this repository it sends only this many bytes of.
    pub cut_off: Option<(&'static str, usize)>,
    /// Whether it holds the connection open after that.
    pub stalls: bool,
    /// Packs of this repository are sent without what this filter leaves out (git-rev-list(1)), whatever was asked for.
    pub leaves_out: Option<(&'static str, &'static str)>,
}

pub struct Server {
    pub url: String,
    /// The `Authorization` of every request; empty without.
    pub seen: Arc<Mutex<Vec<String>>>,
    pub requests: Arc<AtomicUsize>,
    /// What was asked for: `POST /api/.git/git-upload-pack`.
    pub asked: Arc<Mutex<Vec<String>>>,
}

/// Serves the repositories under `root` until the test's process ends.
pub fn serve(root: &Path, manners: Manners) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server {
        url: format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port()),
        seen: Arc::default(),
        requests: Arc::default(),
        asked: Arc::default(),
    };
    let (root, seen, requests, asked) = (
        root.to_owned(),
        server.seen.clone(),
        server.requests.clone(),
        server.asked.clone(),
    );
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (root, seen, requests, asked, manners) = (
                root.clone(),
                seen.clone(),
                requests.clone(),
                asked.clone(),
                manners.clone(),
            );
            thread::spawn(move || answer(stream, &root, &manners, &seen, &requests, &asked));
        }
    });
    server
}

/// One request, then the connection ends. A client that goes away is none of the server's business.
fn answer(
    stream: TcpStream,
    root: &Path,
    manners: &Manners,
    seen: &Mutex<Vec<String>>,
    requests: &AtomicUsize,
    asked: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers = headers(&mut reader)?;
    let mut body = body(&mut reader, &headers)?;
    let number = requests.fetch_add(1, Ordering::SeqCst);
    let authorization = headers.get("authorization").cloned().unwrap_or_default();
    seen.lock().unwrap().push(authorization.clone());
    asked.lock().unwrap().push(format!("{method} {target}"));
    if manners.silent {
        thread::sleep(Duration::from_secs(120));
        return None;
    }
    if let Some(status) = manners.first.get(number) {
        let later = manners
            .retry_after
            .map(|when| format!("Retry-After: {when}\r\n"));
        let later = later.unwrap_or_default();
        return write!(
            writer,
            "HTTP/1.1 {status} Sorry\r\n{later}Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .ok();
    }
    if manners
        .authorization
        .is_some_and(|wanted| wanted != authorization)
    {
        let ask = "WWW-Authenticate: Basic realm=\"x\"\r\n";
        return write!(
            writer,
            "HTTP/1.1 401 No\r\n{ask}Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .ok();
    }
    if let Some((moved, to)) = &manners.moved
        && target.starts_with(moved)
    {
        let location = format!("Location: {to}{target}\r\n");
        return write!(
            writer,
            "HTTP/1.1 301 Moved\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .ok();
    }
    if let Some((repository, filter)) = manners.leaves_out
        && target.starts_with(repository)
        && let Some(arguments) = position(&body, b"0001")
        && body_has(&body, b"command=fetch")
    {
        let line = format!("filter {filter}\n");
        let line = format!("{:04x}{line}", line.len() + 4);
        body.splice(arguments + 4..arguments + 4, line.into_bytes());
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut backend = Command::new(backend());
    backend
        .env_clear()
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (header, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
    ] {
        backend.env(variable, headers.get(header).cloned().unwrap_or_default());
    }
    if let Some(protocol) = headers.get("git-protocol").filter(|_| !manners.only_v0) {
        backend.env("GIT_PROTOCOL", protocol);
    }
    let mut child = backend.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let feeder = thread::spawn(move || drop(input.write_all(&body)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    let end = position(&output.stdout, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&output.stdout[..end]).into_owned();
    let content = &output.stdout[end + 4..];
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK");
    let length = content.len();
    write!(
        writer,
        "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let sent = match manners.cut_off {
        Some((repository, bytes))
            if path.starts_with(repository) && body_has(content, b"packfile") =>
        {
            &content[..bytes.min(length)]
        }
        _ => content,
    };
    writer.write_all(sent).ok()?;
    if manners.stalls && sent.len() < length {
        thread::sleep(Duration::from_secs(120));
    }
    Some(())
}

fn body_has(content: &[u8], word: &[u8]) -> bool {
    position(content, word).is_some()
}

fn position(content: &[u8], word: &[u8]) -> Option<usize> {
    content.windows(word.len()).position(|part| part == word)
}

fn headers(reader: &mut impl BufRead) -> Option<HashMap<String, String>> {
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => return Some(headers),
        };
    }
}

fn body(reader: &mut impl BufRead, headers: &HashMap<String, String>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if let Some(length) = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
    {
        reader.take(length).read_to_end(&mut body).ok()?;
        return Some(body);
    }
    if headers
        .get("transfer-encoding")
        .is_some_and(|coding| coding == "chunked")
    {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = u64::from_str_radix(size.trim(), 16).ok()?;
            reader.take(size).read_to_end(&mut body).ok()?;
            reader.read_line(&mut String::new()).ok()?;
            if size == 0 {
                break;
            }
        }
    }
    Some(body)
}

fn backend() -> PathBuf {
    let output = Command::new("git").arg("--exec-path").output().unwrap();
    Path::new(String::from_utf8(output.stdout).unwrap().trim()).join("git-http-backend")
}
