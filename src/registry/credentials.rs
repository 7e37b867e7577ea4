//! The user's credentials for a repository, from where `docker login` and `podman login` keep them.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    http::{printable, unless_interrupted},
    interrupt,
    model::error::{Error, Result},
};

/// The most that is read of a credential file, in bytes.
const LIMIT: u64 = 1 << 20;

/// The name Docker keeps its own hub's credentials under.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// What helpers say (on stdout) when they keep nothing for a server: the text is part of their protocol
/// (docker/docker-credential-helpers, `credentials/error.go`).
const NOTHING_KEPT: &str = "credentials not found";

/// The files that may hold credentials, in the order in which they are asked: `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG/config.json`
/// (else `~/.docker/config.json`), `$XDG_RUNTIME_DIR/containers/auth.json`.
pub(super) fn files_of_the_user(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let folder = |name: &str| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let docker = folder("DOCKER_CONFIG").or_else(|| Some(folder("HOME")?.join(".docker")));
    [
        folder("REGISTRY_AUTH_FILE"),
        docker.map(|folder| folder.join("config.json")),
        folder("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The credential for `repository` of `registry` in the first of `files` that has one; a helper program that the file names is
/// run for it, through `PATH` only. A file that does not exist has none.
///
/// A file may keep several for one registry, under paths below it (containers-auth.json(5)): the longest that leads to the
/// repository counts.
pub(super) fn find(
    registry: &str,
    repository: &str,
    files: &[PathBuf],
) -> Result<Option<DockerCredential>> {
    for file in files {
        if let Some(credential) = find_in(registry, repository, file)? {
            return Ok(Some(credential));
        }
    }
    Ok(None)
}

/// As much of a credential file as is looked at here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CredentialFile {
    auths: Option<BTreeMap<String, IgnoredAny>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, String>>,
}

fn find_in(registry: &str, repository: &str, file: &Path) -> Result<Option<DockerCredential>> {
    let Some(text) = read(file)? else {
        return Ok(None);
    };
    // What is wrong with the text is for its own reader to say.
    let known: CredentialFile = serde_json::from_slice(&text).unwrap_or_default();
    refuse_helper_paths(&known, file)?;
    let host = if registry == "docker.io" {
        DOCKER_HUB_KEY
    } else {
        registry
    };
    let auths = known.auths.unwrap_or_default();
    let key = longest_path(registry, repository)
        .find(|path| auths.contains_key(path))
        .unwrap_or_else(|| host.to_owned());
    // A helper may wait for its user.
    let found = unless_interrupted(move || {
        docker_credential::get_credential_from_reader(text.as_slice(), &key)
    });
    let Some(found) = found else {
        let stopped = || Error::unavailable("cannot start a thread");
        return Err(interrupt::error().unwrap_or_else(stopped));
    };
    match found {
        Ok(credential) => Ok(Some(credential)),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        Err(CredentialRetrievalError::HelperFailure { stdout, .. })
            if stdout.contains(NOTHING_KEPT) =>
        {
            Ok(None)
        }
        Err(error) => Err(unusable(registry, file, error)),
    }
}

/// `registry/a/b` and `registry/a` for the repository `a/b`: the longest first, and never the registry alone.
fn longest_path(registry: &str, repository: &str) -> impl Iterator<Item = String> {
    let above = |path: &String| Some(path.rsplit_once('/')?.0.to_owned());
    let is_below = |path: &String| path.contains('/');
    std::iter::successors(Some(format!("{registry}/{repository}")), above).take_while(is_below)
}

fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    match File::open(file).and_then(|opened| opened.take(LIMIT).read_to_end(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Error::unavailable(format!("cannot read {}", file.display())).because(error))
        }
    }
}

/// A helper's name becomes part of a program's name: with a separator in it that would be a path, past `PATH`.
fn refuse_helper_paths(known: &CredentialFile, file: &Path) -> Result<()> {
    let helpers = known.cred_helpers.iter().flat_map(BTreeMap::values);
    let mut names = known.creds_store.iter().chain(helpers);
    match names.find(|name| name.contains(['/', '\\'])) {
        None => Ok(()),
        Some(name) => Err(Error::unavailable(format!(
            "the credential helper `{}` in {} is a path",
            printable(name),
            file.display()
        ))
        .hint("name it without `docker-credential-` and install it on the PATH")),
    }
}

