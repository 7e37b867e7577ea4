//! What a clone writes into files is what git writes, byte for byte, whatever attributes and configuration say of their content.

use std::{collections::BTreeMap, fs, process::Command};

use walkdir::WalkDir;

use crate::sandbox::Sandbox;

/// Attributes, each of its own folder.
const ATTRIBUTES: [(&str, &str); 26] = [
    ("none", ""),
    ("text", "text"),
    ("no-text", "-text"),
    ("auto", "text=auto"),
    ("text-crlf", "text eol=crlf"),
    ("text-lf", "text eol=lf"),
    ("auto-crlf", "text=auto eol=crlf"),
    ("auto-lf", "text=auto eol=lf"),
    ("only-crlf", "eol=crlf"),
    ("only-lf", "eol=lf"),
    ("binary-crlf", "-text eol=crlf"),
    ("unset", "!text !eol"),
    ("old-crlf", "crlf"),
    ("old-no-crlf", "-crlf"),
    ("old-input", "crlf=input"),
    ("binary", "binary"),
    ("macro", "ours"),
    ("ident", "ident"),
    ("ident-crlf", "ident text eol=crlf"),
    ("no-ident", "-ident"),
    ("utf-16", "text working-tree-encoding=UTF-16"),
    (
        "utf-16-crlf",
        "text eol=crlf working-tree-encoding=UTF-16LE-BOM",
    ),
    ("utf-32", "working-tree-encoding=UTF-32"),
    ("latin", "text working-tree-encoding=ISO-8859-1"),
    ("utf-8", "text working-tree-encoding=UTF-8"),
    ("all", "ident text eol=crlf working-tree-encoding=UTF-16BE"),
];

/// Contents, as a commit may have them.
const CONTENTS: [(&str, &[u8]); 10] = [
    ("lf", b"one\ntwo\n"),
    ("crlf", b"one\r\ntwo\r\n"),
    ("mixed", b"one\r\ntwo\nthree"),
    ("cr", b"one\rtwo\r"),
    ("zero", b"one\0two\n"),
    ("empty", b""),
    ("accent", "h\u{e9}\n".as_bytes()),
    ("id", b"a $Id$\nb $Id$ $Id\n"),
    (
        "old-id",
        b"$Id: 0123456789abcdef0123456789abcdef01234567 $\n",
    ),
    ("foreign-id", b"$Id: x.c 12 me $ $Id:$\n"),
];

/// A fleet whose service `web` has each content with each of those attributes that `are_meant`; it is committed as it is, without
/// any conversion.
fn fleet(are_meant: impl Fn(&str) -> bool) -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let mut attributes = String::from("[attr]ours text eol=crlf\n");
    for (folder, said) in ATTRIBUTES.into_iter().filter(|(_, said)| are_meant(said)) {
        attributes += &format!("/{folder}/* {said}\n");
        for (name, content) in CONTENTS {
            put(&sandbox, &format!("{folder}/{name}"), content);
        }
    }
    put(&sandbox, ".gitattributes", attributes.as_bytes());
    sandbox.git("web", &["commit", "--quiet", "--message", "Contents"]);
    let commit = sandbox.git("web", &["rev-parse", "HEAD"]);
    let entry = format!("160000,{},code-repos/web", commit.trim());
    sandbox.git("fleet", &["update-index", "--cacheinfo", &entry]);
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Move web"]);
    sandbox
}

fn put(sandbox: &Sandbox, path: &str, content: &[u8]) {
    let file = sandbox.path("content");
    fs::write(&file, content).unwrap();
    let write = ["hash-object", "-w", "--no-filters", "../content"];
    let id = sandbox.git("web", &write);
    let entry = format!("100644,{},{path}", id.trim());
    let add = ["update-index", "--add", "--cacheinfo", &entry];
    sandbox.git("web", &add);
}

