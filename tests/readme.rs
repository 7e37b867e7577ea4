//! The README says what the program does.

use std::{fs, path::Path, process::Command};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_configuration_it_shows_is_the_reference_that_the_tests_read() {
    let readme = read("README.md");
    let reference = read("fixtures/config/valid/reference.toml");
    assert!(
        readme.contains(reference.trim()),
        "fixtures/config/valid/reference.toml is not in it"
    );
}

#[test]
fn every_command_is_in_its_table() {
    let help = Command::new(env!("CARGO_BIN_EXE_flota"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help
        .split("Commands:")
        .nth(1)
        .unwrap()
        .split("Options:")
        .next()
        .unwrap();
    let commands: Vec<_> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 3, "{commands:?}");
    let readme = read("README.md");
    for command in commands {
        let row = format!("| `flota {command}");
        let mut rows = readme.split(row.as_str()).skip(1);
        // Another command may begin with the same letters.
        assert!(
            rows.any(|rest| rest.starts_with(['`', ' '])),
            "no row for {command}"
        );
    }
}

#[test]
fn every_exit_code_is_in_its_table() {
    let readme = read("README.md");
    let table = readme
        .split("## Exit codes")
        .nth(1)
        .unwrap()
        .split("##")
        .next()
        .unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| "));
    let codes = rows.filter_map(|row| row.split(" | ").next());
    let codes: Vec<_> = codes.flat_map(|codes| codes.split(", ")).skip(1).collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "129", "130", "143"]);
}
