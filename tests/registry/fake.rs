//! A server that answers as a test wants and remembers what it was asked.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub authorization: Option<String>,
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
}

/// An answer without headers and body.
pub fn status(code: u16) -> Answer {
    Answer::With(code, Vec::new(), String::new())
}

/// A server on a loopback port; its thread ends with the test run.
pub struct Fake {
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Answers by `answer`, which gets the request and how many came before it.
    pub fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, memory) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, memory) = (Arc::clone(&answer), Arc::clone(&memory));
                thread::spawn(move || serve(stream, &*answer, &memory));
            }
        });
        Self { address, asked }
    }

    /// Everything it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    stream: TcpStream,
    answer: &dyn Fn(&Asked, usize) -> Answer,
    memory: &Mutex<Vec<Asked>>,
) -> Option<()> {
    let mut reader = BufReader::new(&stream);
    let asked = read(&mut reader)?;
    let before = {
        let mut memory = memory.lock().unwrap();
        memory.push(asked.clone());
        memory.len() - 1
    };
    match answer(&asked, before) {
        Answer::HangUp => {}
        Answer::Silence => {
            // Until the other side gives up.
            let _ = reader.read(&mut [0]);
        }
        Answer::With(code, headers, body) => {
            let headers: String = headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}\r\n"))
                .collect();
            // A HEAD's answer has no body.
            let body = if asked.method == "HEAD" { "" } else { &body };
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {code} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
            );
            (&stream).write_all(text.as_bytes()).ok()?;
        }
    }
    Some(())
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
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => asked.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8_lossy(&body).into_owned();
    Some(asked)
}
