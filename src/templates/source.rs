//! What `--template` names: an embedded template, a directory, or a Git repository.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use bstr::{BStr, ByteSlice, ByteVec};

use super::{
    embedded, folder, repository,
    template::{MANIFEST, Template},
};
use crate::{
    files,
    git::{
        network::{
            clone::{self, Access},
            fetch::PATIENCE,
        },
        remote,
        repository::Repository,
        url::{self, Source},
    },
    model::{
        error::{Error, Result},
        nearest::nearest,
        template::{Origin, Record},
    },
};

/// A template, named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedTemplate {
    /// One that is part of the binary.
    Embedded(String),
    /// One in a folder.
    Folder(PathBuf),
    /// One in a Git repository, maybe at a branch, a tag or a commit.
    Git {
        /// Where it is.
        url: String,
        /// What of it.
        rev: Option<String>,
    },
}

impl WantedTemplate {
    /// Reads what a user says: the name of an embedded template, a folder, `URL` or `URL@REV`.
    ///
    /// # Errors
    /// Misuse: it is not one of these.
    pub fn parse(text: &str) -> Result<Self> {
        if embedded::named(text)?.is_some() {
            return Ok(Self::Embedded(text.to_owned()));
        }
        let (place, rev) = split(text);
        let is_folder = Path::new(place).is_dir();
        if is_folder && rev.is_none() && Path::new(place).join(MANIFEST).is_file() {
            return Ok(Self::Folder(place.into()));
        }
        if is_folder || place.contains("://") || is_scp_like(place) {
            return Ok(Self::Git {
                url: place.to_owned(),
                rev: rev.map(ToOwned::to_owned),
            });
        }
        let names: Vec<String> = embedded::all()?.into_iter().map(|one| one.name).collect();
        let error = Error::misuse(format!(
            "there is no template `{text}`, nor a directory or repository of that name"
        ));
        Err(match nearest(text, &names) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("flota has {}: flota templates", names.join(", "))),
        })
    }

    /// Where the template of a record is to be had as it is now.
    ///
    /// # Errors
    /// Misuse: it came from a directory outside of the fleet.
    pub fn of_record(record: &Record, fleet: &Path) -> Result<Self> {
        match &record.origin {
            Origin::Embedded => Ok(Self::Embedded(record.template.clone())),
            Origin::Folder(Some(path)) => {
                let path = crate::git::path::relative("folder", path.as_str().into())?;
                Ok(Self::Folder(fleet.join(path)))
            }
            Origin::Folder(None) => Err(Error::misuse(format!(
                "its template `{}` came from a directory outside of the fleet",
                record.template
            ))
            .hint("name the directory: flota template update SERVICE --template DIR")),
            Origin::Git { url, rev, .. } => Ok(Self::Git {
                url: url.clone(),
                rev: rev.clone(),
            }),
        }
    }
}

