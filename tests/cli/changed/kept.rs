//! What earlier runs kept never decides: the answer is the same to the byte without it, with it, with what other ranges left, and
//! for any number of threads.

use std::fs;

use super::LAST;
use crate::{daemons::Daemon, sandbox::Sandbox};

/// Where flota stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The fleet as its script made it, with its submodules.
    Whole,
    /// A clone without submodules, whose remotes are on this machine.
    OnThisMachine,
    /// A clone without submodules, from a server.
    FromAServer,
}

/// A fleet, and the folder in its sandbox that flota runs in.
struct Fleet {
    sandbox: Sandbox,
    dir: &'static str,
    _server: Option<Daemon>,
}

impl Fleet {
    fn at(place: Place, script: &str) -> Self {
        let sandbox = Sandbox::scripted(script);
        let origin = match sandbox.path("fleet").exists() {
            true => "fleet",
            false => "fleet.git",
        };
        let server =
            (place == Place::FromAServer).then(|| Daemon::of_git(sandbox.root(), |daemon| daemon));
        let url = match &server {
            Some(server) => format!("{}/{origin}", server.url()),
            None => sandbox.path(origin).display().to_string(),
        };
        let dir = match place {
            Place::Whole => origin,
            Place::OnThisMachine | Place::FromAServer => {
                let clone = ["clone", "--quiet", "--no-recurse-submodules", &url, "clone"];
                sandbox.git("", &clone);
                "clone"
            }
        };
        Self {
            sandbox,
            dir,
            _server: server,
        }
    }

    /// Everything that is said of the last commit.
    fn answer(&self, jobs: &str) -> String {
        // What the plan says follows from it.
        let args = ["changed", LAST, "--format", "json", jobs];
        self.sandbox.flota(self.dir, &args).transcript()
    }

    fn forget(&self) {
        for folder in ["flota", ".git/flota"] {
            let folder = self.sandbox.path(self.dir).join(folder);
            if folder.exists() {
                fs::remove_dir_all(folder).unwrap();
            }
        }
    }

    /// Runs over all other ranges that have an end of the last commit's, and over everything.
    fn look_elsewhere(&self) {
        let commits = self.sandbox.git(self.dir, &["rev-list", "--all"]);
        let parse = |rev: &str| self.sandbox.git(self.dir, &["rev-parse", rev]);
        let (base, head) = (parse("HEAD~1"), parse("HEAD"));
        let (base, head) = (base.trim(), head.trim());
        let others = commits
            .lines()
            .filter(|commit| *commit != base && *commit != head);
        let ranges = others.flat_map(|other| [(other, head), (base, other), (other, base)]);
        for (from, to) in ranges.chain([(head, base)]) {
            self.sandbox
                .flota(self.dir, &["changed", &format!("{from}..{to}")]);
        }
        self.sandbox.flota(self.dir, &["plan", "--all"]);
    }
}

/// The scripts that show a rule in the last commit of their fleet.
fn scripts() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fleets");
    let names = fs::read_dir(folder).unwrap().filter_map(|file| {
        let name = file.unwrap().file_name().into_string().unwrap();
        Some(name.strip_suffix(".sh")?.to_owned())
    });
    let shows_a_rule = |name: &String| {
        let rule = super::rule(name);
        rule.starts_with("Rule") || rule.starts_with("`depends_on`")
    };
    names
        .filter(|name| name != "lib")
        .filter(shows_a_rule)
        .collect()
}

fn is_the_same_whatever_was_kept(place: Place) {
    let mut differing = Vec::new();
    for script in scripts() {
        let fleet = Fleet::at(place, &script);
        let cold = fleet.answer("-j1");
        let mut compare = |when: &str, jobs: &str| {
            if fleet.answer(jobs) != cold {
                differing.push(format!("{script}, {when}, {jobs}"));
            }
        };
        compare("warm", "-j8");
        compare("warm", "-j1");
        fleet.forget();
        compare("cold", "-j8");
        fleet.forget();
        fleet.look_elsewhere();
        compare("after others", "-j8");
        compare("after others", "-j1");
    }
    assert_eq!(differing, Vec::<String>::new());
}

#[test]
fn with_the_submodules() {
    is_the_same_whatever_was_kept(Place::Whole);
}

#[test]
fn without_them_on_this_machine() {
    is_the_same_whatever_was_kept(Place::OnThisMachine);
}

#[test]
fn without_them_from_a_server() {
    is_the_same_whatever_was_kept(Place::FromAServer);
}

/// Which of two causes is named must not hang on which of the services had to be fetched first.
#[test]
fn a_reason_does_not_hang_on_what_had_to_be_fetched() {
    let fleet = Fleet::at(Place::OnThisMachine, "two-causes");
    let cold = fleet.answer("-j1");
    assert_eq!(fleet.answer("-j1"), cold);
    for initialised in ["alpha", "beta"] {
        let fleet = Fleet::at(Place::OnThisMachine, "two-causes");
        let path = format!("code-repos/{initialised}");
        let update = ["submodule", "--quiet", "update", "--init", "--", &path];
        fleet.sandbox.git("clone", &update);
        assert_eq!(fleet.answer("-j1"), cold, "{initialised}");
    }
}

/// A guard that speaks in a cold run and is silent in a warm one is none.
#[test]
fn a_check_does_not_hang_on_it_either() {
    for script in ["merge-keeps-older-pin", "merge-keeps-older-pin-of-many"] {
        for place in [Place::Whole, Place::OnThisMachine, Place::FromAServer] {
            let fleet = Fleet::at(place, script);
            let check = || {
                fleet
                    .sandbox
                    .flota(fleet.dir, &["check", LAST])
                    .transcript()
            };
            let cold = check();
            assert!(cold.starts_with("exit 4"), "{cold}");
            assert!(cold.contains("a merge kept the older pin"), "{cold}");
            assert_eq!(check(), cold, "{script}: warm");
            fleet.forget();
            fleet.look_elsewhere();
            assert_eq!(check(), cold, "{script}: after others");
        }
    }
}
