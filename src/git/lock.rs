//! Git's lock files: of a running git process, or of one that was killed. Only the user can tell which, so flota never removes one.

use std::path::Path;

use crate::model::error::Error;

/// What to say of the lock file at this path.
pub fn taken(lock: &Path) -> Error {
    let lock = lock.canonicalize().unwrap_or_else(|_| lock.to_owned());
    let lock = lock.display();
    Error::repository(format!(
        "another git process is running in it, or was killed there: `{lock}`"
    ))
    .hint(format!("if no git process is running there: rm {lock}"))
}

/// The lock file that git stopped at, as its words name it.
pub fn named_in(said: &str) -> Option<&Path> {
    let (_, rest) = said.split_once("Unable to create '")?;
    let (path, _) = rest.split_once("': File exists")?;
    path.ends_with(".lock").then_some(Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_found_in_what_git_says() {
        let said = "fatal: Unable to create '/x/it's/shallow.lock': File exists.\n\nAnother git process seems to be running";
        assert_eq!(named_in(said), Some(Path::new("/x/it's/shallow.lock")));
        assert_eq!(
            named_in("fatal: Unable to create '/x/index.lock': No space left on device"),
            None
        );
    }
}