/// Reads the template. `of_record` says that a repository names it, and not the user: then only what a submodule of `fleet`
/// may use is used.
///
/// # Errors
/// Misuse: it does not exist, or is not a template. Work: the server cannot be reached, or does not have it.
pub fn load(wanted: &WantedTemplate, fleet: &Repository, of_record: bool) -> Result<Template> {
    match wanted {
        WantedTemplate::Embedded(name) => embedded::named(name)?.ok_or_else(|| {
            Error::misuse(format!("this flota has no template `{name}`"))
                .hint("see those it has: flota templates")
        }),
        WantedTemplate::Folder(path) => {
            let path = path.canonicalize().map_err(|err| {
                Error::misuse(format!("the directory `{}` does not exist", path.display()))
                    .because(err)
            })?;
            let root = fleet.folder().map_err(|err| {
                Error::unavailable("cannot find the fleet's directory").because(err)
            })?;
            let inside = path.strip_prefix(&root).ok().and_then(Path::to_str);
            if of_record && inside.is_none() {
                return Err(Error::misuse(format!(
                    "refused the template's directory `{}`: it is outside of the fleet",
                    path.display()
                )));
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let origin = Origin::Folder(inside.map(ToOwned::to_owned));
            folder::read(&path, name.into_owned(), origin)
        }
        WantedTemplate::Git { url, rev } => {
            let source = match of_record {
                true => url::source(fleet, None, Some(url.as_str().into()))?,
                false => url::given(url.as_str().into())?,
            };
            fetch(&source, rev.as_deref())
        }
    }
}

/// The template at a commit of a repository, which is brought into a temporary folder as objects alone.
fn fetch(source: &Source, rev: Option<&str>) -> Result<Template> {
    let folder = files::temporary_folder()?;
    let into = folder.path().join("template");
    let options = clone::CloneOptions {
        depth: None,
        is_partial: false,
        patience: PATIENCE,
        children: NonZeroUsize::MIN,
        is_cached: false,
        events: &|_| {},
    };
    Access::of_user(options).clone(source, None, None, &into)?;
    let repository = Repository::discover(&into)?;
    let commit = match rev {
        None => repository.resolve("HEAD")?,
        Some(rev) => {
            let remote = remote::name(&repository.to_local()?);
            let names = [
                format!("refs/remotes/{remote}/{rev}"),
                format!("refs/tags/{rev}"),
                rev.to_owned(),
            ];
            let names = names
                .iter()
                .map(String::as_str)
                .filter(|_| !rev.starts_with('-'));
            let found = repository.resolve_first(names);
            let found = found.ok_or_else(|| {
                Error::repository(format!("{} has no `{rev}`", source.shown))
                    .hint(format!("see what it has: git ls-remote {}", source.shown))
            })?;
            found.1
        }
    };
    let objects = repository.objects();
    let origin = Origin::Git {
        url: source.shown.to_str_lossy().into_owned(),
        rev: rev.map(ToOwned::to_owned),
        commit,
    };
    repository::read(
        crate::git::Objects::new(&objects),
        repository.tree_of(commit)?,
        short_name(source.shown.as_ref()),
        origin,
    )
}

/// The last component of a URL, without `.git`.
fn short_name(url: &BStr) -> String {
    let url = url.trim_end_with(|letter| letter == '/').as_bstr();
    let url = url.strip_suffix(b"/.git").unwrap_or(url).as_bstr();
    let last = url.rfind_byteset(b"/:").map_or(0, |at| at + 1);
    let name = url[last..].strip_suffix(b".git").unwrap_or(&url[last..]);
    Vec::from_slice(name).into_string_lossy()
}

/// `URL@REV` apart; the `@` of `user@host` and of `/@scope` begins no revision.
fn split(text: &str) -> (&str, Option<&str>) {
    let path = match text.find("://") {
        Some(scheme) => text[scheme + 3..].find('/').map(|slash| scheme + 3 + slash),
        None if is_scp_like(text) => text.find(':'),
        None => Some(0),
    };
    let Some(path) = path else {
        return (text, None);
    };
    match text[path..].rfind('@').map(|at| path + at) {
        Some(at) if at > path && !text[..at].ends_with('/') && at + 1 < text.len() => {
            (&text[..at], Some(&text[at + 1..]))
        }
        _ => (text, None),
    }
}

/// Whether it is `host:path`, with a colon before the first slash.
fn is_scp_like(text: &str) -> bool {
    let colon = text.find(':');
    colon.is_some_and(|colon| text.find('/').is_none_or(|slash| colon < slash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_stands_behind_the_last_at_sign_of_the_path() {
        for (text, want) in [
            ("https://host/t.git@v1", ("https://host/t.git", Some("v1"))),
            ("https://me@host/t.git", ("https://me@host/t.git", None)),
            ("https://me@host/t@a/b", ("https://me@host/t", Some("a/b"))),
            ("https://host/@scope/t", ("https://host/@scope/t", None)),
            ("git@host:t.git", ("git@host:t.git", None)),
            ("git@host:t.git@main", ("git@host:t.git", Some("main"))),
            ("../t@v1", ("../t", Some("v1"))),
            ("../t", ("../t", None)),
            ("https://host", ("https://host", None)),
        ] {
            assert_eq!(split(text), want, "{text}");
        }
    }

    #[test]
    fn what_is_nothing_gets_the_nearest() {
        let err = WantedTemplate::parse("sttic").unwrap_err();
        assert_eq!(err.hints(), ["did you mean `static`?"]);
        assert!(WantedTemplate::parse("nothing-at-all").is_err());
        let wanted = WantedTemplate::parse("static").unwrap();
        assert_eq!(wanted, WantedTemplate::Embedded("static".into()));
    }

    #[test]
    fn a_repository_is_called_by_its_last_component() {
        for url in [
            "https://host/a/go-api.git",
            "git@host:go-api",
            "/x/go-api/.git",
        ] {
            assert_eq!(short_name(url.into()), "go-api");
        }
    }
}