/// The files of a worktree, by path.
fn files(sandbox: &Sandbox, fleet: &str) -> BTreeMap<String, Vec<u8>> {
    let root = sandbox.path(fleet).join("code-repos/web");
    let all = WalkDir::new(&root).into_iter().map(Result::unwrap);
    let files = all.filter(|entry| entry.file_type().is_file() && entry.file_name() != ".git");
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(&root).unwrap();
            let path = path.to_str().unwrap().to_owned();
            (path, fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn clones_alike(sandbox: &Sandbox, config: &str) {
    fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
    let as_user = |command: &mut Command| {
        command.env_remove("GIT_CONFIG_GLOBAL");
    };
    let url = format!("file://{}", sandbox.path("fleet").display());
    let ran = sandbox.flota_with("", &["clone", &url, "ours"], as_user);
    assert_eq!(ran.status, Some(0), "{config}: {}", ran.stderr);
    let args = ["clone", "--quiet", "--recurse-submodules", &url, "gits"];
    let ran = sandbox.git_with("", &args, as_user);
    assert!(ran.status.success(), "{config}: {ran:?}");
    let (ours, gits) = (files(sandbox, "ours"), files(sandbox, "gits"));
    let differ: Vec<_> = gits
        .iter()
        .filter(|(path, content)| ours.get(*path) != Some(content))
        .map(|(path, content)| (path, content, ours.get(path)))
        .collect();
    assert!(gits.len() > CONTENTS.len() && ours.len() == gits.len());
    assert!(differ.is_empty(), "{config}: {differ:?}");

    // What the one has written, the other takes for unchanged; where git itself finds a change, both find as many.
    for fleet in ["ours", "gits"] {
        let web = format!("{fleet}/code-repos/web");
        // With another time than the index noted, each of them is read.
        let mut touch = sandbox.program("find", &web);
        touch.args([".", "-name", ".git", "-o", "-type", "f", "-exec"]);
        touch.args(["touch", "-d", "2020-01-01", "{}", "+"]);
        assert!(touch.status().unwrap().success());
        // Before git, which writes down what it finds.
        let told = sandbox.flota_with(fleet, &["status", "--format", "json", "web"], as_user);
        let json: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
        let told_changed = &json["services"][0]["changes"]["unstaged"];
        let listed = sandbox.git_with(&web, &["status", "--porcelain", "--no-renames"], as_user);
        let changed = listed.stdout.iter().filter(|byte| **byte == b'\n').count();
        let said = format!("{config} {fleet}: {}", told.stderr);
        assert_eq!(told_changed.as_u64(), Some(changed as u64), "{said}");
    }
    fs::remove_dir_all(sandbox.path("ours")).unwrap();
    fs::remove_dir_all(sandbox.path("gits")).unwrap();
}

fn with_all_settings(sandbox: &Sandbox) {
    for auto in [None, Some("true"), Some("input"), Some("false")] {
        for eol in [None, Some("lf"), Some("crlf"), Some("native")] {
            let auto = auto.map_or_else(String::new, |auto| format!("\tautocrlf = {auto}\n"));
            let eol = eol.map_or_else(String::new, |eol| format!("\teol = {eol}\n"));
            let config = format!("[core]\n\tsafecrlf = false\n{auto}{eol}");
            clones_alike(sandbox, &config);
        }
    }
}

#[test]
fn line_endings_are_gits_whatever_attributes_and_configuration_say() {
    let is_gits = |said: &str| said.contains("ident") || said.contains("encoding");
    with_all_settings(&fleet(|said| !is_gits(said)));
}

#[test]
fn identifiers_and_encodings_are_gits_whatever_attributes_and_configuration_say() {
    let is_gits = |said: &str| said.contains("ident") || said.contains("encoding");
    with_all_settings(&fleet(is_gits));
}

/// Attributes may also be the user's own, and lie outside of every worktree.
#[test]
fn attributes_of_the_user_count() {
    let sandbox = Sandbox::scripted("to-clone");
    fs::write(
        sandbox.path("attributes"),
        "app working-tree-encoding=UTF-16LE-BOM\n",
    )
    .unwrap();
    let config = format!(
        "[core]\n\tattributesFile = {}\n",
        sandbox.path("attributes").display()
    );
    fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
    let url = format!("file://{}", sandbox.path("fleet").display());
    let ran = sandbox.flota_with("", &["clone", &url, "ours"], |command| {
        command.env_remove("GIT_CONFIG_GLOBAL");
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let content = fs::read(sandbox.path("ours/code-repos/web/code/app")).unwrap();
    assert!(content.starts_with(b"\xff\xfew\0e\0b\0"), "{content:?}");
}
