//! Fleets that mean harm get nothing: no program of theirs runs, nothing outside the destination changes, no password goes to
//! another host, and the run ends with a message that names what was refused, and why. `fixtures/hostile/README.md` lists the
//! advisories behind the cases.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::sandbox::{Ran, Sandbox};

mod fleets;
mod programs;
mod served;
mod table;

/// What git, and flota, write into the configuration of a clone. Any other key may be one that runs programs, or leads
/// somewhere else.
const KNOWN_KEYS: [&str; 16] = [
    "core.repositoryformatversion",
    "core.filemode",
    "core.bare",
    "core.logallrefupdates",
    "core.symlinks",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.worktree",
    "remote.url",
    "remote.fetch",
    "branch.remote",
    "branch.merge",
    "submodule.active",
    "submodule.url",
    "extensions.objectformat",
    "user.name",
];

/// Everything outside of `place/`, and of what flota keeps for later runs: paths, and of files the content.
struct Surroundings(BTreeMap<PathBuf, Vec<u8>>);

impl Surroundings {
    fn of(sandbox: &Sandbox) -> Self {
        let others = ["place", "fleet/flota", "home/.cache"].map(|path| sandbox.path(path));
        let files = walkdir::WalkDir::new(sandbox.root()).into_iter();
        let files = files.filter_entry(|entry| !others.iter().any(|path| entry.path() == path));
        let read = |path: PathBuf| match path.symlink_metadata().unwrap().is_file() {
            true => (path.clone(), fs::read(&path).unwrap()),
            false => (path, Vec::new()),
        };
        Self(
            files
                .map(|entry| read(entry.unwrap().into_path()))
                .collect(),
        )
    }

    #[track_caller]
    fn assert_unchanged(&self, case: &str, sandbox: &Sandbox) {
        let now = Self::of(sandbox);
        let differs = |path: &&PathBuf| self.0.get(*path) != now.0.get(*path);
        let paths = self.0.keys().chain(now.0.keys());
        let changed: Vec<_> = paths.filter(differs).collect();
        assert!(changed.is_empty(), "{case}: {changed:?}");
    }
}

/// Looks through what a clone left: no program was run or is waiting to be, nothing is shared with other files.
#[track_caller]
fn assert_harmless(case: &str, root: &Path) {
    for entry in walkdir::WalkDir::new(root) {
        let path = entry.unwrap().into_path();
        let shown = path.display();
        let name = path.file_name().unwrap();
        assert_ne!(name, "canary", "{case}: {shown}");
        let found = path.symlink_metadata().unwrap();
        let in_git = path.components().any(|part| part.as_os_str() == ".git");
        if found.is_file() {
            assert_eq!(found.nlink(), 1, "{case}: {shown} is shared");
            assert_eq!(found.mode() & 0o022, 0, "{case}: others may write {shown}");
        }
        if in_git {
            assert!(!found.is_symlink(), "{case}: {shown}");
            let below_hooks = path.parent().unwrap().file_name() == Some("hooks".as_ref());
            assert!(!below_hooks, "{case}: {shown}");
        }
        if in_git && name == "config" {
            assert_harmless_config(case, &path);
        }
    }
}

fn assert_harmless_config(case: &str, path: &Path) {
    let text = fs::read(path).unwrap();
    let metadata = gix::config::file::Metadata::api();
    let config = gix::config::File::from_bytes_no_includes(&text, metadata, Default::default());
    for section in config.unwrap().sections() {
        let name = section.header().name().to_string().to_lowercase();
        for key in section.value_names() {
            let key = format!("{name}.{}", key.to_string().to_lowercase());
            let known = KNOWN_KEYS.contains(&key.as_str());
            assert!(known, "{case}: {key} in {}", path.display());
        }
    }
}

/// A terminal can show it as it is: no control characters, nothing that turns the direction of writing or is not seen.
#[track_caller]
fn assert_inert(case: &str, ran: &Ran) {
    let stdout = String::from_utf8_lossy(&ran.stdout);
    for text in [ran.stderr.as_str(), &stdout] {
        let steers = |c: &char| (c.is_control() && *c != '\n' && *c != '\t') || is_turning(*c);
        let found = text.chars().find(steers);
        assert_eq!(found, None, "{case}: {text:?}");
    }
}

fn is_turning(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
