//! Why a request got no answer.

use std::io;

use super::printable::printable;
use crate::interrupt;

/// Why a request got no answer, or not all of it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind it is of.
    pub kind: FailureKind,
    /// What the system or the library says, fit to be shown.
    pub cause: String,
}

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// A signal arrived meanwhile.
    Interrupted,
    /// The server broke the connection off: another try may well succeed.
    BrokenOff,
    /// Nobody listens there, or at the proxy.
    Refused,
    /// The server, or the way to it, was silent for too long.
    TimedOut,
    /// There is no such host.
    NoHost,
    /// The server's certificate is not trusted.
    Untrusted,
    /// Everything else.
    Other,
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        let cause = printable(&error.to_string());
        let kind = match &error {
            // Whatever else was seen: flota stops.
            _ if interrupt::pending().is_some() => FailureKind::Interrupted,
            ureq::Error::Io(error) => of_io(error, &cause),
            ureq::Error::Timeout(_) => FailureKind::TimedOut,
            ureq::Error::HostNotFound => FailureKind::NoHost,
            _ if cause.contains("certificate") => FailureKind::Untrusted,
            _ => FailureKind::Other,
        };
        Self { kind, cause }
    }
}

/// From the reader of an answer's body.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.downcast::<ureq::Error>() {
            Ok(error) => error.into(),
            Err(error) => ureq::Error::Io(error).into(),
        }
    }
}

fn of_io(error: &io::Error, cause: &str) -> FailureKind {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof,
    };
    match error.kind() {
        ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof => FailureKind::BrokenOff,
        ConnectionRefused => FailureKind::Refused,
        // The system's resolver has no error kind of its own.
        _ if cause.contains("failed to lookup address") => FailureKind::NoHost,
        _ if cause.contains("certificate") => FailureKind::Untrusted,
        _ => FailureKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart() {
        let io = |kind: io::ErrorKind| ureq::Error::Io(kind.into());
        let said = |text: &str| ureq::Error::Io(io::Error::other(text.to_owned()));
        let timeout = || ureq::Error::Timeout(ureq::Timeout::PerRead);
        for (error, want) in [
            (io(io::ErrorKind::ConnectionReset), FailureKind::BrokenOff),
            (io(io::ErrorKind::UnexpectedEof), FailureKind::BrokenOff),
            (io(io::ErrorKind::BrokenPipe), FailureKind::BrokenOff),
            (io(io::ErrorKind::ConnectionRefused), FailureKind::Refused),
            (io(io::ErrorKind::NetworkUnreachable), FailureKind::Other),
            (timeout(), FailureKind::TimedOut),
            (ureq::Error::HostNotFound, FailureKind::NoHost),
            (
                said("failed to lookup address information: Name or service not known"),
                FailureKind::NoHost,
            ),
            (
                said("invalid peer certificate: UnknownIssuer"),
                FailureKind::Untrusted,
            ),
            (ureq::Error::TooManyRedirects, FailureKind::Other),
        ] {
            let shown = error.to_string();
            assert_eq!(Failure::from(error).kind, want, "{shown}");
        }
        let in_a_body = io::Error::other(timeout());
        assert_eq!(Failure::from(in_a_body).kind, FailureKind::TimedOut);
    }
}
