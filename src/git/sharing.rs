//! What a repository says of who shares it.

use std::path::Path;

use crate::files::Sharing;

/// As `core.sharedRepository` has it (git-config(1)): a word, a mode, or a boolean.
pub(crate) fn of(repo: &gix::Repository) -> Sharing {
    let config = repo.config_snapshot();
    let value = config.string("core.sharedRepository");
    let named = value.and_then(|value| Sharing::named(&value.to_string()));
    named.unwrap_or_else(|| match config.boolean("core.sharedRepository") {
        Some(true) => Sharing::GROUP,
        _ => Sharing::Umask,
    })
}

/// The same of the repository with this git directory; of what is none, as the umask says.
pub(crate) fn of_git_dir(git_dir: &Path) -> Sharing {
    gix::open(git_dir).map_or_else(|_| Sharing::Umask, |repo| of(&repo))
}
