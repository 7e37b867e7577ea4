//! The keys under which charts keep the parts of an image's reference.

use super::yaml::Node;

/// `registry/` in front of the repository.
const REGISTRY: [&str; 2] = ["registry", "imageRegistry"];
/// The repository.
const REPOSITORY: [&str; 3] = ["repository", "repo", "imageRepository"];
/// The repository where there is no other key for it, else perhaps its last part.
const NAME: [&str; 3] = ["name", "imageName", "image"];
/// The tag.
const TAG: [&str; 3] = ["tag", "imageTag", "version"];
/// The digest with its algorithm, `sha256:…`.
const DIGEST: [&str; 2] = ["digest", "imageDigest"];
/// The digest's hexadecimal digits alone, behind an `@sha256:` of the template.
const HEX: [&str; 5] = ["sha", "sha256", "imageSha", "hash", "shasum"];

/// The keys of one image in one mapping, as far as it has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// The registry.
    pub registry: Option<String>,
    /// The repository: with the registry in it where there is no key for that, without its last part where `name` is one.
    pub repository: Option<String>,
    /// The repository's last part.
    pub name: Option<String>,
    /// The tag.
    pub tag: Option<String>,
    /// The digest with its algorithm.
    pub digest: Option<String>,
    /// All keys with the digits of a digest.
    pub hex: Vec<String>,
}

impl Keys {
    /// The keys of a mapping that is an image, such as `image:`. `follows` says whether a template writes a key behind a `/`: then
    /// it is the last part of a name whose first part is under another key.
    pub(super) fn of_mapping(map: &Node, follows: impl Fn(&str) -> bool) -> Self {
        let has = |names: &[&str]| first(map, names.iter().copied());
        let repository = has(&REPOSITORY).or_else(|| has(&NAME));
        let name = has(&NAME).filter(|name| Some(name) != repository.as_ref() && follows(name));
        Self {
            registry: has(&REGISTRY),
            repository,
            name,
            tag: has(&TAG),
            digest: has(&DIGEST),
            hex: all(map, HEX.iter().copied()),
        }
    }

    /// The keys of an image whose name is the string `key` of a mapping: the others are its neighbours, such as `imageTag` beside
    /// `image`, or `tag` where the mapping is that of one image.
    pub(super) fn beside(map: &Node, key: &str) -> Self {
        let stem = [
            "Repository",
            "Repo",
            "Name",
            "_repository",
            "_repo",
            "_name",
        ]
        .iter()
        .find_map(|end| key.strip_suffix(end))
        .unwrap_or(key);
        let own = |names: &[&str]| -> Vec<String> {
            let joined = |name: &str| {
                let mut letters = name.chars();
                let capital = letters.next().map(|first| first.to_ascii_uppercase());
                let capital: String = capital.into_iter().chain(letters).collect();
                [
                    format!("{stem}{capital}"),
                    format!("{stem}_{name}"),
                    format!("{stem}-{name}"),
                ]
            };
            names
                .iter()
                .flat_map(|name| joined(name))
                .filter(|name| name != key)
                .collect()
        };
        let plain = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let find = |names: &[&str], neighbours: &[&str]| {
            let names = [own(names), plain(neighbours)].concat();
            first(map, names.iter().map(String::as_str))
        };
        let hex = [own(&["sha", "sha256"]), plain(&["sha", "sha256"])].concat();
        Self {
            registry: find(&["registry"], &["registry", "imageRegistry"]),
            repository: Some(key.to_owned()),
            name: None,
            tag: find(&["tag", "version"], &["tag", "imageTag"]),
            digest: find(&["digest"], &["digest", "imageDigest"]),
            hex: all(map, hex.iter().map(String::as_str)),
        }
    }

    /// These keys, and those of `others` for what these do not say.
    pub(super) fn or(self, others: Self) -> Self {
        let hex = if self.hex.is_empty() {
            others.hex
        } else {
            self.hex
        };
        Self {
            registry: self.registry.or(others.registry),
            repository: self.repository.or(others.repository),
            name: self.name.or(others.name),
            tag: self.tag.or(others.tag),
            digest: self.digest.or(others.digest),
            hex,
        }
    }

    /// Whether anything says what the image contains, beside its name.
    pub(super) fn names_content(&self) -> bool {
        self.tag.is_some() || self.digest.is_some() || !self.hex.is_empty()
    }
}

fn first<'k>(map: &Node, mut names: impl Iterator<Item = &'k str>) -> Option<String> {
    names
        .find(|name| map.get(name).is_some())
        .map(str::to_owned)
}

fn all<'k>(map: &Node, names: impl Iterator<Item = &'k str>) -> Vec<String> {
    let found = names.filter(|name| map.get(name).is_some());
    found.map(str::to_owned).collect()
}

/// Whether a reference has a tag or a digest.
pub(super) fn names_content(reference: &str) -> bool {
    let last = reference.rsplit('/').next().unwrap_or_default();
    last.contains([':', '@'])
}

/// The digits of a digest.
pub(super) fn digits(digest: &str) -> &str {
    digest.split_once(':').map_or(digest, |(_, digits)| digits)
}

/// Whether these are the digits of a digest.
pub(super) fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