/// Says what is wrong without what a helper printed on stdout, which may be a secret.
fn unusable(registry: &str, file: &Path, error: CredentialRetrievalError) -> Error {
    let reason = match error {
        CredentialRetrievalError::HelperFailure { helper, stderr, .. } => {
            format!("{helper} failed: {stderr}")
        }
        CredentialRetrievalError::HelperCommunicationError => {
            "the credential helper it names cannot be run".to_owned()
        }
        other => other.to_string(),
    };
    Error::unavailable(format!(
        "no credentials for {registry} can be read from {}",
        file.display()
    ))
    .because(printable(&reason))
    .hint(format!("docker login {registry}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, text).unwrap();
        (folder, file)
    }

    #[test]
    fn the_files_are_where_docker_and_podman_keep_them() {
        let files = |set: &[(&str, &str)]| {
            let set: BTreeMap<String, OsString> = set
                .iter()
                .map(|(name, value)| (name.to_string(), value.into()))
                .collect();
            files_of_the_user(|name| set.get(name).cloned())
        };
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(
            files(&[("HOME", "/h"), ("DOCKER_CONFIG", "")]),
            paths(&["/h/.docker/config.json"])
        );
        assert_eq!(
            files(&[
                ("HOME", "/h"),
                ("XDG_RUNTIME_DIR", "/r"),
                ("DOCKER_CONFIG", "/d"),
                ("REGISTRY_AUTH_FILE", "/a.json")
            ]),
            paths(&["/a.json", "/d/config.json", "/r/containers/auth.json"])
        );
        assert!(files(&[]).is_empty());
    }

    #[test]
    fn a_login_is_found_under_its_host_and_port_only() {
        // "me:secret"
        let (_folder, file) = keep(r#"{"auths": {"127.0.0.1:5000": {"auth": "bWU6c2VjcmV0"}}}"#);
        let missing = file.with_file_name("missing.json");
        let files = [missing, file];
        let login = DockerCredential::UsernamePassword("me".to_owned(), "secret".to_owned());
        assert_eq!(find("127.0.0.1:5000", "a/b", &files).unwrap(), Some(login));
        for other in ["127.0.0.1:5001", "127.0.0.1", "ghcr.io", "docker.io"] {
            assert_eq!(find(other, "a/b", &files).unwrap(), None, "{other}");
        }
    }

    #[test]
    fn the_longest_path_to_the_repository_counts() {
        let auth = |user: &str| {
            use base64::{Engine, prelude::BASE64_STANDARD};
            serde_json::json!({"auth": BASE64_STANDARD.encode(format!("{user}:x"))})
        };
        let text = serde_json::json!({"auths": {
            "r.example": auth("host"),
            "r.example/shop": auth("shop"),
            "r.example/shop/api": auth("api"),
            "docker.io/acme": auth("acme"),
            "https://index.docker.io/v1/": auth("hub"),
        }});
        let (_folder, file) = keep(&text.to_string());
        for (registry, repository, user) in [
            ("r.example", "web", Some("host")),
            ("r.example", "shopping/web", Some("host")),
            ("r.example", "shop", Some("shop")),
            ("r.example", "shop/web", Some("shop")),
            ("r.example", "shop/api", Some("api")),
            ("r.example", "shop/api/charts", Some("api")),
            ("r.example", "shop/api2", Some("shop")),
            ("docker.io", "acme/web", Some("acme")),
            ("docker.io", "library/web", Some("hub")),
            ("other.example", "shop/api", None),
        ] {
            let found = find(registry, repository, std::slice::from_ref(&file)).unwrap();
            let login = |user: &str| DockerCredential::UsernamePassword(user.into(), "x".into());
            assert_eq!(found, user.map(login), "{registry}/{repository}");
        }
    }

    #[test]
    fn docker_hub_is_found_under_its_old_name() {
        let (_folder, file) =
            keep(r#"{"auths": {"https://index.docker.io/v1/": {"identitytoken": "t"}}}"#);
        let token = DockerCredential::IdentityToken("t".to_owned());
        assert_eq!(find("docker.io", "a/b", &[file]).unwrap(), Some(token));
    }

    #[test]
    fn a_damaged_file_is_named_and_its_content_is_not() {
        let (_folder, file) = keep(r#"{"auths": {"ghcr.io": {"auth": "secret!"}}}"#);
        let error = find("ghcr.io", "a/b", std::slice::from_ref(&file)).unwrap_err();
        assert!(error.to_string().contains(&file.display().to_string()));
        assert!(!format!("{error:?}").contains("secret!"));
    }

    #[test]
    fn a_helper_is_a_name_and_not_a_path() {
        for text in [
            r#"{"credsStore": "x/../../evil"}"#,
            r#"{"credHelpers": {"other.example": "..\\evil"}}"#,
        ] {
            let (_folder, file) = keep(text);
            let error = find("ghcr.io", "a/b", &[file]).unwrap_err();
            assert!(error.to_string().contains("is a path"), "{error}");
        }
    }

    #[test]
    fn a_helper_that_is_not_installed_is_an_error_with_the_way_out() {
        let (_folder, file) = keep(r#"{"credHelpers": {"ghcr.io": "flota-test-no-such-helper"}}"#);
        let error = find("ghcr.io", "a/b", &[file]).unwrap_err();
        assert_eq!(error.hints(), ["docker login ghcr.io"]);
    }
}
