//! Lists of globs over paths, which are bytes in Git.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bstr::BStr;
use globset::{Candidate, Glob, GlobBuilder, GlobSet};

use super::valid::shown;
use crate::model::error::{Error, Result};

/// The longest glob read: a path's usual limit, far below where nested braces would end the compiler's stack.
const LONGEST: usize = 1024;

/// The most globs of one list: a compiled glob takes memory out of proportion to its text.
const MOST: usize = 1000;

/// A list of globs; it matches what one of them matches.
///
/// `*` ends at a `/`, `**` crosses it, `?` and `[a-z]` stand for one byte, `{a,b}` chooses, `\` takes the next character
/// as it is. A path matches as a whole, so a folder's content is `folder/**`. Two lists are equal if written alike.
///
/// A clone shares the list: every service has one.
#[derive(Clone, Default)]
pub struct Globs(Arc<List>);

#[derive(Default)]
struct List {
    sources: Vec<String>,
    set: OnceLock<GlobSet>,
}

impl Globs {
    /// Compiles the list.
    ///
    /// # Errors
    /// The first glob that does not compile or can never match, or a list too long.
    pub fn new<S: AsRef<str>>(globs: impl IntoIterator<Item = S>) -> Result<Self> {
        globs
            .into_iter()
            .map(|glob| compile(glob.as_ref()))
            .collect::<Result<Vec<_>>>()
            .and_then(Self::from_compiled)
    }

    /// A list in flota's own text, compiled when it is first matched: compiling it takes longer than reading a service.
    ///
    /// # Panics
    /// With the first match, if the list does not compile.
    pub fn constant(globs: &[&str]) -> Self {
        Self(Arc::new(List {
            sources: globs.iter().map(|glob| (*glob).to_owned()).collect(),
            set: OnceLock::new(),
        }))
    }

    /// Joins globs that [`compile`] has made, for a reader that tells where each stands.
    pub(crate) fn from_compiled(globs: Vec<Glob>) -> Result<Self> {
        if globs.len() > MOST {
            return Err(Error::misuse(format!(
                "{} globs in one list, more than {MOST}",
                globs.len()
            ))
            .hint("use `**` to match more with one glob"));
        }
        let set = GlobSet::new(&globs).map_err(|_| {
            Error::misuse("the globs are too many, or too deep, to be compiled together")
                .hint("use `**` to match more with one glob")
        })?;
        let sources = globs.iter().map(|glob| glob.glob().to_owned()).collect();
        Ok(Self(Arc::new(List {
            sources,
            set: OnceLock::from(set),
        })))
    }

    /// Whether one of the globs matches the path, which is relative and separated by `/`.
    pub fn is_match(&self, path: &BStr) -> bool {
        let bytes: &[u8] = path;
        self.set().is_match_candidate(&Candidate::from_bytes(bytes))
    }

    /// Whether one of the globs may match something below the folder `path`. Where that is hard to tell, the answer is yes.
    pub fn may_match_below(&self, path: &BStr) -> bool {
        let below = [path, b"/".as_slice()].concat();
        let depth = |path: &[u8]| path.iter().filter(|byte| **byte == b'/').count();
        self.sources().iter().any(|glob| {
            let end = glob.find(['*', '?', '[', '{', '\\']).unwrap_or(glob.len());
            let beginning = &glob.as_bytes()[..end];
            let leads_there = below.starts_with(beginning) || beginning.starts_with(&below);
            let is_bounded = !glob.contains("**") && !glob.contains('{');
            leads_there && !(is_bounded && depth(glob.as_bytes()) <= depth(path))
        })
    }

    #[allow(clippy::expect_used, reason = "a constant list compiles")]
    fn set(&self) -> &GlobSet {
        self.0.set.get_or_init(|| {
            let globs = self.sources().iter().map(|glob| compile(glob));
            let globs = globs.collect::<Result<Vec<_>>>();
            let globs = globs.expect("a constant list compiles");
            GlobSet::new(&globs).expect("a constant list is short")
        })
    }

    /// The globs as they were written, in their order.
    pub fn sources(&self) -> &[String] {
        &self.0.sources
    }
}

impl PartialEq for Globs {
    fn eq(&self, other: &Self) -> bool {
        self.sources() == other.sources()
    }
}

impl Eq for Globs {}

impl fmt::Debug for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Globs").field(&self.sources()).finish()
    }
}

/// Reads one glob, and refuses what would compile and never match a path of a tree.
pub(crate) fn compile(glob: &str) -> Result<Glob> {
    refuse_what_never_matches(glob)?;
    let mut builder = GlobBuilder::new(glob);
    builder.literal_separator(true).backslash_escape(true);
    builder.build().map_err(|error| {
        Error::misuse(format!(
            "the glob `{}` does not compile: {}",
            shown(glob),
            error.kind()
        ))
        .hint(r"a character of `*?[]{}\` is matched literally with a `\` before it")
    })
}

