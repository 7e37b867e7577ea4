//! Image references: `host[:port]/repository[:tag][@digest]`, the one notation for images and charts in a registry.

use std::{fmt, sync::LazyLock};

use regex::{Captures, Regex};

use super::error::{Error, Result};

/// How much of a text that is no reference an error repeats, in characters.
const SHOWN: usize = 120;

/// Where names without a registry are.
const DOCKER_HUB: &str = "docker.io";

/// The longest path of a repository, in bytes.
const LONGEST_REPOSITORY: usize = 255;

/// The grammar of `distribution/reference`, in ASCII as it is there. The same in oci-spec takes letters of all scripts into tags, which
/// makes it a hundred times as large: 45 ms at the start of every program that reads one name.
#[allow(clippy::expect_used, reason = "a constant pattern compiles")]
static GRAMMAR: LazyLock<Regex> = LazyLock::new(|| {
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let domain = format!(r"{label}(?:\.{label})*(?::[0-9]+)?");
    let component = "[a-z0-9]+(?:(?:[._]|__|-*)[a-z0-9]+)*";
    let tag = "[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    let grammar =
        format!("^((?:{domain}/)?{component}(?:/{component})*)(?::({tag}))?(?:@({digest}))?$");
    Regex::new(&grammar).expect("a constant pattern compiles")
});

/// A name in a registry, valid by construction: it has a tag, a digest or both, and consists of ASCII only, so it can stand in a
/// URL as it is.
///
/// The grammar is Docker's (`distribution/reference`): a first component without `.` or `:` that is not `localhost` belongs to
/// Docker Hub (`docker.io`), and a reference without tag and digest means `:latest`. IPv6 literals are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Reads a reference; misuse when it is not valid.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = || {
            Error::misuse(format!("`{}` is not an image reference", shown(text)))
                .hint("write it as registry.example.com/team/service:tag")
        };
        let found = GRAMMAR.captures(text).ok_or_else(invalid)?;
        let part =
            |found: &Captures<'_>, number| found.get(number).map(|it| it.as_str().to_owned());
        let (tag, digest) = (part(&found, 2), part(&found, 3));
        let (registry, repository) = split_registry(&found[1]);
        let port = registry.rsplit_once(':').map(|(_, port)| port);
        if repository.len() > LONGEST_REPOSITORY
            || repository.contains(|c: char| c.is_ascii_uppercase())
            || port.is_some_and(|port| port.parse::<u16>().is_err())
            || digest
                .as_deref()
                .is_some_and(|digest| !has_its_length(digest))
        {
            return Err(invalid());
        }
        let tag = match (tag, &digest) {
            (None, None) => Some("latest".to_owned()),
            (tag, _) => tag,
        };
        Ok(Self {
            registry,
            repository,
            tag,
            digest,
        })
    }

    /// The registry's `host[:port]`, as credentials and error messages name it (`docker.io` for Docker Hub).
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path below the registry, without tag and digest.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, where there is one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest (`sha256:…`), where there is one.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The same repository under another tag, without a digest; misuse when `tag` is none.
    pub fn with_tag(&self, tag: &str) -> Result<Self> {
        let name = format!("{}/{}:{tag}", self.registry(), self.repository());
        Self::parse(&name)
            .ok()
            .filter(|new| new.tag() == Some(tag) && new.digest().is_none())
            .ok_or_else(|| {
                Error::misuse(format!("`{}` is not a tag", shown(tag)))
                    .hint("a tag has 1 to 128 letters, digits, `_`, `.` and `-`, and does not start with `.` or `-`")
            })
    }

    /// The same name with the digest it stands for; misuse when `digest` is none.
    pub fn with_digest(&self, digest: &str) -> Result<Self> {
        let tag = self.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
        let name = format!("{}/{}{tag}@{digest}", self.registry(), self.repository());
        Self::parse(&name)
    }
}

impl std::str::FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// Where repositories are laid: `[oci://]host[:port][/path]`, as `[image] registry` and `[chart] registry` give it and
/// `helm push` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    registry: String,
    /// Ends with `/`, or is empty.
    path: String,
}

impl Prefix {
    /// Reads a prefix; misuse when no repository can lie under it.
    pub fn parse(text: &str) -> Result<Self> {
        let bare = text.strip_prefix("oci://").unwrap_or(text);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        let sample = Reference::parse(&format!("{bare}/x")).map_err(|cause| {
            Error::misuse(format!("`{}` is not a place in a registry", shown(text)))
                .because(cause)
                .hint("write it as registry.example.com/team")
        })?;
        let path = sample.repository().strip_suffix('x').unwrap_or_default();
        Ok(Self {
            registry: sample.registry().to_owned(),
            path: path.to_owned(),
        })
    }

