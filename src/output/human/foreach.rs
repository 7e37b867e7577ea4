//! `flota foreach`

use crate::{
    model::foreach::{Ran, Summary},
    output::text,
};

/// What a command printed in one service, below the service's name.
pub fn ran(ran: &Ran) -> String {
    let name = text::name(ran.path.as_ref());
    let said = String::from_utf8_lossy(&ran.text);
    let said = text::escape(said.trim_end());
    let took = text::duration(ran.took);
    let line = if said.is_empty() { "" } else { "\n" };
    format!("── {name} ({took})\n{said}{line}")
}

/// How `flota foreach` ended, in numbers.
pub fn foreach(summary: &Summary) -> String {
    let mut parts = vec![format!("{} succeeded", summary.succeeded)];
    for (count, what) in [
        (summary.failed.len(), "failed"),
        (summary.not_begun.len(), "not begun"),
        (summary.uninitialised.len(), "not initialised"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}
