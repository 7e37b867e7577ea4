//! What a piece of evidence is about, and where it is kept.
//!
//! Evidence is kept by content, so that the same content on another branch, or after a revert, has it already.

use super::error::{Error, Result};

/// How many digits the shortest id of a content has: those that identities are cut to.
const SHORTEST: usize = 12;

/// What a piece of evidence is about: the content, and the gate that looked at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EvidenceKey {
    kind: String,
    content: String,
    name: String,
}

impl EvidenceKey {
    /// `kind` is what the gate looks at: `image`, `chart`, `service` or `release`. `content` is the id of what it looked at: lower-case
    /// hexadecimal digits, a digest without its algorithm (`sha256:`). `name` is the gate's.
    ///
    /// # Errors
    /// Misuse: one of them cannot be part of a path.
    pub fn new(kind: &str, content: &str, name: &str) -> Result<Self> {
        let is_word = |text: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !text.is_empty() && !text.starts_with(['.', '-']) && text.chars().all(is_plain)
        };
        let is_id = content.len() >= SHORTEST
            && content
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_word(kind) || !is_word(name) || !is_id {
            return Err(Error::misuse(format!(
                "`{kind}/{content}/{name}` is not a valid name for evidence"
            ))
            .hint("a gate's name has the characters a-z, A-Z, 0-9, `-`, `_` and `.`"));
        }
        Ok(Self {
            kind: kind.to_owned(),
            content: content.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The path in the tree of all evidence: `image/ab/cdef…/scan.json`. A folder holds 256 others at most, so that writing one piece
    /// writes little.
    pub fn path(&self) -> String {
        let (folder, rest) = self.content.split_at(2);
        format!("{}/{folder}/{rest}/{}.json", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_path_below_its_kind() {
        let content = "abcdef0123456789";
        let key = EvidenceKey::new("image", content, "scan").unwrap();
        assert_eq!(key.path(), "image/ab/cdef0123456789/scan.json");
        for (kind, content, name) in [
            ("", content, "scan"),
            ("..", content, "scan"),
            ("image/x", content, "scan"),
            ("image", "sha256:abcdef012345", "scan"),
            ("image", "ABCDEF012345", "scan"),
            ("image", "abcdef", "scan"),
            ("image", "../../etc/passwd", "scan"),
            ("image", content, ""),
            ("image", content, ".git"),
            ("image", content, "a/b"),
            ("image", content, "a\nb"),
        ] {
            let error = EvidenceKey::new(kind, content, name).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
