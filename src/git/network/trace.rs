//! What an HTTP server said in its last answer that git keeps to itself: where to look instead, and when to come back.
//!
//! git reports it only in its trace of curl (git(1), `GIT_TRACE_CURL`). That goes into a file that only this user can read,
//! in a separate directory, and is removed at once: git leaves out passwords in headers, and not the login of a URL that curl
//! names (seen with 2.39.5).

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::PathBuf,
};

use crate::process::Command;

/// How much of the end of a trace is read, in bytes: more than the headers of one answer.
const READ_LIMIT: i64 = 64 << 10;

/// The variables by which the user traces: then the trace is theirs.
const OF_THE_USER: [&str; 2] = ["GIT_TRACE_CURL", "GIT_CURL_VERBOSE"];

/// The trace of one child.
pub(super) struct Trace {
    folder: tempfile::TempDir,
}

/// What the last answer said, as far as it is worth knowing when it is a refusal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LastAnswer {
    /// `Location`, of a redirect.
    pub location: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
}

impl Trace {
    /// None where the user traces, or nothing can be written: then it is not known what servers say.
    pub(super) fn new() -> Option<Self> {
        if Self::is_users() {
            return None;
        }
        let folder = tempfile::Builder::new()
            .prefix("flota-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .ok()?;
        let trace = Self { folder };
        let mut new = OpenOptions::new();
        new.write(true).create_new(true).mode(0o600);
        new.open(trace.file()).ok()?;
        Some(trace)
    }

    /// Whether the user traces.
    pub(super) fn is_users() -> bool {
        OF_THE_USER
            .iter()
            .any(|name| std::env::var_os(name).is_some())
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("curl")
    }

    /// The command, with its trace written.
    pub(super) fn of(&self, command: Command) -> Command {
        command
            .env("GIT_TRACE_CURL", self.file())
            .env("GIT_TRACE_CURL_NO_DATA", "1")
            .env("GIT_TRACE_REDACT", "1")
    }

    /// What it says; the trace is gone then.
    pub(super) fn read(self) -> LastAnswer {
        let mut text = Vec::new();
        let read = File::open(self.file()).and_then(|mut file| {
            let length = i64::try_from(file.metadata()?.len()).unwrap_or(i64::MAX);
            file.seek(SeekFrom::End(-length.min(READ_LIMIT)))?;
            file.read_to_end(&mut text)
        });
        match read {
            Ok(_) => LastAnswer::of(&String::from_utf8_lossy(&text)),
            Err(_) => LastAnswer::default(),
        }
    }
}

impl LastAnswer {
    fn of(trace: &str) -> Self {
        let (mut answer, mut is_redirect) = (Self::default(), false);
        let headers = trace
            .lines()
            .filter_map(|line| line.split_once("<= Recv header: "));
        for (_, header) in headers {
            if header.starts_with("HTTP/") {
                answer = Self::default();
                let status = header.split(' ').nth(1);
                is_redirect = status.is_some_and(|status| status.starts_with('3'));
            }
            let Some((name, value)) = header.split_once(':') else {
                continue;
            };
            let value = || Some(value.trim().to_owned());
            if name.eq_ignore_ascii_case("Location") && is_redirect {
                answer.location = value();
            } else if name.eq_ignore_ascii_case("Retry-After") {
                answer.retry_after = value();
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_counts() {
        let trace = "\
12:00:00.1 http.c:684  <= Recv header: HTTP/1.1 301 Moved\n\
12:00:00.1 http.c:684  <= Recv header: Location: http://other/x\n\
12:00:00.2 http.c:684  => Send header: GET /x\n\
12:00:00.3 http.c:672  <= Recv header, 0000000034 bytes (0x00000022)\n\
12:00:00.3 http.c:684  <= Recv header: HTTP/2 429\n\
12:00:00.3 http.c:684  <= Recv header: retry-after:  7\n\
12:00:00.3 http.c:684  <= Recv header:\n";
        let answer = LastAnswer::of(trace);
        assert_eq!(answer.location, None);
        assert_eq!(answer.retry_after.as_deref(), Some("7"));
        assert_eq!(LastAnswer::of(""), LastAnswer::default());
    }

    #[test]
    fn nobody_else_reads_a_trace_and_nothing_stays_of_it() {
        let trace = Trace::new().unwrap();
        let (folder, file) = (trace.folder.path().to_owned(), trace.file());
        let mode = |path: &PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        trace.read();
        assert!(!folder.exists());
    }
}
