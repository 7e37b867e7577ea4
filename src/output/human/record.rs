//! `flota record`

use super::words::short;
use crate::{model::record::Recorded, output::text};

/// How many of the services that did not succeed are listed.
const SHOWN: usize = 20;

/// `flota record`
pub(crate) fn recorded(recorded: &Recorded) -> String {
    let success = &recorded.success;
    let verb = if recorded.is_changed {
        "now says"
    } else {
        "still says"
    };
    let but = match success.exceptions.len() {
        0 => "every service".to_owned(),
        _ => "every service except these".to_owned(),
    };
    let mut out = format!(
        "{} {verb}: {but} last succeeded at {}{}\n",
        recorded.reference,
        short(success.commit),
        if recorded.is_pushed {
            ", and is pushed"
        } else {
            ""
        },
    );
    for (path, since) in success.exceptions.iter().take(SHOWN) {
        let since = since.map_or("never".to_owned(), |commit| format!("at {}", short(commit)));
        out.push_str(&format!("  {} {since}\n", text::name(path.as_ref())));
    }
    if let Some(more) = success
        .exceptions
        .len()
        .checked_sub(SHOWN)
        .filter(|n| *n > 0)
    {
        out.push_str(&format!("  … and {more} more; --format json lists all\n"));
    }
    if recorded.evidence > 0 {
        let results = text::plural(recorded.evidence, "result");
        out.push_str(&format!(
            "refs/flota/evidence has {results} of gates of this run\n"
        ));
    }
    out
}
