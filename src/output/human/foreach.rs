//! `flota foreach`

use crate::{
    model::foreach::{Ran, Summary},
    output::{ci::log_commands, text},
};

/// What a command printed in one service, below the service's name, for the log of a CI system where there is one.
pub(crate) fn ran(ran: &Ran, dialect: Option<log_commands::Dialect>) -> String {
    let name = text::name(ran.path.as_ref());
    let said = log_commands::child(dialect, &String::from_utf8_lossy(&ran.text));
    let took = text::duration(ran.took);
    let line = if said.is_empty() { "" } else { "\n" };
    format!("── {name} ({took})\n{said}{line}")
}

/// How `flota foreach` ended, in numbers.
pub(crate) fn foreach(summary: &Summary) -> String {
    let mut parts = vec![format!("{} succeeded", summary.succeeded)];
    for (count, what) in [
        (summary.failed.len(), "failed"),
        (summary.not_begun.len(), "not started"),
        (summary.uninitialised.len(), "not initialised"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}
