//! Words and variables of a Dockerfile.
//!
//! Source: <https://docs.docker.com/reference/dockerfile/#environment-replacement> and BuildKit's shell lexer.

use std::{cell::Cell, iter::Peekable, str::Chars};

/// Bytes that variables may put into one Dockerfile in total: `ENV A=$A$A`, line after line, doubles each time.
const SUBSTITUTED: usize = 512 * 1024;

/// How deep `${a:-${b:-…}}` may nest.
const DEPTH: usize = 16;

/// What a variable's name stands for, if it is set.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why a word cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpandFault {
    /// No builder reads it.
    Malformed(String),
    /// Another builder does.
    Unsupported(String),
}

impl<S: Into<String>> From<S> for ExpandFault {
    fn from(why: S) -> Self {
        Self::Malformed(why.into())
    }
}

/// Replaces variables, with the escape character of one Dockerfile and a bound on what they add to it.
#[derive(Debug)]
pub(super) struct Expander {
    escape: char,
    left: Cell<usize>,
}

impl Expander {
    /// For a Dockerfile whose escape character is `escape` (a backslash or a backtick).
    pub(super) fn new(escape: char) -> Self {
        let left = Cell::new(SUBSTITUTED);
        Self { escape, left }
    }

    /// `word` with its variables replaced, its quotes and escapes taken off.
    pub(super) fn word(&self, word: &str, variables: Variables) -> Result<String, ExpandFault> {
        self.lexer(word, variables, self.escape, true).all()
    }

    /// A here-document with its variables replaced: quotes are text there, and the escape is always a backslash.
    pub(super) fn document(&self, text: &str, variables: Variables) -> Result<String, ExpandFault> {
        self.lexer(text, variables, '\\', false).all()
    }

