//! What bake says while it works (`--progress rawjson`): a line of JSON for each piece of news, told apart by target.
//!
//! Source: `SolveStatus` in <https://github.com/moby/buildkit/blob/master/client/graph.go>

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::Deserialize;

use crate::process::masked;

/// How many of a target's last lines are kept as the cause of its failure.
const LAST_LINES: usize = 20;

/// One line of news.
#[derive(Deserialize)]
struct News {
    #[serde(default)]
    vertexes: Vec<Vertex>,
    #[serde(default)]
    logs: Vec<Said>,
}

/// A step: many targets may share one.
#[derive(Deserialize)]
struct Vertex {
    digest: String,
    name: String,
    /// RFC 3339, as the next.
    started: Option<String>,
    completed: Option<String>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    error: String,
}

/// What a step printed, in base64.
#[derive(Deserialize)]
struct Said {
    vertex: String,
    data: String,
}

/// The news of one call, sorted by target as they come in.
pub(super) struct Progress {
    targets: BTreeMap<String, TargetLog>,
    steps: HashMap<String, BuildStep>,
    unfinished: Vec<u8>,
}

/// What is known of a step.
#[derive(Default)]
struct BuildStep {
    targets: BTreeSet<String>,
    has_started: bool,
    /// A line whose end did not come yet.
    unfinished: Vec<u8>,
}

/// One target's log, and how long it has taken.
struct TargetLog {
    file: File,
    last: VecDeque<String>,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
}

impl Progress {
    /// Nothing is said yet; each target's lines are appended to its file.
    pub(super) fn new<'a>(logs: impl IntoIterator<Item = (&'a str, &'a Path)>) -> io::Result<Self> {
        let open = |(target, path): (&str, &Path)| {
            let file = OpenOptions::new().append(true).create(true).open(path)?;
            let log = TargetLog {
                file,
                last: VecDeque::new(),
                started: None,
                ended: None,
            };
            Ok((target.to_owned(), log))
        };
        Ok(Self {
            targets: logs.into_iter().map(open).collect::<io::Result<_>>()?,
            steps: HashMap::new(),
            unfinished: Vec::new(),
        })
    }

    /// Takes what was read. Gives what is no news: sentences for people, such as the error at the end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.unfinished.extend_from_slice(bytes);
        let mut said = Vec::new();
        let text = std::mem::take(&mut self.unfinished);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                self.unfinished = line.to_vec();
                break;
            }
            match serde_json::from_slice::<News>(line) {
                Ok(news) if line.starts_with(b"{") => self.take(news),
                _ => said.extend_from_slice(line),
            }
        }
        said
    }

    /// The last lines of a target's log.
    pub(super) fn last_lines(&self, target: &str) -> String {
        let log = self.targets.get(target);
        let lines: Vec<&str> = log
            .into_iter()
            .flat_map(|log| log.last.iter().map(String::as_str))
            .collect();
        lines.join("\n")
    }

    /// From the beginning of a target's first step to the end of its last.
    pub(super) fn took(&self, target: &str) -> Duration {
        let times = self.targets.get(target).map(|log| (log.started, log.ended));
        let Some((Some(started), Some(ended))) = times else {
            return Duration::ZERO;
        };
        ended.duration_since(started).try_into().unwrap_or_default()
    }

    fn take(&mut self, news: News) {
        for vertex in news.vertexes {
            self.vertex(&vertex);
        }
        for said in news.logs {
            let Ok(bytes) = BASE64_STANDARD.decode(&said.data) else {
                continue;
            };
            let Some(step) = self.steps.get_mut(&said.vertex) else {
                continue;
            };
            step.unfinished.extend_from_slice(&bytes);
            // A secret may be parted by the ends of reads, but not by the ends of lines: each line is masked by itself.
            if let Some(end) = step.unfinished.iter().rposition(|byte| *byte == b'\n') {
                let whole: Vec<u8> = step.unfinished.drain(..=end).collect();
                for target in &step.targets {
                    append(&mut self.targets, target, &whole);
                }
            }
        }
    }

    fn vertex(&mut self, vertex: &Vertex) {
        // Where there is one target, buildx does not name it.
        let (target, name) = match self.targets.len() {
            1 => (self.targets.keys().next().cloned(), vertex.name.clone()),
            _ => match parted(&vertex.name) {
                Some((target, name)) => (Some(target.to_owned()), name),
                None => return,
            },
        };
        let Some(target) = target.filter(|target| self.targets.contains_key(target)) else {
            return;
        };
        let target = target.as_str();
        let step = self.steps.entry(vertex.digest.clone()).or_default();
        let is_new = step.targets.insert(target.to_owned());
        let begins = vertex.started.is_some() && (is_new || !step.has_started);
        let ends = vertex.completed.is_some();
        step.has_started |= vertex.started.is_some();
        if ends && !step.unfinished.is_empty() {
            let mut line = std::mem::take(&mut step.unfinished);
            line.push(b'\n');
            for target in &step.targets {
                append(&mut self.targets, target, &line);
            }
        }
        let mut lines = Vec::new();
        if begins {
            lines.extend_from_slice(name.as_bytes());
            lines.push(b'\n');
        }
        if ends && vertex.cached {
            lines.extend_from_slice(format!("{name}: cached\n").as_bytes());
        }
        if !vertex.error.is_empty() {
            lines.extend_from_slice(format!("{name}: {}\n", vertex.error).as_bytes());
        }
        append(&mut self.targets, target, &lines);
        if let Some(log) = self.targets.get_mut(target) {
            let time = |text: &Option<String>| text.as_ref()?.parse::<Timestamp>().ok();
            log.started = [log.started, time(&vertex.started)]
                .into_iter()
                .flatten()
                .min();
            log.ended = [log.ended, time(&vertex.completed)]
                .into_iter()
                .flatten()
                .max();
        }
    }
}

