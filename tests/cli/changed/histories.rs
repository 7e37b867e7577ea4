//! Random histories in random clones, against plain git on the whole repository: never a build that is left out.
//!
//! `FLOTA_TEST_HISTORIES` says how many (2,000 take some minutes), `FLOTA_TEST_SEED` which; a failure names both.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    io::Write as _,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::actions;
use crate::{sandbox::Sandbox, support::random::Random};

const SERVICES: [&str; 4] = ["api", "cart", "docs", "web"];
/// Commits of each service.
const COMMITS: usize = 10;
const GONE: &str = "0123456789012345678901234567890123456789";

/// Which commit each service is pinned to; none where it is not in the fleet.
type Pins = [Option<usize>; SERVICES.len()];

struct Commit {
    parents: Vec<usize>,
    pins: Pins,
}

/// The fleet's history: `main` and `topic`, and the trial merge of the two.
struct History {
    commits: Vec<Commit>,
    main: Vec<usize>,
    topic: Vec<usize>,
    trial: usize,
}

impl History {
    fn new(random: &mut Random) -> Self {
        let mut history = Self {
            commits: Vec::new(),
            main: Vec::new(),
            topic: Vec::new(),
            trial: 0,
        };
        let first = [(); SERVICES.len()].map(|()| Some(random.below(COMMITS)));
        let mut tip = history.add(vec![], first);
        history.main.push(tip);
        for _ in 0..random.below(4) {
            tip = history.moved(random, vec![tip]);
            history.main.push(tip);
        }
        let mut topic = *random.pick(&history.main);
        for _ in 0..=random.below(4) {
            // The base branch goes on, the topic takes it in, and now and then the other way round.
            if random.one_in(2) {
                let mut parents = vec![tip];
                if random.one_in(4) && !history.topic.is_empty() {
                    parents.push(*random.pick(&history.topic));
                }
                tip = history.moved(random, parents);
                history.main.push(tip);
            }
            let mut parents = vec![topic];
            if random.one_in(3) {
                parents.push(*random.pick(&history.main));
            }
            if random.one_in(6) {
                let from = *random.pick(&history.main);
                let side = history.moved(random, vec![from]);
                parents.push(side);
            }
            parents.dedup();
            topic = history.moved(random, parents);
            history.topic.push(topic);
        }
        history.trial = history.moved(random, vec![tip, topic]);
        history
    }

    fn add(&mut self, parents: Vec<usize>, pins: Pins) -> usize {
        self.commits.push(Commit { parents, pins });
        self.commits.len() - 1
    }

    /// A commit that takes each pin from one of its parents, and moves some.
    fn moved(&mut self, random: &mut Random, parents: Vec<usize>) -> usize {
        let mut pins: Pins = [None; SERVICES.len()];
        for (at, pin) in pins.iter_mut().enumerate() {
            *pin = self.commits[*random.pick(&parents)].pins[at];
            if random.one_in(4) {
                *pin = Some(random.below(COMMITS));
            } else if random.one_in(20) {
                *pin = None;
            }
        }
        self.add(parents, pins)
    }
}

/// A place with the services' repositories, for one history after the other.
struct World {
    sandbox: Sandbox,
    pins: Vec<Vec<String>>,
    /// Code and configuration of each pin, by their ids.
    parts: BTreeMap<String, [String; 2]>,
}

impl World {
    fn new(random: &mut Random) -> Self {
        let sandbox = Sandbox::new();
        let mut world = Self {
            sandbox,
            pins: Vec::new(),
            parts: BTreeMap::new(),
        };
        for service in SERVICES {
            let mut stream = String::new();
            for commit in 0..COMMITS {
                // Few versions of each, so that some commits differ in one part, or in none.
                let [code, config] = [random.below(3), random.below(3)];
                let chart =
                    format!("apiVersion: v2\nname: {service}\nversion: 0.1.0\n# {config}\n");
                head(&mut stream, "refs/heads/main", commit);
                if commit > 0 {
                    // Not one line of descent: pins go back and aside, too.
                    writeln!(stream, "from :{}", random.below(commit) + 1).unwrap();
                }
                for (path, text) in [
                    ("code/Dockerfile", format!("FROM scratch\n# {code}\n")),
                    ("config/Chart.yaml", chart),
                    ("README.md", format!("{commit}\n")),
                ] {
                    writeln!(
                        stream,
                        "M 100644 inline {path}\ndata {}\n{text}",
                        text.len()
                    )
                    .unwrap();
                }
            }
            let pins = world.import(service, &stream);
            for pin in &pins {
                let of = |part: &str| {
                    let rev = format!("{pin}:{part}");
                    let id = world.sandbox.git(service, &["rev-parse", &rev]);
                    id.trim().to_owned()
                };
                let parts = [of("code"), of("config")];
                world.parts.insert(pin.clone(), parts);
            }
            world.pins.push(pins);
        }
        world
    }

