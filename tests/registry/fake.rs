//! A server that answers as a test wants and remembers what it was asked.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub host: Option<String>,
    pub authorization: Option<String>,
    pub content_range: Option<String>,
    pub body: String,
}

/// What to do with a request.
pub enum Answer {
    /// Status, headers (without `Content-Length`) and body.
    With(u16, Vec<(&'static str, String)>, String),
    /// Close the connection without a word.
    HangUp,
    /// Keep the connection and say nothing.
    Silence,
    /// Status 200 and the first half of this body; then keep the connection and say nothing more.
    Half(String),
}

/// An answer without headers and body.
pub fn status(code: u16) -> Answer {
    Answer::With(code, Vec::new(), String::new())
}

/// A server on a loopback port; its thread ends with the test run. It takes one request after the other on a connection.
pub struct Fake {
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
}

impl Fake {
    /// Answers by `answer`, which gets the request and how many came before it.
    pub fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, memory) = (Arc::new(answer), Arc::clone(&asked));
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                let (answer, memory) = (Arc::clone(&answer), Arc::clone(&memory));
                thread::spawn(move || serve(&stream, &*answer, &memory));
            }
        });
        Self {
            address,
            asked,
            connections,
        }
    }

    /// Everything it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(
    stream: &TcpStream,
    answer: &dyn Fn(&Asked, usize) -> Answer,
    memory: &Mutex<Vec<Asked>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let asked = read(&mut reader)?;
        let before = {
            let mut memory = memory.lock().unwrap();
            memory.push(asked.clone());
            memory.len() - 1
        };
        match answer(&asked, before) {
            Answer::HangUp => return None,
            Answer::Silence => return until_gone(&mut reader),
            Answer::Half(body) => {
                let half = &body[..body.len() / 2];
                send(stream, 200, &[], body.len(), half)?;
                return until_gone(&mut reader);
            }
            // A HEAD's answer has no body.
            Answer::With(code, headers, _) if asked.method == "HEAD" => {
                send(stream, code, &headers, 0, "")?;
            }
            Answer::With(code, headers, body) => {
                send(stream, code, &headers, body.len(), &body)?;
            }
        }
    }
}

/// Waits until the other side gives up.
fn until_gone(reader: &mut impl Read) -> Option<()> {
    let _ = reader.read(&mut [0]);
    None
}

fn send(
    mut stream: &TcpStream,
    code: u16,
    headers: &[(&'static str, String)],
    length: usize,
    body: &str,
) -> Option<()> {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let text = format!("HTTP/1.1 {code} X\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(text.as_bytes()).ok()
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ').map(str::to_owned);
    let mut asked = Asked {
        method: words.next()?,
        path: words.next()?,
        ..Asked::default()
    };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "host" => asked.host = Some(value.to_owned()),
            "content-range" => asked.content_range = Some(value.to_owned()),
            "authorization" => asked.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8_lossy(&body).into_owned();
    Some(asked)
}