    /// The registry's `host[:port]`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// `name:tag` directly under this prefix; misuse when `name` is not one component of a repository's path or `tag` is no tag.
    pub fn reference(&self, name: &str, tag: &str) -> Result<Reference> {
        let repository = format!("{}{name}", self.path);
        Reference::parse(&format!("{}/{repository}", self.registry))
            .ok()
            .filter(|new| new.repository() == repository && !name.contains('/'))
            .ok_or_else(|| {
                Error::misuse(format!("`{}` cannot name a repository", shown(name)))
                    .hint("use lower-case letters, digits and single `.`, `_` or `-` between them")
            })?
            .with_tag(tag)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.strip_suffix('/').unwrap_or_default();
        let slash = if path.is_empty() { "" } else { "/" };
        write!(f, "{}{slash}{path}", self.registry)
    }
}

/// The registry and the path below it, completed as Docker does.
fn split_registry(name: &str) -> (String, String) {
    let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
    let (host, path) = match name.split_once('/') {
        Some((first, rest)) if is_host(first) => (first, rest),
        _ => (DOCKER_HUB, name),
    };
    let host = match host {
        "index.docker.io" => DOCKER_HUB,
        host => host,
    };
    let path = match host == DOCKER_HUB && !path.contains('/') {
        true => format!("library/{path}"),
        false => path.to_owned(),
    };
    (host.to_owned(), path)
}

/// Whether a digest is as long as its algorithm makes them; one of an algorithm that nobody registered is not.
fn has_its_length(digest: &str) -> bool {
    let (algorithm, hex) = digest.split_once(':').unwrap_or_default();
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length
}

/// `text` cut to a length that an error may repeat.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    #[test]
    fn names_are_completed_as_docker_does() {
        for (text, whole) in [
            ("web", "docker.io/library/web:latest"),
            ("acme/web:1", "docker.io/acme/web:1"),
            ("localhost/web", "localhost/web:latest"),
            ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c"),
            (
                "ghcr.io/acme/web:code-0123456789ab",
                "ghcr.io/acme/web:code-0123456789ab",
            ),
        ] {
            assert_eq!(Reference::parse(text).unwrap().to_string(), whole);
        }
    }

    #[test]
    fn a_digest_may_stand_beside_or_instead_of_a_tag() {
        let both = Reference::parse(&format!("ghcr.io/a/b:c@{DIGEST}")).unwrap();
        assert_eq!((both.tag(), both.digest()), (Some("c"), Some(DIGEST)));
        let one = Reference::parse(&format!("ghcr.io/a/b@{DIGEST}")).unwrap();
        assert_eq!((one.tag(), one.digest()), (None, Some(DIGEST)));
        assert_eq!(one.with_tag("d").unwrap().to_string(), "ghcr.io/a/b:d");
        let c = Reference::parse("ghcr.io/a/b:c").unwrap();
        assert_eq!(c.with_digest(DIGEST).unwrap(), both);
    }

    #[test]
    fn what_is_no_reference_is_misuse() {
        for text in [
            "",
            "-oProxyCommand=x",
            "ghcr.io/Acme/web",
            "Acme/web",
            "ghcr.io/a/b:tåg",
            "ghcr.io:99999/a",
            "ghcr.io/a/../b",
            "user:pw@ghcr.io/a",
            "ghcr.io/a?x=y",
            "ghcr.io/a b",
            "ghcr.io/a@sha256:00",
            "https://ghcr.io/a",
        ] {
            let error = Reference::parse(text).unwrap_err();
            assert_eq!(error.exit(), crate::model::exit::Exit::Misuse, "{text}");
        }
    }

    #[test]
    fn a_tag_cannot_smuggle_in_another_part() {
        let reference = Reference::parse("ghcr.io/a/b:c").unwrap();
        for tag in ["", "x/y", "x:y", &format!("x@{DIGEST}"), "a b", ".x", "1+2"] {
            assert!(reference.with_tag(tag).is_err(), "{tag}");
        }
    }

    #[test]
    fn a_prefix_takes_names_below_it() {
        for (prefix, whole) in [
            ("oci://127.0.0.1:5000", "127.0.0.1:5000/web:1.0.0_b"),
            (
                "oci://ghcr.io/acme/charts/",
                "ghcr.io/acme/charts/web:1.0.0_b",
            ),
            ("acme", "docker.io/acme/web:1.0.0_b"),
        ] {
            let prefix = Prefix::parse(prefix).unwrap();
            let reference = prefix.reference("web", "1.0.0_b").unwrap();
            assert_eq!(reference.to_string(), whole);
            assert_eq!(reference.registry(), prefix.registry());
        }
        assert_eq!(
            Prefix::parse("oci://ghcr.io/a/").unwrap().to_string(),
            "ghcr.io/a"
        );
        assert_eq!(Prefix::parse("ghcr.io").unwrap().to_string(), "ghcr.io");
    }

    #[test]
    fn a_prefix_refuses_names_that_lead_elsewhere() {
        let prefix = Prefix::parse("ghcr.io/acme").unwrap();
        for name in [
            "",
            "a/b",
            "../x",
            "Web",
            "web:1",
            &format!("web@{DIGEST}"),
            "a b",
        ] {
            assert!(prefix.reference(name, "1").is_err(), "{name}");
        }
        for text in ["", "https://ghcr.io", "ghcr.io/a:1", "ghcr.io//", "a b"] {
            assert!(Prefix::parse(text).is_err(), "{text}");
        }
    }
}
