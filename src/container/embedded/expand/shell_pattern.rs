//! The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/word}`.
//!
//! Source: BuildKit's shell lexer: `*` and `?` are special, `[` is not, and a backslash takes the meaning of these two and of itself.

use regex::Regex;

/// A pattern.
pub(super) struct ShellPattern(Regex);

impl ShellPattern {
    /// `pattern`, whose `*` takes as much as it can, or as little.
    pub(super) fn new(pattern: &str, longest: bool) -> Result<Self, String> {
        let star = if longest { ".*" } else { ".*?" };
        let mut expression = String::new();
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '*' => expression += star,
                '?' => expression += ".",
                // They end an operand, so a `}` and a `/` have to be escaped there.
                '\\' if matches!(rest.peek(), Some('}' | '/')) => {}
                '\\' => match rest.next() {
                    Some(c @ ('*' | '?' | '\\')) => expression += &regex::escape(&c.to_string()),
                    _ => return Err(format!("`{pattern}` has a `\\` before what is not special")),
                },
                c => expression += &regex::escape(&c.to_string()),
            }
        }
        let pattern = Regex::new(&expression);
        pattern
            .map(Self)
            .map_err(|_| format!("`{expression}` is not a pattern"))
    }

    /// `pattern` from its end, for [`Self::without_suffix`].
    pub(super) fn reversed(pattern: &str, longest: bool) -> Result<Self, String> {
        let mut units = Vec::new();
        let mut rest = pattern.chars();
        while let Some(c) = rest.next() {
            let escaped = Some(c).filter(|&c| c == '\\').and_then(|_| rest.next());
            units.push([Some(c), escaped]);
        }
        let reversed: String = units.into_iter().rev().flatten().flatten().collect();
        Self::new(&reversed, longest)
    }

    /// `value` without what matches at its beginning.
    pub(super) fn without_prefix(&self, value: &str) -> String {
        let found = self.0.find(value).filter(|found| found.start() == 0);
        value[found.map_or(0, |found| found.end())..].to_owned()
    }

    /// `value` without what matches at its end; the pattern is a reversed one.
    pub(super) fn without_suffix(&self, value: &str) -> String {
        let reversed: String = value.chars().rev().collect();
        self.without_prefix(&reversed).chars().rev().collect()
    }

    /// How often it matches in `value`.
    pub(super) fn count(&self, value: &str) -> usize {
        self.0.find_iter(value).count()
    }

    /// `value` with `word` in place of the first match, or of all. As in BuildKit, `$1` in the word of the latter is a group of the
    /// pattern, which has none.
    pub(super) fn replaced(&self, value: &str, word: &str, all: bool) -> String {
        match all {
            true => self.0.replace_all(value, word).into_owned(),
            false => self
                .0
                .replacen(value, 1, regex::NoExpand(word))
                .into_owned(),
        }
    }
}
