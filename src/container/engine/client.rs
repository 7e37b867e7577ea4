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
        output.check(|| {
            let message = format!("{self} could not push {reference}");
            let host = reference.split('/').next().unwrap_or_default();
            match refused {
                true => Error::unavailable(message).hint(format!("log in: `{self} login {host}`")),
                false => Error::work(message),
            }
        })
    }
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