    /// A bare repository by git-fast-import(1); the ids of its commits.
    fn import(&self, name: &str, stream: &str) -> Vec<String> {
        let _ = fs::remove_dir_all(self.sandbox.path(name));
        self.sandbox
            .git("", &["init", "--quiet", "--bare", "--template=", name]);
        let filter = ["config", "uploadpack.allowFilter", "true"];
        self.sandbox.git(name, &filter);
        let marks = self.sandbox.path("marks");
        let mut import = self.sandbox.program("git", name);
        import
            .args(["fast-import", "--quiet", "--force"])
            .arg(format!("--export-marks={}", marks.display()))
            .stdin(Stdio::piped());
        let mut import = import.spawn().unwrap();
        import
            .stdin
            .take()
            .unwrap()
            .write_all(stream.as_bytes())
            .unwrap();
        assert!(import.wait().unwrap().success());
        let marks = fs::read_to_string(marks).unwrap();
        let mut marks: Vec<(usize, String)> = marks
            .lines()
            .map(|line| {
                let (mark, id) = line[1..].split_once(' ').unwrap();
                (mark.parse().unwrap(), id.to_owned())
            })
            .collect();
        marks.sort();
        marks.into_iter().map(|(_, id)| id).collect()
    }

    /// The fleet of this history; the ids of its commits.
    fn fleet(&self, history: &History) -> Vec<String> {
        let modules = SERVICES.map(|name| {
            format!("[submodule \"{name}\"]\n\tpath = services/{name}\n\turl = ../{name}\n")
        });
        let modules = modules.concat();
        let mut stream = String::new();
        for (at, commit) in history.commits.iter().enumerate() {
            head(&mut stream, &format!("refs/tmp/{at}"), at);
            for (nth, parent) in commit.parents.iter().enumerate() {
                let word = if nth == 0 { "from" } else { "merge" };
                writeln!(stream, "{word} :{}", parent + 1).unwrap();
            }
            writeln!(stream, "deleteall\nM 100644 inline .gitmodules").unwrap();
            writeln!(stream, "data {}\n{modules}", modules.len()).unwrap();
            for (service, pin) in commit.pins.iter().enumerate() {
                if let Some(pin) = pin {
                    let (id, name) = (&self.pins[service][*pin], SERVICES[service]);
                    writeln!(stream, "M 160000 {id} services/{name}").unwrap();
                }
            }
        }
        for (name, at) in [
            ("refs/heads/main", history.main.last()),
            ("refs/heads/topic", history.topic.last()),
            ("refs/pull/7/merge", Some(&history.trial)),
        ] {
            writeln!(stream, "reset {name}\nfrom :{}\n", at.unwrap() + 1).unwrap();
        }
        self.import("fleet", &stream)
    }

    /// A clone as CI systems make it; how, in words.
    fn clone(&self, random: &mut Random, commit: &str, branch: &str) -> String {
        let _ = fs::remove_dir_all(self.sandbox.path("clone"));
        let url = format!("file://{}", self.sandbox.path("fleet").display());
        self.sandbox
            .git("", &["init", "--quiet", "--template=", "clone"]);
        self.sandbox
            .git("clone", &["remote", "add", "origin", &url]);
        let one = format!("+{commit}:refs/remotes/origin/{branch}");
        let mut fetch = vec!["fetch", "--quiet", "--no-tags"];
        let depth = format!("--depth={}", 1 + random.below(4));
        if random.one_in(2) {
            fetch.push(&depth);
        }
        if random.one_in(4) {
            fetch.push(["--filter=blob:none", "--filter=tree:0"][random.below(2)]);
        }
        fetch.extend(["origin", &one]);
        if random.one_in(3) && branch != "main" {
            fetch.push("+refs/heads/main:refs/remotes/origin/main");
        }
        self.sandbox.git("clone", &fetch);
        self.sandbox
            .git("clone", &["update-ref", "--no-deref", "HEAD", commit]);
        fetch.join(" ")
    }

