//! A folder with services, a fleet, and the servers that a test needs.

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use bstr::BString;
use flota::{
    git::{
        Objects,
        network::fetch::{self, Depth, FetchOptions, Fetched, WantedCommits},
        repository::Repository,
        tree,
    },
    model::event::Event,
};
use gix::ObjectId;

use crate::{daemons::Daemon, workspace};

pub struct World {
    root: tempfile::TempDir,
    servers: Vec<Daemon>,
}

/// A service's repository with two commits; the second changes `code/`.
#[derive(Clone)]
pub struct Service {
    pub name: String,
    pub old: ObjectId,
    pub new: ObjectId,
}

impl World {
    /// With an empty fleet that has no remote.
    pub fn new() -> Self {
        let world = Self {
            root: workspace::folder(),
            servers: Vec::new(),
        };
        fs::create_dir(world.path("fleet")).unwrap();
        world.git("fleet", &["init", "--quiet"]);
        world
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    pub fn fleet(&self) -> Repository {
        Repository::discover(&self.path("fleet")).unwrap()
    }

    pub fn service(&self, name: &str) -> Service {
        self.service_with(name, &[])
    }

    /// The same, `git init` with more arguments.
    pub fn service_with(&self, name: &str, init: &[&str]) -> Service {
        fs::create_dir_all(self.path(name)).unwrap();
        self.git(
            name,
            &[&["init", "--quiet", "--initial-branch=main"], init].concat(),
        );
        self.put(&format!("{name}/code/deep/er/app"), name);
        self.put(&format!("{name}/config/Chart.yaml"), "name: x");
        let old = self.commit(name);
        self.put(&format!("{name}/code/deep/er/app"), "changed");
        let new = self.commit(name);
        Service {
            name: name.to_owned(),
            old,
            new,
        }
    }

    pub fn put(&self, file: &str, text: &str) {
        let file = self.path(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub fn commit(&self, repository: &str) -> ObjectId {
        self.git(repository, &["add", "--all"]);
        self.git(
            repository,
            &["commit", "--quiet", "--allow-empty", "--message=x"],
        );
        self.id(repository, "HEAD")
    }

    pub fn id(&self, repository: &str, rev: &str) -> ObjectId {
        let hex = self.git(repository, &["rev-parse", rev]);
        ObjectId::from_hex(hex.trim().as_bytes()).unwrap()
    }

    /// git in a folder of this world; its output, which it must give.
    pub fn git(&self, dir: &str, args: &[&str]) -> String {
        let output = self.command("git", dir).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A program with an environment of its own.
    pub fn command(&self, program: &str, dir: &str) -> Command {
        self.hermetic(Command::new(program), dir)
    }

    fn hermetic(&self, mut command: Command, dir: &str) -> Command {
        command
            .current_dir(self.path(dir))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for (role, name) in [("AUTHOR", "A U Thor"), ("COMMITTER", "C O Mitter")] {
            command
                .env(format!("GIT_{role}_NAME"), name)
                .env(format!("GIT_{role}_EMAIL"), "someone@example.com")
                .env(format!("GIT_{role}_DATE"), "1700000000 +0000");
        }
        command
    }

    /// Starts `git daemon` for everything here; the URL of its root.
    pub fn daemon(&mut self) -> String {
        let daemon = Daemon::of_git(self.root.path(), |server| self.hermetic(server, ""));
        let url = daemon.url();
        self.servers.push(daemon);
        url
    }

    /// The content of every file under a folder.
    pub fn files(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = walkdir::WalkDir::new(self.path(folder))
            .into_iter()
            .map(Result::unwrap);
        files
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    /// Replaces the fleet by a clone of `repository`.
    pub fn clone_fleet(&self, url: &str, args: &[&str]) {
        fs::remove_dir_all(self.path("fleet")).unwrap();
        self.git("", &[&["clone", "--quiet"], args, &[url, "fleet"]].concat());
    }

    /// The only scratch store of the fleet.
    pub fn scratch(&self) -> PathBuf {
        let stores: Vec<_> = fs::read_dir(self.path("fleet/.git/flota/scratch"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        assert_eq!(stores.len(), 1, "{stores:?}");
        stores[0].clone()
    }
}

impl Service {
    pub fn at(&self, url: &str) -> WantedCommits {
        WantedCommits {
            path: format!("code-repos/{}", self.name).into(),
            name: Some(self.name.as_str().into()),
            url: Some(BString::from(url)),
            commits: vec![self.old, self.new],
            objects: Vec::new(),
        }
    }
}

pub fn options(depth: Depth) -> FetchOptions<'static> {
    FetchOptions {
        depth,
        jobs: NonZeroUsize::new(4).unwrap(),
        offline: false,
        patience: Duration::from_secs(20),
        events: &|_: Event| (),
    }
}

/// Fetches with nothing missing.
pub fn fetch_all(world: &World, wanted: &[WantedCommits], depth: Depth) -> Vec<Fetched> {
    let fetched = fetch::fetch(&world.fleet(), wanted, options(depth)).unwrap();
    for one in &fetched {
        assert!(one.missing.is_empty(), "{}", said(one));
    }
    fetched
}

/// Everything that the errors of one submodule say.
pub fn said(fetched: &Fetched) -> String {
    let mut text = String::new();
    for missing in &fetched.missing {
        let mut error: Option<&dyn std::error::Error> = Some(&missing.error);
        while let Some(one) = error {
            text += &format!("{one}\n");
            error = one.source();
        }
        for hint in missing.error.hints() {
            text += &format!("hint: {hint}\n");
        }
    }
    text
}

/// Whether `code/` can be told to differ between the two commits, and `config/` not to.
pub fn tells_the_change(fetched: &Fetched, service: &Service) -> bool {
    let store = fetched.store.as_ref().unwrap();
    let entry = |commit, name: &str| {
        let root = store.tree_of(commit).unwrap().unwrap();
        tree::entry_at(store.objects(), root, name.into())
            .unwrap()
            .unwrap()
            .1
    };
    let [code, config] =
        ["code", "config"].map(|part| (entry(service.old, part), entry(service.new, part)));
    code.0 != code.1 && config.0 == config.1
}

/// The paths that differ between the two commits.
pub fn changed_files(fetched: &Fetched, service: &Service) -> Vec<String> {
    let store = fetched.store.as_ref().unwrap();
    let objects: Objects<'_> = store.objects();
    let [old, new] = [service.old, service.new].map(|commit| store.tree_of(commit).unwrap());
    let found = tree::diff(objects, old, new).unwrap();
    found
        .into_iter()
        .map(|difference| difference.path.to_string())
        .collect()
}

/// What `git cat-file` counts in a store, by type.
pub fn census(world: &World, store: &Path) -> BTreeMap<String, usize> {
    let output = world
        .command("git", "")
        .arg(format!("--git-dir={}", store.display()))
        .args([
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objecttype)",
        ])
        .env("GIT_NO_LAZY_FETCH", "1")
        .output()
        .unwrap();
    let mut census = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        *census.entry(line.to_owned()).or_default() += 1;
    }
    census
}
