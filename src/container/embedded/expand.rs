//! Words and variables of a Dockerfile.
//!
//! Source: <https://docs.docker.com/reference/dockerfile/#environment-replacement> and BuildKit's shell lexer.

mod shell_pattern;

use std::{cell::Cell, iter::Peekable, str::Chars};

use shell_pattern::ShellPattern;

/// Bytes that variables may put into one Dockerfile in total: `ENV A=$A$A`, line after line, doubles each time.
const SUBSTITUTED: usize = 512 * 1024;

/// How deep `${a:-${b:-…}}` may nest.
const DEPTH: usize = 16;

/// What a variable's name stands for, if it is set.
pub(in crate::container) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why a word cannot be read, by any builder.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::container) struct ExpandFault(pub String);

impl<S: Into<String>> From<S> for ExpandFault {
    fn from(why: S) -> Self {
        Self(why.into())
    }
}

/// Replaces variables, with the escape character of one Dockerfile and a bound on what they add to it.
#[derive(Debug)]
pub(in crate::container) struct Expander {
    escape: char,
    left: Cell<usize>,
}

impl Expander {
    /// For a Dockerfile whose escape character is `escape` (a backslash or a backtick).
    pub(in crate::container) fn new(escape: char) -> Self {
        let left = Cell::new(SUBSTITUTED);
        Self { escape, left }
    }

    /// `word` with its variables replaced, its quotes and escapes taken off.
    pub(in crate::container) fn word(
        &self,
        word: &str,
        variables: Variables,
    ) -> Result<String, ExpandFault> {
        self.lexer(word, variables, self.escape, true).all()
    }

    /// A here-document with its variables replaced: quotes are text there, and the escape is always a backslash.
    pub(super) fn document(&self, text: &str, variables: Variables) -> Result<String, ExpandFault> {
        self.lexer(text, variables, '\\', false).all()
    }

    /// `text` cut at white space; quotes and escapes hold a word together and stay in it, for [`Self::word`].
    pub(in crate::container) fn split(&self, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        let mut word = String::new();
        let mut quote = None;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if quote.is_none() && c.is_whitespace() {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
                continue;
            }
            word.push(c);
            if c == self.escape && quote != Some('\'') {
                word.extend(chars.next());
            } else if quote == Some(c) {
                quote = None;
            } else if quote.is_none() && matches!(c, '\'' | '"') {
                quote = Some(c);
            }
        }
        words.extend(Some(word).filter(|word| !word.is_empty()));
        words
    }

    /// The `name=value` pairs of `ENV` and `LABEL`, or the one pair of their old form `name value`; nothing replaced yet.
    pub(super) fn pairs(&self, text: &str) -> Result<Vec<(String, String)>, ExpandFault> {
        let words = self.split(text);
        if words.first().is_some_and(|first| !first.contains('=')) {
            let (name, value) = text
                .split_once(char::is_whitespace)
                .ok_or("it needs a name and a value")?;
            return Ok(vec![(name.to_owned(), value.trim_start().to_owned())]);
        }
        let pair = |word: &String| {
            let (name, value) = word
                .split_once('=')
                .ok_or_else(|| format!("`{word}` has no `=`, as in `name=value`"))?;
            match name {
                "" => Err(format!("`{word}` has no name before its `=`").into()),
                name => Ok((name.to_owned(), value.to_owned())),
            }
        };
        words.iter().map(pair).collect()
    }

    fn lexer<'a>(
        &'a self,
        text: &'a str,
        variables: Variables<'a>,
        escape: char,
        quotes: bool,
    ) -> Lexer<'a> {
        Lexer {
            chars: text.chars().peekable(),
            variables,
            escape,
            quotes,
            escapes: Escapes::Removed,
            left: &self.left,
            depth: 0,
        }
    }
}

/// What becomes of escape characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// They go, and what they escape stays.
    Removed,
    /// They stay.
    Kept,
    /// They stay, and those in quotes are doubled: a pattern is read once more.
    Pattern,
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    variables: Variables<'a>,
    escape: char,
    quotes: bool,
    escapes: Escapes,
    left: &'a Cell<usize>,
    depth: usize,
}