    /// The merge bases, by git.
    fn merge_bases(&self, one: &str, two: &str) -> Vec<String> {
        let found = self
            .sandbox
            .git("fleet", &["merge-base", "--all", one, two]);
        found.lines().map(str::to_owned).collect()
    }

    /// What is to be built between two commits of the fleet, by git.
    fn expected(&self, base: Option<&str>, head: &str) -> Vec<String> {
        let links = |commit: &str| {
            let listed = self.sandbox.git("fleet", &["ls-tree", "-r", commit]);
            let links = listed.lines().filter_map(|line| {
                let (entry, path) = line.split_once('\t')?;
                let pin = entry.strip_prefix("160000 commit ")?;
                Some((path.to_owned(), pin.to_owned()))
            });
            links.collect::<BTreeMap<_, _>>()
        };
        let old = base.map(links).unwrap_or_default();
        let new = links(head);
        let name = |path: &str| path.strip_prefix("services/").unwrap().to_owned();
        let mut want = Vec::new();
        for (path, pin) in &new {
            let [code, config] = &self.parts[pin];
            let action = match old.get(path).map(|pin| &self.parts[pin]) {
                None => "image",
                Some([old, _]) if old != code => "image",
                Some([_, old]) if old != config => "chart",
                Some(_) => continue,
            };
            want.push(format!("{} {action}", name(path)));
        }
        let gone = old.keys().filter(|path| !new.contains_key(*path));
        want.extend(gone.map(|path| format!("{} retire", name(path))));
        want.sort();
        want
    }

    /// One history, one clone, and one thing that happened there.
    fn check(&self, random: &mut Random) -> Result<(), String> {
        let history = History::new(random);
        let ids = self.fleet(&history);
        let case = self.case(random, &history, &ids);
        let clone = self.clone(random, &case.commit, case.branch);
        let ran = self
            .sandbox
            .flota_with("clone", &["changed", "--format", "json"], |flota| {
                flota.envs(case.variables.iter().cloned());
            });
        let about = format!(
            "{}, {}, by git {clone}: {}",
            case.what, case.commit, ran.stderr
        );
        if ran.status != Some(0) {
            return Err(format!("exit {:?}: {about}", ran.status));
        }
        let changed: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        let base = changed["base"]["commit"].as_str();
        let is_right = match base {
            None => case.bases.is_empty(),
            Some(base) => case.bases.iter().any(|right| right == base),
        };
        if !is_right {
            return Err(format!("base {base:?}, not of {:?}: {about}", case.bases));
        }
        let (got, want) = (actions(&changed), self.expected(base, &case.commit));
        match got == want {
            true => Ok(()),
            false => Err(format!("{got:?}, not {want:?}: {about}")),
        }
    }

