//! What plain git says of the same two commits.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use base64::Engine;
use serde_json::Value;

use crate::sandbox::Sandbox;

/// The commits a path of the fleet records at base and at head.
type Pins = (Option<String>, Option<String>);

/// Compares a `flota.changed/v1` of the fleet in `dir` with git: gitlinks, the fleet's own files, each service's files where
/// they are listed, and the identities by the folders `code/`, `config/` and `charts/`.
pub fn check(sandbox: &Sandbox, dir: &str, changed: &Value) {
    check_links(sandbox, dir, changed);
    let oracle = Oracle::new(sandbox, dir, changed);
    for service in changed["services"].as_array().unwrap() {
        oracle.identities(service);
    }
}

/// The same without the identities, which the configuration may settle otherwise.
pub fn check_links(sandbox: &Sandbox, dir: &str, changed: &Value) {
    let oracle = Oracle::new(sandbox, dir, changed);
    let raw = oracle.raw(dir, &oracle.base, &oracle.head);
    let services = changed["services"].as_array().unwrap();

    assert_eq!(pins(services), gitlinks(&raw), "gitlinks");
    assert_eq!(
        files(&changed["paths"]),
        own_files(&raw, services),
        "the fleet's own files"
    );
    for service in services {
        oracle.files(service);
    }
    let paths: Vec<_> = services.iter().map(|s| bytes(s, "path").unwrap()).collect();
    assert!(paths.is_sorted(), "sorted by path");
}

/// The bytes under a key: what `<key>_b64` holds where the text had to lose something.
pub fn bytes(value: &Value, key: &str) -> Option<Vec<u8>> {
    match value.get(format!("{key}_b64")) {
        Some(encoded) => base64::engine::general_purpose::STANDARD
            .decode(encoded.as_str().unwrap())
            .ok(),
        None => Some(value.get(key)?.as_str()?.as_bytes().to_vec()),
    }
}

struct Oracle<'a> {
    sandbox: &'a Sandbox,
    /// The fleet's folder in the sandbox.
    dir: &'a str,
    base: String,
    head: String,
    /// Every repository of the sandbox: one of them holds a pin.
    repositories: Vec<PathBuf>,
}

/// One line of `git diff --raw`.
struct Raw {
    modes: (String, String),
    ids: (String, String),
    status: String,
    path: Vec<u8>,
}

const GITLINK: &str = "160000";

impl<'a> Oracle<'a> {
    fn new(sandbox: &'a Sandbox, dir: &'a str, changed: &Value) -> Self {
        let folders = sandbox.root().read_dir().unwrap();
        let repositories = folders
            .map(|folder| folder.unwrap().path())
            .filter(|folder| folder.join(".git").exists() || folder.join("HEAD").exists());
        let base = match changed["base"]["commit"].as_str() {
            Some(commit) => commit.to_owned(),
            None => line(sandbox.git(dir, &["hash-object", "-t", "tree", "/dev/null"])),
        };
        Self {
            sandbox,
            dir,
            base,
            head: changed["head"]["commit"].as_str().unwrap().to_owned(),
            repositories: repositories.collect(),
        }
    }

    fn raw(&self, dir: impl AsRef<Path>, base: &str, head: &str) -> Vec<Raw> {
        let args = [
            "diff",
            "--raw",
            "-z",
            "--no-abbrev",
            "--no-renames",
            "--ignore-submodules=none",
            base,
            head,
            "--",
        ];
        let out = self.sandbox.git_bytes(dir, &args);
        let fields: Vec<&[u8]> = out.split(|byte| *byte == 0).collect();
        let (pairs, rest) = fields.as_chunks::<2>();
        assert_eq!(rest, [b""], "ends with NUL");
        pairs
            .iter()
            .map(|[what, path]| Raw::new(what, path))
            .collect()
    }

    /// `code` and `config` at both ends are the OIDs git gives them.
    fn identities(&self, service: &Value) {
        let path = bytes(service, "path").unwrap();
        let previous = bytes(service, "previous_path").unwrap_or_else(|| path.clone());
        for (end, commit, path) in [("from", &self.base, &previous), ("to", &self.head, &path)] {
            let part = |name: &str| service[name][end].as_str().map(str::to_owned);
            let unavailable = end == "from" && service["reason"] == "base-unavailable";
            let (code, config) = match service[end].as_str() {
                Some(_) if unavailable => (None, None),
                Some(pin) => match self.holder(pin) {
                    Some(repository) => self.parts(&repository, pin, b""),
                    None => (None, None),
                },
                None => self.parts(&self.sandbox.path(self.dir), commit, path),
            };
            let name = path.escape_ascii();
            assert_eq!(part("code"), code, "code of {name}, {end}");
            assert_eq!(part("config"), config, "configuration of {name}, {end}");
        }
        for part in ["code", "config"] {
            let part = &service[part];
            assert_eq!(part["changed"], part["from"] != part["to"]);
        }
    }

