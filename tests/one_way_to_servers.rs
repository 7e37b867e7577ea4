//! Every git that talks to a server is started in `src/git/network/`, where all precautions are.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;

/// Where git's conversations with servers are.
const ROOM: &str = "git/network";

/// Who pushes to registries and pulls from them, by another program's `push` and `pull`.
const ENGINES: [&str; 4] = [
    "container/engine.rs",
    "container/engine/docker.rs",
    "container/engine/containers.rs",
    "container/engine/save.rs",
];

/// git's subcommands that talk to a server (git(1)), also those that mostly do not (`archive --remote`, `remote update`).
const TALKING: [&str; 18] = [
    "archive",
    "bundle-uri",
    "clone",
    "credential",
    "daemon",
    "fetch",
    "fetch-pack",
    "http-fetch",
    "http-push",
    "imap-send",
    "ls-remote",
    "pull",
    "push",
    "receive-pack",
    "remote-http",
    "send-pack",
    "submodule",
    "upload-pack",
];

/// What may follow `remote` without a word to a server.
const QUIET_REMOTE: [&str; 5] = ["add", "remove", "rename", "set-url", "get-url"];

static ARGUMENTS: LazyLock<Regex> = LazyLock::new(|| {
    // What is handed over as arguments, and lists of words that may be.
    Regex::new(r#"(?s)\.args?\(\s*\[?([^\])]*)|\[((?:\s*"[^"]*"\s*,?)+)\]"#).unwrap()
});
static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""([^"]*)""#).unwrap());
static COMMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)(^|\s)//.*$").unwrap());
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?s)#\[[^\]]*\]").unwrap());

/// The subcommands that `code` hands to a child and that talk to a server.
fn talking(code: &str) -> Vec<String> {
    let code = COMMENT.replace_all(code, "");
    // What is for tests alone stands at the end.
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code = ATTRIBUTE.replace_all(code, "");
    let mut found = Vec::new();
    for arguments in ARGUMENTS.captures_iter(&code) {
        let list = arguments.get(1).or(arguments.get(2)).unwrap().as_str();
        let words: Vec<_> = WORD
            .captures_iter(list)
            .map(|word| word.get(1).unwrap().as_str())
            .collect();
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).copied();
            let is_remote = *word == "remote"
                && at == 0
                && words.len() > 1
                && next.is_none_or(|next| !QUIET_REMOTE.contains(&next));
            if TALKING.contains(word) || is_remote {
                found.push((*word).to_owned());
            }
        }
    }
    found
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn only_one_room_lets_git_talk_to_servers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut elsewhere = Vec::new();
    let mut at_home = 0;
    for file in files {
        let path = file.strip_prefix(&root).unwrap();
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        // flota's own commands have some of these names, and their arguments start nothing.
        if path.starts_with("cli") {
            continue;
        }
        let found = talking(&fs::read_to_string(&file).unwrap());
        if path.starts_with(ROOM) {
            at_home += found.len();
        } else if !is_test && !ENGINES.iter().any(|engine| path == Path::new(engine)) {
            let place = |word| format!("src/{}: git {word}", path.display());
            elsewhere.extend(found.into_iter().map(place));
        }
    }
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    assert!(
        at_home >= 6,
        "what the room itself says is not seen: {at_home}"
    );
}

#[test]
fn the_check_would_see_it() {
    for (code, want) in [
        (r#"git(dir).args(["push", "--quiet"])"#, "push"),
        (r#"git(dir).arg("ls-remote")"#, "ls-remote"),
        (
            "let x = command\n    .args([\n        \"-c\",\n        \"a=b\",\n        \"pull\",\n    ]);",
            "pull",
        ),
        (
            r#"const UPDATE: [&str; 2] = ["remote", "update"];"#,
            "remote",
        ),
        (r#"git(dir).args(["submodule", "update"])"#, "submodule"),
        (r#"git(dir).args(["archive", "--remote=x"])"#, "archive"),
        (r#"git(dir).args(["remote", "add", "origin"])"#, ""),
        (r#"config.string_by("submodule", None, "url")"#, ""),
        (r#"match event { "push" => true }"#, ""),
        (r#"// .args(["push"])"#, ""),
        (r##"#[arg(conflicts_with_all = ["remote", "push"])]"##, ""),
    ] {
        assert_eq!(talking(code).join(" "), want, "{code}");
    }
}
