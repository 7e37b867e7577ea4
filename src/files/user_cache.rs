//! The user's cache directory (XDG base directory specification).

use std::path::PathBuf;

/// The folder `flota/NAME` in it; None where nobody says which directory it is. It need not exist.
pub(crate) fn user_cache(name: &str) -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let base = folder("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(folder("HOME")?.join(".cache")))?;
    base.is_absolute().then(|| base.join("flota").join(name))
}
