//! Questions on the terminal. They go to stderr: stdout is for results.

use std::io::IsTerminal as _;

use dialoguer::{Input, Select};

use super::text;
use crate::model::{
    error::{Error, Result},
    exit::Exit,
};

/// Whether there is somebody to ask.
pub(crate) fn is_attended() -> bool {
    std::io::stdin().is_terminal() && console::user_attended_stderr()
}

/// Asks for a line, until `check` takes it; Enter alone is the default.
pub(crate) fn line(
    question: &str,
    default: Option<&str>,
    check: impl Fn(&str) -> Result<()>,
) -> Result<String> {
    let mut input = Input::<String>::new()
        .with_prompt(text::line(question))
        .validate_with(|answer: &String| {
            check(answer).map_err(|refused| text::line(&refused.to_string()))
        });
    if let Some(default) = default {
        input = input.default(default.to_owned());
    }
    input.interact_text().map_err(unanswered)
}

/// Asks which of `choices` it is to be, `default` first; its index.
pub(crate) fn choice(question: &str, choices: &[String], default: Option<usize>) -> Result<usize> {
    let shown: Vec<String> = choices.iter().map(|choice| text::line(choice)).collect();
    Select::new()
        .with_prompt(text::line(question))
        .items(&shown)
        .default(default.unwrap_or_default())
        .interact()
        .map_err(unanswered)
}

fn unanswered(err: dialoguer::Error) -> Error {
    let dialoguer::Error::IO(err) = err;
    // A list hides the cursor. That the terminal is gone is no news here.
    let _ = console::Term::stderr().show_cursor();
    match err.kind() {
        std::io::ErrorKind::Interrupted => {
            Error::new(Exit::Interrupted, "interrupted while asking")
        }
        _ => Error::unavailable("cannot ask on the terminal").because(err),
    }
}