    /// `text` cut at white space; quotes and escapes hold a word together and stay in it, for [`Self::word`].
    pub(super) fn split(&self, text: &str) -> Vec<String> {
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
            left: &self.left,
            depth: 0,
        }
    }
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    variables: Variables<'a>,
    escape: char,
    quotes: bool,
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

    /// The word of `${name:-word}`, up to its closing brace.
    fn until_brace(&mut self) -> Result<String, ExpandFault> {
        if self.depth == DEPTH {
            return Err(format!("variables nest more than {DEPTH} deep").into());
        }
        self.depth += 1;
        let mut out = String::new();
        loop {
            match self.chars.next().ok_or("a `${` has no `}`")? {
                '}' => break,
                c => self.one(c, &mut out)?,
            }
        }
        self.depth -= 1;
        Ok(out)
    }

    fn one(&mut self, c: char, out: &mut String) -> Result<(), ExpandFault> {
        match c {
            '$' => out.push_str(&self.variable()?),
            '\'' if self.quotes => self.single_quoted(out)?,
            '"' if self.quotes => self.double_quoted(out)?,
            c if c == self.escape => out.extend(self.chars.next()),
            c => out.push(c),
        }
        Ok(())
    }

    fn single_quoted(&mut self, out: &mut String) -> Result<(), ExpandFault> {
        loop {
            match self.chars.next().ok_or("a `'` has no counterpart")? {
                '\'' => return Ok(()),
                c => out.push(c),
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
        if operator == '}' && empty_counts {
            return Ok(self.value(&name)?.unwrap_or_default());
        }
        if !matches!(operator, '-' | '+' | '?') {
            let form = format!(
                "${{{name}{}{operator}…}}",
                if empty_counts { "" } else { ":" }
            );
            return Err(match operator {
                '#' | '%' | '/' if empty_counts => {
                    ExpandFault::Unsupported(format!("it has `{form}`"))
                }
                _ => ExpandFault::Malformed(format!("`{form}` is not a form of a variable")),
            });
        }
        let word = self.until_brace()?;
        let value = self.value(&name)?;
        let value = value.filter(|value| empty_counts || !value.is_empty());
        match (operator, value) {
            ('-', value) => Ok(value.unwrap_or(word)),
            ('+', value) => Ok(value.map(|_| word).unwrap_or_default()),
            (_, Some(value)) => Ok(value),
            (_, None) => Err(format!("variable {name} is not set: {word}").into()),
        }
    }

    /// A name, a shell's positional number, or one of its special characters: the last two are never set here.
    fn name(&mut self) -> String {
        let kind: fn(&char) -> bool = match self.chars.peek() {
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => {
                return self.chars.next().into_iter().collect();
            }
            Some('0'..='9') => char::is_ascii_digit,
            _ => |c| c.is_ascii_alphanumeric() || *c == '_',
        };
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(kind) {
            name.push(c);
        }
        name
    }

    fn value(&self, name: &str) -> Result<Option<String>, ExpandFault> {
        let value = (self.variables)(name);
        let used = value.as_ref().map_or(0, String::len);
        let left = self.left.get().checked_sub(used);
        self.left.set(
            left.ok_or_else(|| format!("its variables come to more than {SUBSTITUTED} bytes"))?,
        );
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(name: &str) -> Option<String> {
        match name {
            "X" => Some("x".into()),
            "EMPTY" => Some(String::new()),
            "SPACED" => Some("a  b".into()),
            _ => None,
        }
    }

    fn word(text: &str) -> Result<String, ExpandFault> {
        Expander::new('\\').word(text, &variables)
    }

    #[test]
    fn variables_in_every_form() {
        for (text, expected) in [
            ("$X/${X}", "x/x"),
            ("$X_", ""),
            ("${X}_", "x_"),
            ("${U:-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${X:-d}", "x"),
            ("${X:+d}", "d"),
            ("${EMPTY:+d}", ""),
            ("${EMPTY+d}", "d"),
            ("${U:-${X:-y}z}", "xz"),
            ("${X:?needed}", "x"),
            ("$U", ""),
            (r"\$X", "$X"),
            ("'$X'", "$X"),
            ("\"$X\"", "x"),
            (r#""a\"b\c""#, r#"a"b\c"#),
            (r"a\ b", "a b"),
            ("$", "$"),
            ("$$X", "X"),
            ("$1a", "a"),
            ("a$/b", "a$/b"),
            ("$SPACED", "a  b"),
            (r"end\", "end"),
        ] {
            assert_eq!(word(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn faults_are_named() {
        for (text, expected) in [
            ("${X", "no `}`"),
            ("${}", "name"),
            ("${X:-", "no `}`"),
            ("'a", "counterpart"),
            ("\"a", "counterpart"),
            ("${U:?set U}", "set U"),
            ("${X:}", "not a form"),
            ("${X:%y}", "not a form"),
            ("${X,}", "not a form"),
        ] {
            let Err(ExpandFault::Malformed(why)) = word(text) else {
                panic!("{text}");
            };
            assert!(why.contains(expected), "{text}: {why}");
        }
        for text in ["${X%y}", "${X##y}", "${X//a/b}"] {
            assert!(
                matches!(word(text), Err(ExpandFault::Unsupported(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn growth_and_depth_are_bounded() {
        let long = |_: &str| Some("x".repeat(300 * 1024));
        assert!(Expander::new('\\').word("$A$A", &long).is_err());
        let deep = "${U:-".repeat(40_000);
        let expected = format!("variables nest more than {DEPTH} deep");
        assert_eq!(word(&deep), Err(expected.into()));
    }

    #[test]
    fn words_keep_their_quotes() {
        let expander = Expander::new('\\');
        assert_eq!(
            expander.split(r#"a="b c" d=e\ f  g='h "i'"#),
            [r#"a="b c""#, r"d=e\ f", r#"g='h "i'"#]
        );
    }

    #[test]
    fn pairs_new_and_old() {
        let expander = Expander::new('\\');
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            expander.pairs(r#"A=1 B="x y""#).unwrap(),
            [pair("A", "1"), pair("B", "\"x y\"")]
        );
        assert_eq!(
            expander.pairs("PATH  /a  b=c").unwrap(),
            [pair("PATH", "/a  b=c")]
        );
        let expected = "`B` has no `=`, as in `name=value`";
        assert_eq!(expander.pairs("A=1 B"), Err(expected.into()));
        assert!(expander.pairs("A").is_err());
        assert!(expander.pairs("=1").is_err());
    }

    #[test]
    fn documents_keep_quotes() {
        let text = Expander::new('`').document("'$X' \"${X}\" \\$X `", &variables);
        assert_eq!(text.as_deref(), Ok("'x' \"x\" $X `"));
    }
}