    fn case(&self, random: &mut Random, history: &History, ids: &[String]) -> Case {
        let main = &ids[*history.main.last().unwrap()];
        let topic = &ids[*history.topic.last().unwrap()];
        let trial = &ids[history.trial];
        let stale = &ids[*random.pick(&history.main)];
        let bases = self.merge_bases(main, topic);
        // Where the base branch has all of it already, nobody knows what was built.
        let unless_merged = |bases: &[String]| match bases.contains(topic) {
            true => Vec::new(),
            false => bases.to_vec(),
        };
        let case = |what, commit: &String, branch, variables, bases: &[String]| Case {
            what,
            commit: commit.clone(),
            branch,
            variables,
            bases: bases.to_vec(),
        };
        match random.below(9) {
            0 => {
                let request = format!(
                    r#"{{"number":7,"pull_request":{{"number":7,"base":{{"ref":"main","sha":"{stale}"}},"head":{{"ref":"topic","sha":"{topic}"}}}}}}"#
                );
                let github = self.github("pull_request", "refs/pull/7/merge", trial, &request);
                let first_parent = &ids[history.commits[history.trial].parents[0]];
                let bases = [first_parent.clone()];
                case("a trial merge", trial, "pull/7/merge", github, &bases)
            }
            1 => {
                let change = variables(&[
                    ("BUILD_TAG", "jenkins-fleet-7"),
                    ("CHANGE_ID", "7"),
                    ("CHANGE_TARGET", "main"),
                    ("GIT_COMMIT", topic),
                ]);
                let right = unless_merged(&bases);
                case(
                    "the head of a change request",
                    topic,
                    "topic",
                    change,
                    &right,
                )
            }
            2 => {
                let build = buildkite("topic", topic, ("BUILDKITE_PULL_REQUEST", "7"));
                let right = unless_merged(&bases);
                case("the head of a pull request", topic, "topic", build, &right)
            }
            3 => {
                let push = self.push("topic", &"0".repeat(40), topic);
                case("a first push", topic, "topic", push, &bases)
            }
            4 => {
                let before = &ids[*random.pick(&history.topic)];
                let push = self.push("topic", before, topic);
                case("a push", topic, "topic", push, std::slice::from_ref(before))
            }
            5 => {
                let push = self.push("topic", GONE, topic);
                case("a forced push", topic, "topic", push, &bases)
            }
            6 => {
                let build = buildkite("topic", topic, ("BUILDKITE_PULL_REQUEST", "false"));
                case(
                    "a push from nobody knows where",
                    topic,
                    "topic",
                    build,
                    &bases,
                )
            }
            7 => {
                let build = buildkite("main", main, ("BUILDKITE_PULL_REQUEST", "false"));
                case("the same to the base branch", main, "main", build, &[])
            }
            _ => {
                let push = self.push("main", GONE, main);
                case("a forced push of the base branch", main, "main", push, &[])
            }
        }
    }

    fn push(&self, branch: &str, before: &str, after: &str) -> Variables {
        let reference = format!("refs/heads/{branch}");
        let payload = format!(
            r#"{{"ref":"{reference}","before":"{before}","after":"{after}","repository":{{"default_branch":"main"}}}}"#
        );
        self.github("push", &reference, after, &payload)
    }

    fn github(&self, event: &str, reference: &str, sha: &str, payload: &str) -> Variables {
        let file = self.sandbox.path("event.json");
        fs::write(&file, payload).unwrap();
        variables(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REF", reference),
            ("GITHUB_SHA", sha),
            ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
        ])
    }
}

/// Something that a CI system runs for.
struct Case {
    what: &'static str,
    /// What is checked out.
    commit: String,
    /// The remote-tracking branch that holds it.
    branch: &'static str,
    variables: Variables,
    /// The bases that are right; none where everything counts as added.
    bases: Vec<String>,
}

type Variables = Vec<(String, String)>;

fn variables(of: &[(&str, &str)]) -> Variables {
    let owned = of
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn buildkite(branch: &str, commit: &str, pull_request: (&str, &str)) -> Variables {
    variables(&[
        ("BUILDKITE", "true"),
        ("BUILDKITE_BRANCH", branch),
        ("BUILDKITE_COMMIT", commit),
        ("BUILDKITE_SOURCE", "webhook"),
        ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
        ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "main"),
        pull_request,
    ])
}

/// The beginning of a commit in the stream; times go on, so that no two commits are one.
fn head(stream: &mut String, reference: &str, at: usize) {
    let time = 1_700_000_000 + at;
    writeln!(stream, "commit {reference}\nmark :{}", at + 1).unwrap();
    writeln!(
        stream,
        "committer C <c@example.com> {time} +0000\ndata 1\nx"
    )
    .unwrap();
}

#[test]
#[expect(clippy::print_stdout, reason = "it says how to run the same again")]
fn random_histories_are_compared_as_git_compares_them() {
    let number =
        |name: &str| -> Option<usize> { env::var(name).ok().map(|value| value.parse().unwrap()) };
    let count: usize = number("FLOTA_TEST_HISTORIES").unwrap_or(60);
    let seed: usize = number("FLOTA_TEST_SEED").unwrap_or(16);
    println!("FLOTA_TEST_SEED={seed} FLOTA_TEST_HISTORIES={count}");
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let faults: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let world = World::new(&mut Random(seed as u64));
                    let mut faults = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= count {
                            return faults;
                        }
                        let mut random = Random((seed as u64) << 32 | at as u64);
                        if let Err(fault) = world.check(&mut random) {
                            faults.push(format!("history {at}: {fault}"));
                        }
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    assert!(
        faults.is_empty(),
        "seed {seed}, {} of {count}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