    /// The OIDs of `code/` and of `config/` or `charts/` in a folder of a commit; both together are a tree of the two.
    fn parts(
        &self,
        repository: &Path,
        commit: &str,
        folder: &[u8],
    ) -> (Option<String>, Option<String>) {
        let root = OsString::from_vec([commit.as_bytes(), b":", folder].concat());
        let list = ["ls-tree".into(), "-z".into(), root];
        let listing = self.sandbox.git_output(repository, &list).stdout;
        let listing = String::from_utf8_lossy(&listing).into_owned();
        let parts: BTreeMap<&str, &str> = listing
            .split_terminator('\0')
            .filter(|line| line.contains(" tree "))
            .map(|line| (line.split_once('\t').unwrap().1, line))
            .collect();
        let id = |line: &&str| line.split([' ', '\t']).nth(2).unwrap().to_owned();
        let config = match (parts.get("charts"), parts.get("config")) {
            (Some(charts), Some(config)) => {
                Some(self.mktree(repository, &format!("{charts}\0{config}\0")))
            }
            (charts, config) => charts.or(config).map(id),
        };
        (parts.get("code").map(id), config)
    }

    /// The OID of the tree with these entries.
    fn mktree(&self, repository: &Path, listing: &str) -> String {
        let file = self.sandbox.path("listing");
        std::fs::write(&file, listing).unwrap();
        let stdin = std::fs::File::open(&file).unwrap();
        let output = self.sandbox.git_with(repository, &["mktree", "-z"], |git| {
            git.stdin(stdin);
        });
        line(String::from_utf8(output.stdout).unwrap())
    }

    /// The files inside a service, where they were asked for and both ends are submodules.
    fn files(&self, service: &Value) {
        if service.get("files").is_none_or(Value::is_null) {
            return;
        }
        let ends = ["from", "to"].map(|end| service[end].as_str());
        let repository = self.holder(ends.iter().flatten().next().unwrap()).unwrap();
        let empty = line(
            self.sandbox
                .git(&repository, &["hash-object", "-t", "tree", "/dev/null"]),
        );
        let [base, head] = ends.map(|end| end.unwrap_or(&empty));
        let want: BTreeSet<_> = self
            .raw(&repository, base, head)
            .iter()
            .map(Raw::as_file)
            .collect();
        assert_eq!(
            files(&service["files"]),
            want,
            "files of {}",
            service["name"]
        );
    }

    /// A repository that has the commit.
    fn holder(&self, commit: &str) -> Option<PathBuf> {
        let object = format!("{commit}^{{commit}}");
        let args = ["cat-file", "-e", &object];
        let has = |dir: &&PathBuf| self.sandbox.git_output(dir, &args).status.success();
        self.repositories.iter().find(has).cloned()
    }
}

impl Raw {
    /// `:<mode> <mode> <id> <id> <status>`, and a path.
    fn new(what: &[u8], path: &[u8]) -> Self {
        let what = std::str::from_utf8(what).unwrap().trim_start_matches(':');
        let words: Vec<_> = what.split(' ').map(str::to_owned).collect();
        let [old_mode, new_mode, old, new, status] = words.try_into().unwrap();
        Self {
            modes: (old_mode, new_mode),
            ids: (old, new),
            status,
            path: path.to_vec(),
        }
    }

    fn is_gitlink(&self) -> bool {
        self.modes.0 == GITLINK || self.modes.1 == GITLINK
    }

    fn as_file(&self) -> (Vec<u8>, String) {
        let status = match self.status.as_str() {
            "A" => "added",
            "D" => "removed",
            _ => "modified",
        };
        (self.path.clone(), status.to_owned())
    }
}

/// Every path that is a gitlink at an end, by git.
fn gitlinks(raw: &[Raw]) -> BTreeMap<Vec<u8>, Pins> {
    let pin = |mode: &str, id: &str| (mode == GITLINK).then(|| id.to_owned());
    raw.iter()
        .filter(|raw| raw.is_gitlink())
        .map(|raw| {
            let pins = (pin(&raw.modes.0, &raw.ids.0), pin(&raw.modes.1, &raw.ids.1));
            (raw.path.clone(), pins)
        })
        .collect()
}

/// The same by flota: a renamed service stands at two paths.
fn pins(services: &[Value]) -> BTreeMap<Vec<u8>, Pins> {
    let mut pins: BTreeMap<_, Pins> = BTreeMap::new();
    for service in services {
        let path = bytes(service, "path").unwrap();
        let previous = bytes(service, "previous_path").unwrap_or_else(|| path.clone());
        let pin = |end: &str| service[end].as_str().map(str::to_owned);
        if let Some(from) = pin("from") {
            pins.entry(previous).or_default().0 = Some(from);
        }
        if let Some(to) = pin("to") {
            pins.entry(path).or_default().1 = Some(to);
        }
    }
    // What stands still is there for another reason: a URL, a fan-out, a dependency.
    pins.retain(|_, (from, to)| from != to);
    pins
}

/// What differs outside services, by git. A directory that was or became a service is no file of the fleet's own.
fn own_files(raw: &[Raw], services: &[Value]) -> BTreeSet<(Vec<u8>, String)> {
    let folders: Vec<_> = services
        .iter()
        .map(|service| [bytes(service, "path").unwrap(), b"/".to_vec()].concat())
        .collect();
    raw.iter()
        .filter(|raw| !raw.is_gitlink())
        .filter(|raw| !folders.iter().any(|folder| raw.path.starts_with(folder)))
        .map(Raw::as_file)
        .collect()
}

fn files(list: &Value) -> BTreeSet<(Vec<u8>, String)> {
    let list = list.as_array().unwrap().iter();
    list.map(|file| {
        let status = file["status"].as_str().unwrap().to_owned();
        (bytes(file, "path").unwrap(), status)
    })
    .collect()
}

fn line(text: String) -> String {
    text.trim_end().to_owned()
}
