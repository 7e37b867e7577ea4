//! A result that nobody gets is no success.

use std::{fs, process::Stdio};

use super::{ENVIRONMENT, LAST};
use crate::sandbox::Sandbox;

#[test]
fn a_full_disk_is_no_success() {
    let sandbox = Sandbox::scripted("code");
    for format in ["human", "json", "names"] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let ran = sandbox.flota_with("fleet", &["changed", LAST, "--format", format], |flota| {
            flota.stdout(full);
        });
        assert_eq!(ran.status, Some(ENVIRONMENT), "{format}");
        assert!(ran.stderr.contains("cannot write to standard output"));
    }
}

#[test]
fn a_reader_who_left_is_no_success() {
    let sandbox = Sandbox::scripted("code");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = sandbox.flota_with("fleet", &["plan", LAST], |flota| {
        flota.stdout(Stdio::from(writer));
    });
    assert_eq!(ran.status, Some(ENVIRONMENT), "{}", ran.stderr);
}

#[test]
fn a_closed_stderr_stops_nothing() {
    let sandbox = Sandbox::scripted("url");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = sandbox.flota_with("fleet", &["changed", LAST], |flota| {
        flota.stderr(Stdio::from(writer));
    });
    assert_eq!(ran.status, Some(0));
}
