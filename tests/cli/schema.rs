//! The JSON Schema of `flota.toml`, judged by check-jsonschema.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{sandbox::Sandbox, support::need};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The schema, in a file.
fn schema(sandbox: &Sandbox) -> PathBuf {
    let path = sandbox.path("flota.schema.json");
    let ran = sandbox.flota("", &["help", "configuration", "--schema"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    fs::write(&path, ran.stdout).unwrap();
    path
}

/// Those of the files that the schema refuses, or that are no TOML.
fn refused(schema: &Path, files: &[PathBuf]) -> BTreeSet<String> {
    let output = Command::new("check-jsonschema")
        .arg("--schemafile")
        .arg(schema)
        .args(["--output-format", "json"])
        .args(files)
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let faults = ["errors", "parse_errors"].into_iter();
    faults
        .flat_map(|kind| said[kind].as_array().into_iter().flatten())
        .map(|fault| fault["filename"].as_str().unwrap())
        .map(|name| {
            Path::new(name)
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("fixtures/config").join(folder)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    // check-jsonschema itself fails on a file that is not text.
    files
        .filter(|file| file.extension().is_some_and(|it| it == "toml"))
        .filter(|file| !file.ends_with("not-utf-8.toml"))
        .collect()
}

#[test]
fn every_file_that_flota_takes_it_takes() {
    if !need("check-jsonschema") {
        return;
    }
    let sandbox = Sandbox::new();
    let schema = schema(&sandbox);
    let mut files = fixtures("valid");
    let ran = sandbox.flota("", &["init", "shop"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    files.push(sandbox.path("shop/flota.toml"));
    // What the pages show as files of flota; template-files shows template.toml.
    for page in ["README.md", "templates/help/configuration.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for (number, block) in text.split("```toml\n").skip(1).enumerate() {
            let file = sandbox.path(format!("{}-{number}.toml", page.replace('/', "-")));
            fs::write(&file, block.split("```").next().unwrap()).unwrap();
            files.push(file);
        }
    }
    assert!(files.len() > 5, "{files:?}");
    assert_eq!(refused(&schema, &files), BTreeSet::new());
}

/// A schema knows names, types, choices and limits; what has a grammar of its own is flota's.
#[test]
fn what_is_no_grammar_it_refuses_as_flota_does() {
    if !need("check-jsonschema") {
        return;
    }
    let sandbox = Sandbox::new();
    let schema = schema(&sandbox);
    let files = fixtures("invalid");
    let stems = files
        .iter()
        .map(|file| file.file_stem().unwrap().to_str().unwrap());
    let refused = refused(&schema, &files);
    let taken: Vec<_> = stems.filter(|stem| !refused.contains(*stem)).collect();
    let mut taken: Vec<_> = taken.into_iter().map(str::to_owned).collect();
    taken.sort();
    insta::assert_snapshot!(taken.join("\n"));
}

#[test]
fn it_keeps_to_its_own_metaschema() {
    if need("check-jsonschema") {
        let sandbox = Sandbox::new();
        crate::consumers::run(
            Command::new("check-jsonschema")
                .arg("--check-metaschema")
                .arg(schema(&sandbox)),
        );
    }
}

#[test]
fn a_new_fleet_has_it_where_the_first_line_of_its_file_says() {
    let sandbox = Sandbox::new();
    let ran = sandbox.flota("", &["init", "shop"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let text = fs::read_to_string(sandbox.path("shop/flota.toml")).unwrap();
    let named = text
        .lines()
        .next()
        .unwrap()
        .strip_prefix("#:schema ./")
        .unwrap();
    let written = fs::read_to_string(sandbox.path("shop").join(named)).unwrap();
    assert_eq!(written, fs::read_to_string(schema(&sandbox)).unwrap());
}

#[test]
fn another_page_has_none() {
    let sandbox = Sandbox::new();
    for args in [
        &["help", "--schema"][..],
        &["help", "rules", "--schema"],
        &["help", "build", "--schema"],
        &["help", "template", "update", "--schema"],
    ] {
        let ran = sandbox.flota("", args);
        assert_eq!(ran.status, Some(2), "{args:?}");
        assert!(ran.stdout.is_empty(), "{args:?}");
        assert!(
            ran.stderr.contains("only the topic `configuration`"),
            "{args:?}: {}",
            ran.stderr
        );
    }
}
