//! The embedded templates, rendered: what their own tests say, and what linters, Helm, Kubernetes' schemas and container
//! engines say to them.

#[path = "../support/mod.rs"]
mod support;

mod chart;
mod code;
mod images;

use std::{fs, path::Path, process::Command};

use flota::{
    model::{name, template::Values},
    templates::{self, Template},
};
use tempfile::TempDir;

/// As long as a name can be: what is made of it must still fit.
const LONGEST: &str = "a-service-whose-name-is-as-long-as-a-name-can-ever-be";

/// A new service called `name`, every question answered by its default.
fn service(template: &Template, name: &str) -> TempDir {
    let mut values = Values::from([
        ("name".to_owned(), name.to_owned()),
        ("module".to_owned(), name::module(name)),
    ]);
    for question in &template.manifest.questions {
        let default = question.default.as_deref().unwrap();
        let answer = template.default_answer(default, &values).unwrap();
        question.check(&answer).unwrap();
        values.insert(question.name.clone(), answer);
    }
    let root = tempfile::tempdir().unwrap();
    for file in template.render(&values).unwrap() {
        let path = root.path().join(file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.content).unwrap();
    }
    root
}

fn named(name: &str) -> Template {
    templates::named(name).unwrap().unwrap()
}

/// A file of `fixtures/templates`, or of `templates`.
fn project(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a program says, both streams; it must end well.
fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|err| panic!("{command:?}: {err}"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}\n{said}");
    said
}

#[test]
fn the_longest_name_is_one() {
    assert_eq!(LONGEST.len(), 53);
    name::check(LONGEST).unwrap();
    assert!(name::check(&format!("{LONGEST}x")).is_err());
}

/// A text file ends with its last line, and nothing trails in one.
#[test]
fn files_are_tidy() {
    for template in templates::all().unwrap() {
        let root = service(&template, "web");
        for entry in walkdir::WalkDir::new(root.path()) {
            let entry = entry.unwrap();
            if !entry.file_type().is_file() {
                continue;
            }
            let text = fs::read_to_string(entry.path()).unwrap();
            let place = format!("{}: {}", template.name, entry.path().display());
            assert!(text.is_empty() || text.ends_with('\n'), "{place}");
            assert!(!text.ends_with("\n\n"), "{place}");
            for line in text.lines() {
                assert!(line.trim_end() == line, "{place}: {line:?}");
            }
        }
    }
}
