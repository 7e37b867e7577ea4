//! Runs a git that talks to a server, and retries after temporary faults, at the time that the server gives.

use std::{sync::Arc, time::Duration};

use bstr::ByteSlice;
use log::info;

use super::{
    fault::ServerFault,
    trace::{LastAnswer, Trace},
};
use crate::{
    http::retry_after_value,
    interrupt,
    process::{Command, masked},
};

/// How long to wait before trying again after a fault that may pass, where the server does not say.
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

/// Why there is nothing, and what the server said last.
pub(super) struct FailedErrand {
    pub fault: ServerFault,
    pub answer: LastAnswer,
}

/// Runs `command`, and gives its standard output if that is read as data. An HTTP server's wish to be left alone is heeded, up to
/// `longest` each time.
pub(super) fn read(
    command: &Command,
    is_http: bool,
    longest: Duration,
) -> Result<Vec<u8>, FailedErrand> {
    for wait in BACKOFF {
        let failure = match once(command, is_http) {
            Ok(output) => return Ok(output),
            Err(failure) => failure,
        };
        let told = failure.answer.retry_after.as_deref();
        let told = told.and_then(retry_after_value);
        let wait = told.map_or(wait, |told| told.min(longest));
        if !is_passing(&failure.fault) {
            return Err(failure);
        }
        let said = masked(failure.fault.said().as_bytes());
        info!("git tries again in {wait:?}, since {}", said.as_bstr());
        if !interrupt::pause(wait) {
            return Err(failure);
        }
    }
    once(command, is_http)
}

fn once(command: &Command, is_http: bool) -> Result<Vec<u8>, FailedErrand> {
    let trace = if is_http { Trace::new() } else { None };
    let command = command.clone();
    let ended = match &trace {
        Some(trace) => trace.of(command).run(),
        None => command.run(),
    };
    let fault = match ended {
        Ok(output) if output.success() => return Ok(output.stdout),
        Ok(output) => ServerFault::of_output(&output),
        Err(err) => ServerFault::Stopped(Arc::new(err)),
    };
    Err(FailedErrand {
        fault,
        answer: trace.map_or_else(LastAnswer::default, Trace::read),
    })
}

fn is_passing(fault: &ServerFault) -> bool {
    let ServerFault::Failed(said) = fault else {
        return false;
    };
    !said.contains(FINAL) && PASSING.iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_stays() {
        for (said, is_worth_it) in [
            (
                "fatal: unable to access 'https://x/': The requested URL returned error: 503",
                true,
            ),
            ("fatal: repository 'https://x/' not found", false),
            (
                "kex_exchange_identification: Connection closed by remote host\nfatal: Could not read from remote repository.",
                true,
            ),
            (
                "me@host: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                false,
            ),
            (
                "fatal: aborting due to possible repository corruption on the remote side.\nfatal: early EOF",
                false,
            ),
        ] {
            let fault = ServerFault::Failed(said.to_owned());
            assert_eq!(is_passing(&fault), is_worth_it, "{said}");
        }
        assert!(!is_passing(&ServerFault::NotThere("RPC failed".to_owned())));
    }
}
