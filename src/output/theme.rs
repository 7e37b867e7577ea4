//! Colours, by meaning.

use console::{Style, StyledObject};

use crate::model::{
    change::{Action, ChangeKind, Direction},
    report::Status,
};

/// Turns colour on or off for both streams; unless called, console reads the terminal and NO_COLOR.
pub(crate) fn force_colors(on: bool) {
    console::set_colors_enabled(on);
    console::set_colors_enabled_stderr(on);
}

/// The word before an error.
pub(crate) fn error(text: &str) -> StyledObject<&str> {
    Style::new().for_stderr().red().bold().apply_to(text)
}

/// The line above what failed.
pub(crate) fn failure(text: &str) -> StyledObject<&str> {
    Style::new().for_stderr().red().bold().apply_to(text)
}

/// The word before a warning.
pub(crate) fn warning(text: &str) -> StyledObject<&str> {
    Style::new().for_stderr().yellow().bold().apply_to(text)
}

/// The word before a hint.
pub(crate) fn hint(text: &str) -> StyledObject<&str> {
    Style::new().for_stderr().cyan().apply_to(text)
}

/// The mark before a line of `-v`.
pub(crate) fn detail(text: &str) -> StyledObject<&str> {
    Style::new().for_stderr().dim().apply_to(text)
}

/// A command line that is shown.
pub(crate) fn command(text: &str) -> StyledObject<&str> {
    Style::new().for_stderr().bold().apply_to(text)
}

/// What is there for completeness.
pub(crate) fn dim<T>(text: T) -> StyledObject<T> {
    Style::new().dim().apply_to(text)
}

/// A heading on stdout.
pub(crate) fn heading<T>(text: T) -> StyledObject<T> {
    Style::new().bold().apply_to(text)
}

/// How an action looks.
pub(crate) fn action(action: Action) -> Style {
    match action {
        Action::Image => Style::new().green().bold(),
        Action::Chart => Style::new().cyan().bold(),
        Action::Retire => Style::new().red(),
        Action::None => Style::new().dim(),
    }
}

/// How a change looks.
pub(crate) fn change(change: ChangeKind) -> Style {
    match change {
        ChangeKind::Added => Style::new().green(),
        ChangeKind::Removed => Style::new().red(),
        ChangeKind::Code | ChangeKind::Config => Style::new().yellow(),
        _ => Style::new().dim(),
    }
}

/// How a direction looks: what goes back or aside should catch the eye.
pub(crate) fn direction(direction: Direction) -> Style {
    match direction {
        Direction::Forward => Style::new(),
        Direction::Rollback | Direction::Diverged => Style::new().magenta().bold(),
        Direction::Unknown => Style::new().dim(),
    }
}

/// How the ending of a build looks.
pub(crate) fn status(status: Status) -> Style {
    match status {
        Status::Built => Style::new().green(),
        Status::Reused | Status::Planned => Style::new().cyan(),
        Status::Failed => Style::new().red().bold(),
        Status::Cancelled => Style::new().dim(),
    }
}
