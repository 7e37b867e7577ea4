//! What the end of a gate's program means.

/// By what a program says that it found something. That it could not run is another thing: nothing is known then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The exit statuses; none: every one but 0 and those of a shell or a wrapper.
    pub statuses: Option<Vec<u8>>,
    /// Words that it prints with every finding, for a program that has one status for both.
    pub words: Option<&'static str>,
}

/// What the end of a gate's program means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is nothing to object to.
    Passed,
    /// It found something.
    Failed,
    /// It could not do its work.
    CouldNotRun,
}

impl Finding {
    /// What it means that the program ended with `status` (none: a signal ended it) and printed `text`.
    pub fn verdict(&self, status: Option<i32>, text: &[u8]) -> Verdict {
        let Some(status) = status else {
            return Verdict::CouldNotRun;
        };
        let found = match &self.statuses {
            Some(statuses) => statuses.iter().any(|known| i32::from(*known) == status),
            None => !is_of_a_shell(status),
        };
        let said = self
            .words
            .is_none_or(|words| String::from_utf8_lossy(text).contains(words));
        match status {
            0 => Verdict::Passed,
            _ if found && said => Verdict::Failed,
            _ => Verdict::CouldNotRun,
        }
    }
}

/// The statuses by which shells and `env`-like wrappers say that the program could not be started (125 to 127), or that a signal
/// ended it (128 and the signal's number): POSIX, Shell Command Language, 2.8.2.
fn is_of_a_shell(status: i32) -> bool {
    matches!(status, 125..=127 | 129..=192)
}
