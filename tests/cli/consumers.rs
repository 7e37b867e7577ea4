//! CI systems as far as they read what flota writes: each by the rules of its own runner.

use std::{collections::BTreeMap, path::PathBuf, process::Command};

use serde_json::Value;

use crate::support;

/// The file of `GITHUB_OUTPUT`, read as the runner does when a step has ended: lines `NAME=VALUE`, or `NAME<<END` up to a line
/// that is `END`.
pub fn github_outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (_, Some(at)) if equals.is_none_or(|equals| at < equals) => {
                let end = &line[at + 2..];
                let value: Vec<_> = lines.by_ref().take_while(|line| *line != end).collect();
                outputs.insert(line[..at].to_owned(), value.join("\n"));
            }
            (Some(at), _) => {
                outputs.insert(line[..at].to_owned(), line[at + 1..].to_owned());
            }
            _ => panic!("no output: {line}"),
        }
    }
    outputs
}

/// What the agent of Azure Pipelines obeys on stdout: in any line the first `##vso[`, up to the first `]`; properties between
/// semicolons; `%0D`, `%0A`, `%3B`, `%5D` decoded, and `%AZP25` not, as by default. Only output variables may be set here.
pub fn azure_outputs(stdout: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    for line in stdout.lines() {
        let Some(at) = line.find("##vso[") else {
            continue;
        };
        let (command, data) = line[at + "##vso[".len()..].split_once(']').unwrap();
        let (name, properties) = command.split_once(' ').unwrap();
        assert_eq!(name, "task.setvariable");
        let properties: BTreeMap<_, _> = properties
            .split(';')
            .filter_map(|property| property.split_once('='))
            .collect();
        assert_eq!(properties["isOutput"], "true");
        let data = data
            .replace("%3B", ";")
            .replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%5D", "]");
        outputs.insert(properties["variable"].to_owned(), data);
    }
    outputs
}

/// YAML as the servers of GitLab and Buildkite read it.
pub fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|err| panic!("{err}\n{text}"))
}

/// Whether the file passes the published schema of its system, by the name that check-jsonschema gives it.
pub fn assert_schema(schema: &str, files: &[PathBuf]) {
    assert!(!files.is_empty(), "{schema}");
    if support::need("check-jsonschema") {
        run(Command::new("check-jsonschema")
            .args(["--builtin-schema", schema])
            // Azure's schema escapes characters that regular expressions with Unicode have no escape for.
            .arg("--regex-variant=nonunicode")
            .args(files));
    }
}

/// Runs a linter, which must have nothing to say.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{command:?}\n{}",
        String::from_utf8_lossy(&said)
    );
}
