//! Go's path patterns, as Docker uses them for `COPY`, `--exclude` and `.dockerignore`.

use std::path::Path;

use regex::Regex;

/// A pattern over slash-separated paths that are relative to the context's root.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Go's `filepath.Match`, the wildcards of a source: `*` and `?` stay within one component.
    pub(super) fn wildcard(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern, false)
    }

    /// The same with `**` for any number of directories, as moby/patternmatcher has it.
    pub(super) fn deep(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern, true)
    }

    /// Whether the whole of `path` matches. Bytes that are not UTF-8 count as one unknown character each, as in Go.
    pub(super) fn matches(&self, path: &Path) -> bool {
        self.0.is_match(&path.to_string_lossy())
    }

    /// Whether `path` or a directory above it matches: who names a directory names what is in it.
    pub(super) fn matches_or_above(&self, path: &Path) -> bool {
        path.ancestors()
            .filter(|ancestor| !ancestor.as_os_str().is_empty())
            .any(|ancestor| self.matches(ancestor))
    }

    fn compile(pattern: &str, deep: bool) -> Result<Self, String> {
        let bad = || format!("`{pattern}` is not a valid pattern");
        let expression = match suffix(pattern).filter(|_| deep) {
            Some(suffix) => format!(".*{}", regex::escape(suffix)),
            None => translate(pattern, deep).ok_or_else(bad)?,
        };
        let anchored = format!("(?s)^(?:{expression})$");
        Regex::new(&anchored).map(Self).map_err(|_| bad())
    }
}

/// Whether a source has to be searched for, rather than looked up.
pub(super) fn has_wildcard(path: &str) -> bool {
    path.contains(['*', '?', '[', '\\'])
}

/// The literal rest of `**rest`, which patternmatcher compares with the end of the whole path (so `**.log` finds `a/b.log`).
fn suffix(pattern: &str) -> Option<&str> {
    pattern
        .strip_prefix("**")
        .filter(|rest| !rest.starts_with('/') && !has_wildcard(rest))
}

/// The regular expression for `pattern`; `None` if it is malformed.
fn translate(pattern: &str, deep: bool) -> Option<String> {
    let mut expression = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if deep && rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                expression += if rest.peek().is_none() {
                    ".*"
                } else {
                    "(?:.*/)?"
                };
            }
            '*' => expression += "[^/]*",
            '?' => expression += "[^/]",
            '[' => expression += &class(&mut rest)?,
            '\\' => push_literal(&mut expression, rest.next()?),
            c => push_literal(&mut expression, c),
        }
    }
    Some(expression)
}

/// A character class after its `[`: Go's syntax, where only `^` negates and `\` escapes.
fn class(rest: &mut std::iter::Peekable<std::str::Chars>) -> Option<String> {
    let mut class = String::from("[");
    if rest.next_if_eq(&'^').is_some() {
        class.push('^');
    }
    let mut ranges = 0;
    while ranges == 0 || rest.peek() != Some(&']') {
        let low = class_member(rest)?;
        let high = match rest.next_if_eq(&'-') {
            Some(_) => class_member(rest)?,
            None => low,
        };
        class += &format!(r"\x{{{:x}}}-\x{{{:x}}}", u32::from(low), u32::from(high));
        ranges += 1;
    }
    rest.next();
    class.push(']');
    Some(class)
}

fn class_member(rest: &mut impl Iterator<Item = char>) -> Option<char> {
    match rest.next()? {
        '\\' => rest.next(),
        ']' | '-' => None,
        c => Some(c),
    }
}

fn push_literal(expression: &mut String, c: char) {
    expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stay_within_a_component() {
        for (pattern, path, expected) in [
            ("*.go", "main.go", true),
            ("*.go", "cmd/main.go", false),
            ("*", ".hidden", true),
            ("**", "a/b", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[!a]x", "!x", true),
            ("[!a]x", "bx", false),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("a.b", "aXb", false),
            ("[[]a", "[a", true),
            ("[&&]", "&", true),
            ("ä?", "äö", true),
        ] {
            let found = Pattern::wildcard(pattern).unwrap().matches(Path::new(path));
            assert_eq!(found, expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn deep_patterns_follow_patternmatcher() {
        for (pattern, path, expected) in [
            ("**", "a/b", true),
            ("**/x", "x", true),
            ("**/x", "a/b/x", true),
            ("**/x", "a/bx", false),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("**.log", "a/b.log", true),
            ("**.l?g", "a/b.log", false),
            ("a**", "a/b", true),
            ("a**b", "ax/b", true),
            ("a**b", "axb", false),
            ("**/*.txt", "a/b/c.txt", true),
        ] {
            let found = Pattern::deep(pattern).unwrap().matches(Path::new(path));
            assert_eq!(found, expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn malformed_patterns_are_named() {
        for pattern in ["[", "[a", "[]a]", "a\\", "[z-a]", "[a-]"] {
            let error = Pattern::wildcard(pattern).unwrap_err();
            assert!(error.contains(pattern), "{error}");
        }
    }
}
