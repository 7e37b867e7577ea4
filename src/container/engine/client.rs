//! The engines' programs: how they are called, and how their answers are read.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    time::Duration,
};

use crate::{
    model::error::{Error, Result},
    process::{Command, Output},
};

/// How long a question to the local store, or a new name in it, may take.
pub(super) const LOCAL: Duration = Duration::from_secs(60);
/// The most that an engine's answer to a question may be, in bytes.
pub(super) const ANSWER: usize = 1 << 20;

/// A container engine with an image store of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The `docker` client and its daemon.
    Docker,
    /// `podman`, which needs no daemon.
    Podman,
    /// `buildah`, which shares its store with Podman.
    Buildah,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

impl Engine {
    /// The program's name on `PATH`.
    pub fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
        }
    }

    /// The program, to be given arguments.
    pub(super) fn command(self) -> Command {
        Command::new(self.program())
    }

    /// Checks a push: the words are those of the distribution specification's error codes and of the engines' clients.
    pub(super) fn pushed(self, output: Output, reference: &str) -> Result<Output> {
        let said = String::from_utf8_lossy(&output.text).to_lowercase();
        let refused = [
            "unauthorized",
            "authentication required",
            "no basic auth",
            "access denied",
            "denied:",
        ]
        .iter()
        .any(|words| said.contains(words));
        let is_down = is_registry_down(&said);
        output.check(|| {
            let message = format!("{self} could not push {reference}");
            let host = reference.split('/').next().unwrap_or_default();
            match refused {
                true => Error::unavailable(message).hint(format!("log in: `{self} login {host}`")),
                false if is_down => Error::unavailable(message)
                    .hint(format!("see whether {host} answers, and build again: what was pushed is not pushed again")),
                false => Error::work(message),
            }
        })
    }
}

/// Whether an engine that gave up a push means the registry, and not what it pushed; in lower case, as containers/image, Docker and
/// Go's network library say it.
fn is_registry_down(said: &str) -> bool {
    let words = [
        "toomanyrequests",
        "too many requests",
        "unexpected http status: 5",
        "status code: 5",
        "status code from registry 5",
        "internal server error",
        "bad gateway",
        "service unavailable",
        "gateway timeout",
        "connection refused",
        "connection reset",
        "no such host",
        "i/o timeout",
        "tls handshake timeout",
    ];
    words.iter().any(|words| said.contains(words))
}

/// Whether the last line of a build that failed says that the engine's daemon hung up: the words of Docker's client, of gRPC and of
/// Go's HTTP client for the end of a connection.
pub(super) fn broke_off(last: &str) -> bool {
    let words = [
        "error reading from server",
        "error during connect",
        "Cannot connect to the Docker daemon",
    ];
    last == "unexpected EOF" || words.iter().any(|words| last.contains(words))
}

/// The first line that says something.
pub(super) fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim().lines().next().unwrap_or_default().to_owned()
}

/// A SHA-256 digest with its prefix, which some engines leave out of an image's id.
pub(super) fn digest(text: &str) -> Option<String> {
    let text = text.trim();
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let valid = hex.len() == 64
        && hex
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    valid.then(|| format!("sha256:{hex}"))
}

/// `--flag=value` as one argument, so that a value with a dash in front is still a value.
pub(super) fn flag(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut flag = OsString::from(name);
    flag.push("=");
    flag.push(value);
    flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_hung_up_is_told_by_its_last_line() {
        for (last, want) in [
            ("unexpected EOF", true),
            (
                "ERROR: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
                true,
            ),
            (
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
                true,
            ),
            ("tar: unexpected EOF in archive", false),
            (
                "executor failed running [/bin/sh -c make]: exit code: 2",
                false,
            ),
            ("", false),
        ] {
            assert_eq!(broke_off(last), want, "{last}");
        }
    }

    #[test]
    fn a_registry_that_is_down_is_told_from_a_push_that_is_refused() {
        for (said, want) in [
            (
                "received unexpected http status: 500 internal server error",
                true,
            ),
            ("toomanyrequests: too many requests", true),
            ("dial tcp 127.0.0.1:5000: connect: connection refused", true),
            (
                "trying to reuse blob sha256:1 at destination: failed to read from destination repository x: 503 (service unavailable)",
                true,
            ),
            ("name unknown: repository does not exist", false),
            ("tag does not exist: r/x:1", false),
        ] {
            assert_eq!(is_registry_down(said), want, "{said}");
        }
    }

    #[test]
    fn digests_are_recognised_and_completed() {
        let hex = "0123456789abcdef".repeat(4);
        assert_eq!(digest(&format!("{hex}\n")), Some(format!("sha256:{hex}")));
        assert_eq!(
            digest(&format!("sha256:{hex}")),
            Some(format!("sha256:{hex}"))
        );
        assert_eq!(digest(&hex.to_uppercase()), None);
        assert_eq!(digest(&hex[1..]), None);
        assert_eq!(digest(""), None);
    }
}
