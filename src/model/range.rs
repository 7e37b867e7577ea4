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
    /// `B^!` and `B^-N`: the parent A of B against B. Of a commit without parents, nothing against it.
    Parent,
}

impl Range {
    /// Reads `A..B`, `A...B`, `B^!` or `B^-N`; a side left out is HEAD. A single revision is refused, since git means the worktree
    /// by it.
    pub fn parse(text: &str) -> Result<Self> {
        if text.starts_with('^') || text.contains(' ') {
            return Err(excluded(text));
        }
        if let Some((head, parent)) = of_parent(text) {
            return Self {
                base: format!("{head}^{parent}"),
                head: side(head),
                notation: Notation::Parent,
            }
            .checked();
        }
        let (base, head, notation) = if let Some((base, head)) = text.split_once("...") {
            (base, head, Notation::ThreeDots)
        } else if let Some((base, head)) = text.split_once("..") {
            (base, head, Notation::TwoDots)
        } else {
            return Err(Error::misuse(format!("`{text}` is not a range"))
                .hint(format!("from the common ancestor to now: {text}...HEAD"))
                .hint(format!("exactly from there to now: {text}..HEAD")));
        };
        let range = Self {
            base: side(base),
            head: side(head),
            notation,
        };
        if notation == Notation::ThreeDots && (is_null(&range.base) || is_null(&range.head)) {
            return Err(Error::misuse(format!(
                "`{text}` is not a range: an id of zeros stands for no commit, which has no merge base"
            ))
            .hint(format!("compare with nothing: {}..{}", range.base, range.head)));
        }
        range.checked()
    }

    /// `--base A --head B`, which means `A...B` as CI tools read it. Zeros for A mean a first push, as in `A..B`: that is what a
    /// system's variable for the commit before the push holds then.
    pub fn between(base: &str, head: Option<&str>) -> Result<Self> {
        let head = head.unwrap_or("HEAD").to_owned();
        let notation = match is_null(base) {
            true => Notation::TwoDots,
            false => Notation::ThreeDots,
        };
        Self {
            base: base.to_owned(),
            head,
            notation,
        }
        .checked()
    }

    fn checked(self) -> Result<Self> {
        revision(&self.base)?;
        revision(&self.head)?;
        if is_null(&self.base) && is_null(&self.head) {
            return Err(Error::misuse(
                "there is nothing to compare: both ends are zeros",
            ));
        }
        Ok(self)
    }
}

/// Whether `rev` is an id of zeros, which stands for no commit: githooks(5) has it where a branch is made or deleted, and CI systems
/// do, too.
pub fn is_null(rev: &str) -> bool {
    matches!(rev.len(), 40 | 64) && rev.bytes().all(|byte| byte == b'0')
}

fn side(rev: &str) -> String {
    match rev {
        "" => "HEAD".to_owned(),
        rev => rev.to_owned(),
    }
}

/// `B` and the number of the parent, of `B^!` or `B^-N`.
fn of_parent(text: &str) -> Option<(&str, &str)> {
    if let Some(head) = text.strip_suffix("^!") {
        return Some((head, "1"));
    }
    let (head, parent) = text.rsplit_once("^-")?;
    match parent {
        "" => Some((head, "1")),
        number => number.parse::<u8>().is_ok().then_some((head, number)),
    }
}

/// The error about git's `^A B`, which is two arguments.
fn excluded(text: &str) -> Error {
    let mut words = text.split(' ');
    let base = words.clone().find_map(|word| word.strip_prefix('^'));
    let head = words.find(|word| !word.starts_with('^') && !word.is_empty());
    let error = Error::misuse(format!("`{text}` is not a range that flota reads"));
    match base {
        Some(base) => error.hint(format!(
            "exactly from there to {}: {base}..{}",
            head.unwrap_or("now"),
            head.unwrap_or("HEAD")
        )),
        None => error.hint("name the two ends: flota changed A..B"),
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
            Notation::TwoDots | Notation::Parent => "..",
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
            ("HEAD^!", "HEAD^1", "HEAD", Notation::Parent),
            ("main^-", "main^1", "main", Notation::Parent),
            ("main^-2", "main^2", "main", Notation::Parent),
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
    fn zeros_are_no_commit() {
        let zeros = "0".repeat(40);
        let first = Range::parse(&format!("{zeros}..main")).unwrap();
        assert_eq!(Range::between(&zeros, Some("main")).unwrap(), first);
        assert!(Range::parse(&format!("main..{zeros}")).is_ok());
        for text in [
            format!("{zeros}...main"),
            format!("main...{zeros}"),
            format!("{zeros}..{zeros}"),
        ] {
            assert!(Range::parse(&text).is_err(), "{text}");
        }
        assert!(is_null(&"0".repeat(64)));
        assert!(!is_null(&"0".repeat(39)));
    }

    #[test]
    fn git_s_other_notations_are_refused_with_the_one_that_is_meant() {
        for (text, hint) in [
            ("^main topic", "main..topic"),
            ("^main", "main..HEAD"),
            ("topic ^main", "main..topic"),
            ("main", "main..HEAD"),
        ] {
            let error = Range::parse(text).unwrap_err();
            assert!(error.hints().iter().any(|it| it.ends_with(hint)), "{text}");
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
