//! Secrets of a build: found before anything is built, and masked in all that is said from then on.

use std::path::{Path, PathBuf};

use crate::{
    container::image::Mounts,
    model::{
        error::{Error, Result},
        settings::SecretSource,
    },
    process::mask_secret,
};

/// The largest secret, in bytes: BuildKit takes no larger one.
const LARGEST: u64 = 500 << 10;

/// The sources of the secrets, as programs that know no `~` can read them.
///
/// # Errors
/// Unavailable: a variable that is not set, a file that is not there or is no text to hide.
pub(super) fn ready(mounts: &Mounts) -> Result<Vec<(String, SecretSource)>> {
    let secrets = mounts.secrets.iter();
    let secrets = secrets.map(|(id, source)| Ok((id.clone(), one(id, source)?)));
    secrets.collect()
}

fn one(id: &str, source: &SecretSource) -> Result<SecretSource> {
    match source {
        SecretSource::Env(name) => {
            let value = std::env::var_os(name).ok_or_else(|| {
                Error::unavailable(format!(
                    "the variable {name} of the secret `{id}` is not set"
                ))
                .hint("set it, or name another in flota.toml, below [image]: secrets")
            })?;
            mask_secret(value.as_encoded_bytes());
            Ok(source.clone())
        }
        SecretSource::File(path) => {
            let path = at_home(path);
            let cannot = |why: &str| {
                Error::unavailable(format!(
                    "the file of the secret `{id}` {why}: {}",
                    path.display()
                ))
                .hint("name another in flota.toml, below [image]: secrets")
            };
            let found = std::fs::metadata(&path);
            let found = found.map_err(|cause| cannot("cannot be read").because(cause))?;
            if !found.is_file() || found.len() > LARGEST {
                return Err(cannot("is not a file of at most 500 KiB"));
            }
            let value = std::fs::read(&path);
            mask_secret(&value.map_err(|cause| cannot("cannot be read").because(cause))?);
            Ok(SecretSource::File(path))
        }
    }
}

/// The source with its path as programs that know no `~` can read it.
pub fn secret_at_home(source: &SecretSource) -> SecretSource {
    match source {
        SecretSource::Env(_) => source.clone(),
        SecretSource::File(path) => SecretSource::File(at_home(path)),
    }
}

/// `~/` is the home directory, as in a shell.
fn at_home(path: &Path) -> PathBuf {
    let below = path.strip_prefix("~").ok();
    let home = below.and_then(|below| Some(std::env::home_dir()?.join(below)));
    home.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::*;
    use crate::{model::exit::Exit, process::masked};

    fn ready_of(source: SecretSource) -> Result<Vec<(String, SecretSource)>> {
        let secrets = BTreeMap::from([("npm".to_owned(), source)]);
        ready(&Mounts {
            secrets,
            ssh: false,
        })
    }

    #[test]
    fn a_secret_that_is_not_there_is_said_before_the_build() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large");
        fs::write(&large, vec![b'x'; (LARGEST + 1) as usize]).unwrap();
        for source in [
            SecretSource::Env("FLOTA_TEST_NOT_SET".into()),
            SecretSource::File(folder.path().join("missing")),
            SecretSource::File(folder.path().to_owned()),
            SecretSource::File(large),
        ] {
            let error = ready_of(source).unwrap_err();
            assert_eq!(error.exit(), Exit::Unavailable);
            assert!(error.to_string().contains("the secret `npm`"), "{error}");
        }
    }

    #[test]
    fn a_secret_of_a_file_is_masked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("npmrc");
        fs::write(&file, "token-of-a-file-1\nother-of-a-file-2\n").unwrap();
        let found = ready_of(SecretSource::File(file.clone())).unwrap();
        assert_eq!(found, [("npm".to_owned(), SecretSource::File(file))]);
        assert_eq!(
            masked(b"a token-of-a-file-1 b other-of-a-file-2"),
            b"a *** b ***"
        );
    }

    #[test]
    fn home_is_where_a_shell_has_it() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(at_home(Path::new("~/.netrc")), home.join(".netrc"));
        assert_eq!(at_home(Path::new("/~/x")), Path::new("/~/x"));
    }
}
