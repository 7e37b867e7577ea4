//! The one place that prints an error.

use std::error::Error as _;

use super::{Output, text, theme};
use crate::model::error::Error;

/// Prints the sentence, the chain of causes, and the hints to stderr; errors speak in quiet runs too.
pub fn report(output: &Output, error: &Error) {
    let loud = Output {
        quiet: false,
        ..*output
    };
    loud.status(format!(
        "{} {}",
        theme::error("error:"),
        text::escape(&error.to_string())
    ));
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        let sentence = below.to_string();
        // Libraries often repeat what they wrap.
        if !said.contains(&sentence) {
            loud.status(format!(
                "  caused by: {}",
                text::escape(sentence.trim_end()).replace('\n', "\n    ")
            ));
            said.push_str(&sentence);
        }
        cause = below.source();
    }
    for hint in error.hints() {
        loud.status(format!("{} {}", theme::hint("hint:"), text::escape(hint)));
    }
}