/// The target and the rest of a step's name: `[cart stage-0 2/3] RUN make`, `[cart] exporting to image`.
fn parted(name: &str) -> Option<(&str, String)> {
    let (inside, rest) = name.strip_prefix('[')?.split_once(']')?;
    Some(match inside.split_once(' ') {
        Some((target, place)) => (target, format!("[{place}]{rest}")),
        None => (inside, rest.trim_start().to_owned()),
    })
}

/// After a failed write the lines are kept in memory only: what was built is none the worse for it.
fn append(targets: &mut BTreeMap<String, TargetLog>, target: &str, lines: &[u8]) {
    let Some(log) = targets.get_mut(target).filter(|_| !lines.is_empty()) else {
        return;
    };
    let lines = masked(lines);
    let _ = log.file.write_all(&lines);
    for line in String::from_utf8_lossy(&lines).lines() {
        log.last.push_back(line.to_owned());
    }
    let excess = log.last.len().saturating_sub(LAST_LINES);
    log.last.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::mask_secret;

    #[test]
    fn a_step_is_part_of_a_target() {
        for (name, want) in [
            (
                "[cart stage-0 2/3] RUN make",
                Some(("cart", "[stage-0 2/3] RUN make")),
            ),
            (
                "[cart 2/2] RUN [ -e x ]",
                Some(("cart", "[2/2] RUN [ -e x ]")),
            ),
            (
                "[cart] exporting to image",
                Some(("cart", "exporting to image")),
            ),
            ("exporting", None),
        ] {
            let want = want.map(|(target, rest)| (target, rest.to_owned()));
            assert_eq!(parted(name), want, "{name}");
        }
    }

    fn vertex(name: &str, more: &str) -> String {
        format!(r#"{{"vertexes":[{{"digest":"d","name":"{name}"{more}}}]}}"#)
    }

    fn said(text: &str) -> String {
        let data = BASE64_STANDARD.encode(text);
        format!(r#"{{"logs":[{{"vertex":"d","data":"{data}"}}]}}"#)
    }

    #[test]
    fn one_target_alone_has_all_the_steps() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut progress = Progress::new([("a", log.as_path())]).unwrap();
        let news = vertex(
            "[stage-0 1/1] RUN x",
            r#","started":"2023-11-14T22:13:20Z""#,
        );
        assert_eq!(progress.push(format!("{news}\n").as_bytes()), b"");
        assert_eq!(fs_text(&log), "[stage-0 1/1] RUN x\n");
    }

    #[test]
    fn news_go_to_the_log_of_their_targets_and_sentences_come_back() {
        mask_secret(b"s3cret-of-a-target");
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (a, b) = (path("a"), path("b"));
        let logs = [("a", a.as_path()), ("b", b.as_path())];
        let started = r#","started":"2023-11-14T22:13:20.5Z""#;
        let ended = r#","started":"2023-11-14T22:13:20.5Z","completed":"2023-11-14T22:13:22Z","error":"exit code: 42""#;
        let lines = [
            vertex("[internal] load local bake definitions", started),
            vertex("[a 1/1] RUN x", started),
            vertex("[b 1/1] RUN x", started),
            said("hello\ns3cret-of-"),
            said("a-target\nno end"),
            "ERROR: target a: it failed".to_owned(),
            vertex("[a 1/1] RUN x", ended),
            "{ \"neither\": 1 }".to_owned(),
            String::new(),
        ];
        let all = lines.join("\n");
        for size in [1, 7, all.len()] {
            let mut progress = Progress::new(logs).unwrap();
            let chunks = all.as_bytes().chunks(size);
            let back: Vec<u8> = chunks.flat_map(|chunk| progress.push(chunk)).collect();
            let back = String::from_utf8(back).unwrap();
            assert!(back.starts_with("ERROR: target a: it failed\n"), "{back}");
            assert!(!back.contains("vertex"), "{back}");
            let log = fs_text(&a);
            let want = "[1/1] RUN x\nhello\n***\nno end\n[1/1] RUN x: exit code: 42\n";
            assert_eq!(log, want);
            assert_eq!(progress.last_lines("a"), want.trim_end());
            assert!(
                fs_text(&b).contains("hello\n***\n"),
                "shared steps are in both"
            );
            assert_eq!(progress.took("a"), Duration::from_millis(1500));
            assert_eq!(progress.took("c"), Duration::ZERO);
            for file in [&a, &b] {
                std::fs::remove_file(file).unwrap();
            }
        }
    }

    fn fs_text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }
}
