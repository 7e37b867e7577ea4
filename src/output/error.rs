//! The one place that prints an error.

use std::collections::HashSet;

use bstr::BStr;

use super::{
    ci::log_commands::{Dialect, Gravity},
    json,
    streams::{Output, write},
    text, theme,
};
use crate::model::{error::Error, place::FileLine};

/// Prints what befell one submodule of several.
pub(crate) fn report_of(output: &Output, path: &BStr, error: &Error) {
    output.loud().status(format!(
        "\n{}",
        theme::failure(&format!("── {}", text::name(path)))
    ));
    report(output, error);
}

/// Prints the sentence, the chain of causes, and the hints to stderr; errors speak in quiet runs too.
pub(crate) fn report(output: &Output, error: &Error) {
    report_below(output, error, "");
    annotate(output, "flota", None, error);
}

/// Answers with `flota.error/v1` where JSON was asked for and the run failed as a whole: commands write their result last of
/// all that can fail, so that stdout holds one document.
pub(crate) fn answer(error: &Error) {
    // Nobody may read it any more: the exit code and stderr say the same.
    let _ = write(json::error(error));
}

/// Says it where a CI system shows the errors of a run, if it has such a place.
pub(crate) fn annotate(output: &Output, title: &str, place: Option<&FileLine>, error: &Error) {
    let message = error.to_string();
    let annotate = |it: Dialect| it.annotation(Gravity::Error, title, place, &message);
    if let Some(annotation) = output.dialect.and_then(annotate) {
        output.loud().status(annotation);
    }
}

/// The same below a text that was just printed: lines of a cause that it holds are not said again.
pub(crate) fn report_below(output: &Output, error: &Error, printed: &str) {
    let loud = output.loud();
    loud.status(format!(
        "{} {}",
        theme::error("error:"),
        text::line(&error.to_string())
    ));
    let printed: HashSet<_> = printed.lines().map(str::trim).collect();
    for cause in error.causes() {
        let lines = cause.trim_end().lines();
        let new: Vec<_> = lines
            .filter(|line| !printed.contains(line.trim()))
            .collect();
        if !new.is_empty() {
            let new = text::escape(&new.join("\n")).replace('\n', "\n    ");
            loud.status(format!("  caused by: {new}"));
        }
    }
    for said in error.hints() {
        hint(output, said);
    }
}

/// A hint that belongs to no error of its own.
pub(crate) fn hint(output: &Output, hint: &str) {
    let loud = output.loud();
    loud.status(format!("{} {}", theme::hint("hint:"), text::escape(hint)));
}
