//! Hooks that decide about a push run before it is accepted (git-receive-pack(1), "QUARANTINE ENVIRONMENT"): its objects are in a
//! folder of their own, which only the environment names.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use gix::odb;
use tempfile::TempDir;

use crate::{
    files,
    model::error::{Error, Result},
};

/// The objects of a push that is not accepted yet, together with the repository's own.
///
/// gix reads alternates from a file alone: so that it follows those of the environment, an empty object directory names them all. It
/// lies among the system's temporary files and goes with the run; nothing is written into the repository.
pub(super) struct Quarantine {
    folder: TempDir,
}

impl Quarantine {
    /// The one that the environment names, if it is of the repository with the git directory `common_dir`: a hook may call flota in
    /// another repository, for which these variables mean nothing.
    ///
    /// # Errors
    /// Unavailable: there is no room for temporary files.
    pub(super) fn of(common_dir: &Path) -> Result<Option<Self>> {
        let Some(quarantine) = env::var_os(QUARANTINE).map(PathBuf::from) else {
            return Ok(None);
        };
        let own = common_dir.join("objects");
        match (quarantine.canonicalize(), own.canonicalize()) {
            (Ok(quarantine), Ok(own)) if quarantine.starts_with(&own) => {}
            _ => return Ok(None),
        }
        let folder = TempDir::with_prefix("flota-")
            .map_err(|err| files::cannot("write into", &env::temp_dir(), err))?;
        let info = folder.path().join("objects/info");
        let mut lines = Vec::new();
        let named = [quarantine.into_os_string(), own.into_os_string()].into_iter();
        let named = named
            .chain(env::var_os("GIT_OBJECT_DIRECTORY"))
            .chain(alternates());
        for directory in named {
            lines.extend_from_slice(directory.as_bytes());
            lines.push(b'\n');
        }
        fs::create_dir_all(&info)
            .and_then(|()| fs::write(info.join("alternates"), lines))
            .map_err(|err| files::cannot("write into", &info, err))?;
        Ok(Some(Self { folder }))
    }

    /// The objects: those of `whole`, with the objects of the push.
    ///
    /// # Errors
    /// Repository: they cannot be read.
    pub(super) fn objects(&self, whole: &odb::Store) -> Result<Arc<odb::Store>> {
        let path = self.folder.path().join("objects");
        let opened = odb::Store::at_opts(
            path,
            whole.object_hash(),
            &mut whole.replacements(),
            odb::store::init::Options::default(),
        );
        opened
            .map(Arc::new)
            .map_err(|err| Error::repository("cannot read the objects of the push").because(err))
    }

    /// Where what flota would keep in the repository goes instead.
    pub(super) fn caches(&self) -> &Path {
        self.folder.path()
    }
}

/// Where the objects of a push are.
const QUARANTINE: &str = "GIT_QUARANTINE_PATH";

/// The object directories that the environment names (git(1)): between colons, maybe in quotes, as `info/alternates` has them too.
fn alternates() -> Vec<OsString> {
    let listed = env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    split(&listed)
}

fn split(listed: &OsStr) -> Vec<OsString> {
    let (mut found, mut rest) = (Vec::new(), listed.as_bytes());
    while !rest.is_empty() {
        let (mut is_quoted, mut is_escaped) = (rest[0] == b'"', false);
        let ends = |(at, byte): (usize, &u8)| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' if at > 0 => is_quoted = false,
                b':' if !is_quoted => return Some(at),
                _ => {}
            }
            None
        };
        let end = rest.iter().enumerate().find_map(ends).unwrap_or(rest.len());
        if end > 0 {
            found.push(OsString::from_vec(rest[..end].to_owned()));
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternates_are_told_apart_as_git_does() {
        for (listed, want) in [
            ("", &[][..]),
            ("/a", &["/a"]),
            (":/a::/b:", &["/a", "/b"]),
            (r#""/a:b\"c":/d"#, &[r#""/a:b\"c""#, "/d"]),
            (r#"/a"b:/c"#, &[r#"/a"b"#, "/c"]),
        ] {
            assert_eq!(split(OsStr::new(listed)), want, "{listed}");
        }
    }
}