impl Lexer<'_> {
    fn all(mut self) -> Result<String, ExpandFault> {
        let mut out = String::new();
        while let Some(c) = self.chars.next() {
            self.one(c, &mut out)?;
        }
        Ok(out)
    }

    /// An operand of `${name:-word}` or `${name/pattern/word}`, up to `end`.
    fn operand(&mut self, end: char, escapes: Escapes) -> Result<String, ExpandFault> {
        if self.depth == DEPTH {
            return Err(format!("variables nest more than {DEPTH} deep").into());
        }
        let outer = std::mem::replace(&mut self.escapes, escapes);
        self.depth += 1;
        let mut out = String::new();
        loop {
            let missing = || format!("a `${{` has no `{end}`");
            match self.chars.next().ok_or_else(missing)? {
                c if c == end => break,
                c => self.one(c, &mut out)?,
            }
        }
        self.depth -= 1;
        self.escapes = outer;
        Ok(out)
    }

    fn one(&mut self, c: char, out: &mut String) -> Result<(), ExpandFault> {
        match c {
            '$' => out.push_str(&self.variable()?),
            '\'' if self.quotes => self.single_quoted(out)?,
            '"' if self.quotes => self.double_quoted(out)?,
            c if c == self.escape => {
                out.extend(Some(c).filter(|_| self.escapes != Escapes::Removed));
                out.extend(self.chars.next());
            }
            c => out.push(c),
        }
        Ok(())
    }

    fn single_quoted(&mut self, out: &mut String) -> Result<(), ExpandFault> {
        loop {
            match self.chars.next().ok_or("a `'` has no counterpart")? {
                '\'' => return Ok(()),
                c => {
                    let doubled = c == self.escape && self.escapes == Escapes::Pattern;
                    out.extend(Some(c).filter(|_| doubled));
                    out.push(c);
                }
            }
        }
    }

    /// Here the escape character stands for itself, except before `"`, `$` and itself.
    fn double_quoted(&mut self, out: &mut String) -> Result<(), ExpandFault> {
        let escape = self.escape;
        loop {
            match self.chars.next().ok_or("a `\"` has no counterpart")? {
                '"' => return Ok(()),
                '$' => out.push_str(&self.variable()?),
                c if c == escape => {
                    out.extend(Some(c).filter(|_| self.escapes != Escapes::Removed));
                    let special = |c: &char| matches!(c, '"' | '$') || *c == escape;
                    out.push(self.chars.next_if(special).unwrap_or(escape));
                }
                c => out.push(c),
            }
        }
    }

    /// What stands for a variable, after its `$`.
    fn variable(&mut self) -> Result<String, ExpandFault> {
        if self.chars.next_if_eq(&'{').is_none() {
            return match self.name() {
                name if name.is_empty() => Ok("$".into()),
                name => Ok(self.value(&name)?.unwrap_or_default()),
            };
        }
        let name = self.name();
        if name.is_empty() {
            return Err("`${` needs a variable's name after it".into());
        }
        let empty_counts = self.chars.next_if_eq(&':').is_none();
        let operator = self.chars.next().ok_or("a `${` has no `}`")?;
        match operator {
            '}' if empty_counts => Ok(self.value(&name)?.unwrap_or_default()),
            '-' | '+' | '?' => self.default(&name, operator, empty_counts),
            '#' | '%' if empty_counts => self.trimmed(&name, operator),
            '/' if empty_counts => self.replaced(&name),
            _ => {
                let colon = if empty_counts { "" } else { ":" };
                let form = format!("${{{name}{colon}{operator}…}}");
                Err(format!("`{form}` is not a form of a variable").into())
            }
        }
    }

    /// `${name:-word}` and its like.
    fn default(
        &mut self,
        name: &str,
        operator: char,
        empty_counts: bool,
    ) -> Result<String, ExpandFault> {
        let word = self.operand('}', Escapes::Removed)?;
        let value = self.value(name)?;
        let value = value.filter(|value| empty_counts || !value.is_empty());
        match (operator, value) {
            ('-', value) => Ok(value.unwrap_or(word)),
            ('+', value) => Ok(value.map(|_| word).unwrap_or_default()),
            (_, Some(value)) => Ok(value),
            (_, None) => Err(format!("variable {name} is not set: {word}").into()),
        }
    }

    /// `${name#pattern}` and `${name%pattern}`; doubled, the longest match goes.
    fn trimmed(&mut self, name: &str, operator: char) -> Result<String, ExpandFault> {
        let pattern = self.operand('}', Escapes::Pattern)?;
        let value = self.value(name)?.unwrap_or_default();
        let (longest, pattern) = match pattern.strip_prefix(operator) {
            Some(pattern) => (true, pattern),
            None => (false, pattern.as_str()),
        };
        Ok(match operator {
            '#' => ShellPattern::new(pattern, longest)?.without_prefix(&value),
            _ => ShellPattern::reversed(pattern, longest)?.without_suffix(&value),
        })
    }

    /// `${name/pattern/word}`; with `//`, each match is replaced.
    fn replaced(&mut self, name: &str) -> Result<String, ExpandFault> {
        let all = self.chars.next_if_eq(&'/').is_some();
        let pattern = self.operand('/', Escapes::Pattern)?;
        let word = self.operand('}', Escapes::Kept)?;
        let value = self.value(name)?.unwrap_or_default();
        let pattern = ShellPattern::new(&pattern, true)?;
        let times = if all { pattern.count(&value) } else { 1 };
        self.spend(times.saturating_mul(word.len()))?;
        Ok(pattern.replaced(&value, &word, all))
    }

    /// A name, a shell's positional number, or one of its special characters: the last two are never set here.
    fn name(&mut self) -> String {
        let kind: fn(&char) -> bool = match self.chars.peek() {
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => {
                return self.chars.next().into_iter().collect();
            }
            Some('0'..='9') => char::is_ascii_digit,
            _ => |c| c.is_alphanumeric() || *c == '_',
        };
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(kind) {
            name.push(c);
        }
        name
    }

    fn value(&self, name: &str) -> Result<Option<String>, ExpandFault> {
        let value = (self.variables)(name);
        self.spend(value.as_ref().map_or(0, String::len))?;
        Ok(value)
    }

    fn spend(&self, bytes: usize) -> Result<(), ExpandFault> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(
            left.ok_or_else(|| format!("its variables come to more than {SUBSTITUTED} bytes"))?,
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests;
