//! Which two ends to compare, as the user wrote it (gitrevisions(7)).

use super::error::{Error, Result};

/// Two ends of a comparison, not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The older end.
    pub base: String,
    /// The newer end.
    pub head: String,
    /// How the base is meant.
    pub notation: Notation,
}

/// git's two range notations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// `A..B`: the two end points themselves.
    TwoDots,
    /// `A...B`: the merge base of A and B, against B.
    ThreeDots,
}

impl Range {
    /// Reads `A..B` or `A...B`; a side left out is HEAD. A single revision is refused, since git means the worktree by it.
    pub fn parse(text: &str) -> Result<Self> {
        let (base, head, notation) = if let Some((base, head)) = text.split_once("...") {
            (base, head, Notation::ThreeDots)
        } else if let Some((base, head)) = text.split_once("..") {
            (base, head, Notation::TwoDots)
        } else {
            return Err(Error::misuse(format!("`{text}` is not a range"))
                .hint(format!("from the common ancestor to now: {text}...HEAD"))
                .hint(format!("exactly from there to now: {text}..HEAD")));
        };
        let side = |rev: &str| {
            if rev.is_empty() {
                "HEAD".to_owned()
            } else {
                rev.to_owned()
            }
        };
        Self {
            base: side(base),
            head: side(head),
            notation,
        }
        .checked()
    }

    /// `--base A --head B`, which means `A...B` as CI tools read it.
    pub fn between(base: &str, head: Option<&str>) -> Result<Self> {
        let head = head.unwrap_or("HEAD").to_owned();
        Self {
            base: base.to_owned(),
            head,
            notation: Notation::ThreeDots,
        }
        .checked()
    }

    fn checked(self) -> Result<Self> {
        revision(&self.base)?;
        revision(&self.head)?;
        Ok(self)
    }
}

/// A revision that looks like an option must never reach a program as one (`--output=FILE` makes `git diff` write).
///
/// # Errors
/// Misuse: it does, or it is not a valid pattern.
pub fn revision(rev: &str) -> Result<&str> {
    if rev.is_empty() || rev.starts_with('-') {
        return Err(Error::misuse(format!("`{rev}` is not a revision"))
            .hint("name a commit, a branch or a tag: flota changed main...HEAD"));
    }
    Ok(rev)
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dots = match self.notation {
            Notation::TwoDots => "..",
            Notation::ThreeDots => "...",
        };
        write!(f, "{}{dots}{}", self.base, self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_as_git_reads_them() {
        for (text, base, head, notation) in [
            ("a..b", "a", "b", Notation::TwoDots),
            ("a...b", "a", "b", Notation::ThreeDots),
            ("..b", "HEAD", "b", Notation::TwoDots),
            ("a...", "a", "HEAD", Notation::ThreeDots),
            ("v1.0..v1.1", "v1.0", "v1.1", Notation::TwoDots),
        ] {
            let want = Range {
                base: base.into(),
                head: head.into(),
                notation,
            };
            assert_eq!(Range::parse(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn what_could_be_an_option_or_the_worktree_is_refused() {
        for text in ["main", "--output=x..HEAD", "a..-b"] {
            assert!(Range::parse(text).is_err(), "{text}");
        }
        assert!(Range::between("--output=x", None).is_err());
    }
}
