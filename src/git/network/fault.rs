//! Why a fetch or push failed, and the message about it.

use std::sync::Arc;

use crate::{
    files,
    git::{
        lock,
        url::{self, Source},
    },
    interrupt,
    model::error::Error,
    process::Output,
};

/// How many lines of git's are worth showing.
const COMPLAINT_LINES: usize = 10;

/// Why a server did not give or take something.
#[derive(Clone, Debug)]
pub enum ServerFault {
    /// Nobody was asked.
    Offline,
    /// The server does not have it: final.
    NotThere(String),
    /// The server gives out nothing but what its refs point to.
    Unadvertised(String),
    /// The server did not answer, or what it sent is of no use; more of the same would fail as well.
    Failed(String),
    /// git could not be run to its end: it is not here, was silent for too long, asked for something on the terminal.
    Stopped(Arc<Error>),
}

impl ServerFault {
    /// The error and all that it is because of, as one text.
    pub(super) fn failed(err: &Error) -> Self {
        Self::Failed(err.with_causes())
    }

    /// What a git that failed said.
    pub(super) fn of_output(output: &Output) -> Self {
        let said = complaint(output);
        Self::of_words(said)
    }

    fn of_words(said: String) -> Self {
        let is_there = |words: &str| said.contains(words);
        if is_there("not our ref")
            || is_there("couldn't find remote ref")
            // JGit's words: `want ID not valid`.
            || (is_there("want ") && is_there(" not valid"))
        {
            Self::NotThere(said)
        } else if is_there("does not allow request for unadvertised object") {
            Self::Unadvertised(said)
        } else {
            Self::Failed(said)
        }
    }

    /// What was said.
    pub fn said(&self) -> String {
        match self {
            Self::NotThere(said) | Self::Unadvertised(said) | Self::Failed(said) => said.clone(),
            Self::Offline => "flota must stay offline".to_owned(),
            Self::Stopped(err) => err.with_causes(),
        }
    }

    /// Whether the server refuses the filter that it was asked for, in the words of git and of JGit.
    pub(super) fn is_about_a_filter(&self) -> bool {
        let words = [
            "remote error: filter '",
            "remote error: tree filter allows",
            "nvalid filter",
        ];
        matches!(self, Self::Failed(said) if words.iter().any(|words| said.contains(words)))
    }

    /// Whether more of the same would fail as well, whatever is asked for.
    pub(super) fn is_of_the_server(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Stopped(_))
    }

    /// What to tell the user: `error`, which says what was tried, because of this; or what is not the server's affair, the
    /// signal that ended it, or a lock in its way.
    pub fn explain(&self, error: Error) -> Error {
        if let Some(exit) = interrupt::pending() {
            return Error::new(exit, "interrupted");
        }
        let said = self.said();
        if let Some(lock) = lock::named_in(&said) {
            return lock::taken(lock);
        }
        error.because(said)
    }

    /// The same where git itself may be missing, or ask on the terminal: that is told as it is.
    pub fn raise(self, error: Error) -> Error {
        match self {
            Self::Stopped(err) => Arc::into_inner(err).unwrap_or(error),
            fault => fault.explain(error),
        }
    }
}

/// A fault of a clone or a look at `source` as an error; `what` follows the URL in its sentence.
pub(super) fn explain(fault: &ServerFault, source: &Source, what: &str) -> Error {
    let said = fault.said();
    if interrupt::pending().is_none()
        && let Some(error) = files::no_room(&source.shown.to_string(), &said)
    {
        return error;
    }
    if let Some(error) = url::refused_by_git(&said) {
        return error;
    }
    fault.explain(
        Error::work(format!("{} {what}", source.shown)).hint(format!(
            "see whether it answers: git ls-remote {}",
            source.shown
        )),
    )
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
        [] => format!("git: {}", output.status),
        last => last.join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_told_apart() {
        for (said, is_not_there, is_unadvertised) in [
            (
                "fatal: remote error: upload-pack: not our ref 1111",
                true,
                false,
            ),
            ("fatal: couldn't find remote ref refs/heads/x", true, false),
            ("fatal: remote error: want 1111 not valid", true, false),
            (
                "error: Server does not allow request for unadvertised object 1111",
                false,
                true,
            ),
            (
                "fatal: unable to access 'https://x/': The requested URL returned error: 503",
                false,
                false,
            ),
            ("fatal: repository 'https://x/' not found", false, false),
            ("fatal: the certificate is not valid", false, false),
        ] {
            let fault = ServerFault::of_words(said.to_owned());
            let told = (
                matches!(fault, ServerFault::NotThere(_)),
                matches!(fault, ServerFault::Unadvertised(_)),
            );
            assert_eq!(told, (is_not_there, is_unadvertised), "{said}");
        }
    }
}
