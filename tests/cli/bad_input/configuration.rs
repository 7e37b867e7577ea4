//! `flota.toml` must be a file, and mean something.

use std::{fs, os::unix::fs::symlink, process::Command, thread, time::Duration};

use super::{LAST, MISUSE, changed, refused};
use crate::sandbox::{Ran, Sandbox};

fn with(text: &str) -> Ran {
    let sandbox = Sandbox::scripted("code");
    fs::write(sandbox.path("fleet/flota.toml"), text).unwrap();
    changed(&sandbox, &[LAST])
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest() {
    let ran = with("[fleet]\nbase_brunch = \"main\"\n");
    insta::assert_snapshot!(refused(&ran, MISUSE));
}

#[test]
fn a_value_of_another_type_is_an_error() {
    let ran = with("[change]\ncode = \"src/**\"\n");
    insta::assert_snapshot!(refused(&ran, MISUSE));
}

#[test]
fn what_is_no_toml_is_an_error() {
    insta::assert_snapshot!(refused(&with("[fleet\n"), MISUSE));
}

#[test]
fn a_named_file_must_be_there() {
    let sandbox = Sandbox::scripted("code");
    let ran = changed(&sandbox, &[LAST, "--config", "mine.toml"]);
    insta::assert_snapshot!(refused(&ran, MISUSE));
}

#[test]
fn a_huge_file_is_not_read() {
    let sandbox = Sandbox::scripted("code");
    let file = fs::File::create(sandbox.path("fleet/flota.toml")).unwrap();
    file.set_len(1 << 40).unwrap();
    insta::assert_snapshot!(refused(&changed(&sandbox, &[LAST]), MISUSE));
}

#[test]
fn a_pipe_in_its_place_does_not_hang() {
    let sandbox = Sandbox::scripted("code");
    let fifo = sandbox.path("fleet/flota.toml");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    // Whoever waits for a writer gets one in the end, and then an empty file.
    let writer = fifo.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(20));
        fs::OpenOptions::new().write(true).open(writer)
    });
    insta::assert_snapshot!(refused(&changed(&sandbox, &[LAST]), MISUSE));
}

#[test]
fn a_device_or_a_directory_in_its_place_is_refused() {
    let sandbox = Sandbox::scripted("code");
    let file = sandbox.path("fleet/flota.toml");
    symlink("/dev/zero", &file).unwrap();
    let device = refused(&changed(&sandbox, &[LAST]), MISUSE);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let directory = refused(&changed(&sandbox, &[LAST]), MISUSE);
    insta::assert_snapshot!([device, directory].join("\n"));
}
