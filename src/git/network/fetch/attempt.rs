//! One `git fetch`: tried again after faults that pass, and what its words mean.

use std::time::Duration;

use crate::{
    interrupt,
    model::error::Error,
    process::{Command, Output},
};

/// How every fetch begins: it reports progress, and touches nothing that it is not told to.
pub(in crate::git) const FETCH: [&str; 8] = [
    "-c",
    "transfer.bundleURI=false",
    "fetch",
    "--progress",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
];

/// How long to wait before trying again after a fault that may pass.
const BACKOFF: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// What a server, curl or ssh says when it is worth another try. A stalled server is not: that took long enough.
const PASSING: [&str; 13] = [
    "returned error: 429",
    "returned error: 500",
    "returned error: 502",
    "returned error: 503",
    "returned error: 504",
    "Connection reset",
    "Empty reply from server",
    "early EOF",
    "unexpected disconnect",
    "hung up unexpectedly",
    "RPC failed",
    "Temporary failure in name resolution",
    // Before any login: so many newcomers are too many (sshd_config(5), MaxStartups).
    "exchange_identification: ",
];

/// What it says when the connection ends because the repository behind it is damaged: it will be the next time.
const FINAL: &str = "repository corruption on the remote side";

/// How many lines of git's are worth showing.
const COMPLAINT_LINES: usize = 10;

/// Why something was not fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) enum Fault {
    /// Nobody was asked.
    Offline,
    /// The server does not have it: final.
    NotThere(String),
    /// The server gives out nothing but what its refs point to.
    Unadvertised(String),
    /// The server did not answer, or what it sent is of no use; more of the same would fail as well.
    Failed(String),
}

impl Fault {
    /// The error and all that it is because of, as one text.
    pub fn failed(err: &Error) -> Self {
        let mut text = err.to_string();
        let mut cause = std::error::Error::source(err);
        while let Some(err) = cause {
            text += &format!("\n{err}");
            cause = err.source();
        }
        Self::Failed(text)
    }
}

/// How much longer than flota a git waits for a server that says nothing.
const LONGER: Duration = Duration::from_secs(3);

/// Lets git give up a silent HTTP server by itself, later than flota would: a flota that was killed leaves nobody behind for
/// long (git-config(1), `http.lowSpeedTime`).
pub(in crate::git) fn with_an_end(command: Command, patience: Duration) -> Command {
    let seconds = (patience + LONGER).as_secs();
    command
        .env("GIT_HTTP_LOW_SPEED_LIMIT", "1")
        .env("GIT_HTTP_LOW_SPEED_TIME", seconds.to_string())
}

/// Runs a fetch to its end.
pub(in crate::git) fn run(fetch: &Command) -> Result<(), Fault> {
    read(fetch).map(drop)
}

/// The same for whatever else asks a server; gives its standard output, if that is read as data.
pub(in crate::git) fn read(fetch: &Command) -> Result<Vec<u8>, Fault> {
    for wait in BACKOFF {
        match once(fetch) {
            Err(Fault::Failed(said)) if is_passing(&said) && interrupt::pause(wait) => {}
            ended => return ended,
        }
    }
    once(fetch)
}

fn once(fetch: &Command) -> Result<Vec<u8>, Fault> {
    // Its words are looked at, and have to be the ones known here.
    let fetch = fetch.clone().env("LC_ALL", "C");
    let output = fetch.run().map_err(|err| Fault::failed(&err))?;
    match output.success() {
        true => Ok(output.stdout),
        false => Err(classify(complaint(&output))),
    }
}

/// What git said, without its progress.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.text);
    let is_progress = |line: &str| {
        ["objects: ", "deltas: ", "remote: Total ", "Cloning into "]
            .iter()
            .any(|word| line.contains(word))
    };
    let lines: Vec<_> = text
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_progress(line))
        .collect();
    match &lines[lines.len().saturating_sub(COMPLAINT_LINES)..] {
        [] => format!("git fetch: {}", output.status),
        last => last.join("\n"),
    }
}

fn classify(said: String) -> Fault {
    if said.contains("not our ref") || said.contains("couldn't find remote ref") {
        Fault::NotThere(said)
    } else if said.contains("does not allow request for unadvertised object") {
        Fault::Unadvertised(said)
    } else {
        Fault::Failed(said)
    }
}

fn is_passing(said: &str) -> bool {
    !said.contains(FINAL) && PASSING.iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_told_apart() {
        let kinds = [
            "fatal: remote error: upload-pack: not our ref 1111",
            "error: Server does not allow request for unadvertised object 1111",
            "fatal: unable to access 'https://x/': The requested URL returned error: 503",
            "fatal: repository 'https://x/' not found",
            "kex_exchange_identification: Connection closed by remote host\nfatal: Could not read from remote repository.",
            "me@host: Permission denied (publickey).\nfatal: Could not read from remote repository.",
            "fatal: aborting due to possible repository corruption on the remote side.\nfatal: early EOF",
        ]
        .map(|said| {
            (
                matches!(classify(said.into()), Fault::NotThere(_)),
                is_passing(said),
            )
        });
        let want = [
            (true, false),
            (false, false),
            (false, true),
            (false, false),
            (false, true),
            (false, false),
            (false, false),
        ];
        assert_eq!(kinds, want);
    }
}
