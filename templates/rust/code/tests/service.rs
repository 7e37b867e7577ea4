//! Tests the program over HTTP.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
};

struct Service {
    process: Child,
    port: u16,
}

impl Service {
    /// Starts it on a free port.
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_service"))
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.as_mut().unwrap());
        stdout.read_line(&mut line).unwrap();
        let port = line.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
        Self { process, port }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap()
    }

    /// Status line, headers and body.
    fn get(&self, path: &str) -> String {
        let mut connection = self.connect();
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    fn terminate(&self) {
        let kill = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn it_greets() {
    let answer = Service::start().get("/");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with(service::GREETING), "{answer}");
}

#[test]
fn it_is_healthy() {
    let answer = Service::start().get("/healthz");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn it_knows_no_other_path() {
    let answer = Service::start().get("/nothing");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[test]
fn it_ends_when_it_is_asked_to() {
    let mut service = Service::start();
    service.terminate();
    assert!(service.process.wait().unwrap().success());
}