fn refuse_what_never_matches(glob: &str) -> Result<()> {
    let refused = |why: &str| Error::misuse(format!("the glob `{}` {why}", shown(glob)));
    if glob.is_empty() {
        return Err(refused("is empty").hint("everything is `**`"));
    }
    if glob.len() > LONGEST {
        return Err(
            refused(&format!("is longer than {LONGEST} bytes")).hint("write several shorter ones")
        );
    }
    if glob.contains(char::is_control) {
        return Err(refused("has a control character")
            .hint("put `?` in its place: it matches any one byte"));
    }
    if let Some(rest) = glob.strip_prefix('!') {
        return Err(
            refused("begins with `!`, which leaves nothing out here").hint(format!(
                "to leave paths out of a service's change: ignore = [{:?}]",
                shown(rest)
            )),
        );
    }
    if let Some(folder) = glob.strip_suffix('/') {
        return Err(refused("ends with `/`, which no path does").hint(format!(
            "a directory's content is {:?}",
            format!("{folder}/**")
        )));
    }
    if glob.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(
            refused("has an empty, `.` or `..` component, which no path has")
                .hint("paths are relative to the repository's root, as in `code/**`"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, path: &[u8]) -> bool {
        Globs::new([glob]).unwrap().is_match(path.into())
    }

    #[test]
    fn a_star_ends_at_a_slash_and_two_cross_it() {
        assert!(matches("code/**", b"code/a/b.rs"));
        assert!(!matches("code/**", b"code"));
        assert!(!matches("code/**", b"code2/a"));
        assert!(!matches("code/*", b"code/a/b.rs"));
        assert!(matches("**/*.md", b"README.md"));
        assert!(matches("**/*.md", b"docs/a/b.md"));
        assert!(matches("{a,b}/[x-z]?", b"b/y1"));
        assert!(!matches("Code/**", b"code/a"));
    }

    #[test]
    fn what_cannot_match_below_a_folder_is_told() {
        for (glob, path, may) in [
            ("services/*", "tools/scratch", false),
            ("services/*", "services", true),
            ("services/*", "services/api", false),
            ("services/*/*", "services/api", true),
            ("services/**", "services/api", true),
            ("services/**", "service", false),
            ("*", "scratch", false),
            ("*/*", "scratch", true),
            ("*/api", "tools/scratch", false),
            ("**", "tools/scratch", true),
            ("**/api", "tools/scratch", true),
            ("{a,tools/scratch/b}", "tools/scratch", true),
            ("tools/scratch", "tools/scratch", false),
            ("tools/scratch/api", "tools/scratch", true),
            ("tools/s*", "tools/scratch", false),
            ("tools/s*/api", "tools/scratch", true),
        ] {
            let globs = Globs::new([glob]).unwrap();
            assert_eq!(globs.may_match_below(path.into()), may, "{glob} {path}");
        }
    }

    #[test]
    fn paths_are_bytes() {
        assert!(matches("code/**", b"code/\xff\xfe/new\nline"));
        assert!(matches("code/*/x", b"code/\xff\n/x"));
        assert!(matches("caf\u{e9}/**", "caf\u{e9}/x".as_bytes()));
        assert!(matches("\\*", b"*") && !matches("\\*", b"a"));
    }

    #[test]
    fn equality_and_debug_are_of_the_text() {
        let globs = Globs::new(["a", "b/**"]).unwrap();
        assert_eq!(globs, Globs::new(["a", "b/**"]).unwrap());
        assert_ne!(globs, Globs::new(["b/**", "a"]).unwrap());
        assert_eq!(format!("{globs:?}"), r#"Globs(["a", "b/**"])"#);
        assert!(!Globs::default().is_match("a".into()));
    }

    #[test]
    fn what_can_never_match_is_refused() {
        for glob in [
            "", "!a", "code/", "/code", "./a", "a/../b", "a//b", "[a", "{a", "a}", "a\u{7}",
            "[z-a]", "a\\",
        ] {
            assert!(Globs::new([glob]).is_err(), "{glob:?}");
        }
    }

    #[test]
    fn hostile_globs_end_in_an_error_or_a_match_never_in_a_crash() {
        for glob in [
            "{".repeat(LONGEST),
            "{a,".repeat(LONGEST / 4) + &"}".repeat(LONGEST / 4),
            "*".repeat(LONGEST),
            "*a".repeat(LONGEST / 2),
            "[".repeat(LONGEST),
        ] {
            if let Ok(globs) = Globs::new([&glob]) {
                globs.is_match(BStr::new(&[b'a'; 4096]));
            }
        }
        assert!(Globs::new(["a".repeat(LONGEST + 1)]).is_err());
        assert!(Globs::new(vec!["a"; MOST + 1]).is_err());
    }
}
