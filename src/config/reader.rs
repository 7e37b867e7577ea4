//! TOML values that know where they stand, read key by key.
//!
//! serde's derive is not used: it loses the place of an unknown key and the names beside it, and knows no hints.

use std::{borrow::Cow, collections::BTreeMap, fmt::Display, str::FromStr, time::Duration};

use bstr::ByteSlice;
use toml::{
    Spanned,
    de::{DeFloat, DeInteger, DeTable, DeValue},
};

use crate::model::{
    error::{Error, Result},
    settings::{TokenValue, valid, valid::shown},
};

/// The largest file read, in bytes: far above any that a person writes, far below what would trouble the memory.
const LARGEST: usize = 512 << 10;

/// The file's text and its name in messages.
pub(super) struct Document<'a> {
    text: &'a str,
    origin: &'a str,
}

impl<'a> Document<'a> {
    pub(super) fn new(bytes: &'a [u8], origin: &'a str) -> Result<Self> {
        if bytes.len() > LARGEST {
            return Err(Error::misuse(format!(
                "{origin}:1:1: the file has {} bytes, more than {LARGEST}",
                bytes.len()
            ))
            .hint("give `--config` the path of a flota.toml"));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, origin }),
            Err(error) => {
                let readable = bytes[..error.valid_up_to()].to_str_lossy();
                let (line, column) = end_of(&readable);
                Err(
                    Error::misuse(format!("{origin}:{line}:{column}: the text is not UTF-8"))
                        .hint(format!("save {origin} in the encoding UTF-8")),
                )
            }
        }
    }

    pub(super) fn parse(&self) -> Result<Spanned<DeValue<'a>>> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let offset = error.span().map_or(self.text.len(), |span| span.start);
            let sentence: Vec<&str> = error.message().lines().collect();
            self.fault(offset, sentence.join(", "))
                .hint("the file is TOML: https://toml.io")
        })?;
        Ok(Spanned::new(
            table.span(),
            DeValue::Table(table.into_inner()),
        ))
    }

    pub(super) fn root(&'a self, tree: &'a Spanned<DeValue<'a>>) -> Value<'a> {
        Value {
            document: self,
            path: String::new(),
            node: tree,
        }
    }

    fn fault(&self, offset: usize, what: impl Display) -> Error {
        let (line, column) = end_of(self.text.get(..offset).unwrap_or(self.text));
        Error::misuse(format!("{}:{line}:{column}: {what}", self.origin))
    }
}

/// The line and the column, in characters and from 1, of what follows `text`.
fn end_of(text: &str) -> (usize, usize) {
    let lines = text.matches('\n').count() + 1;
    let last = text.rsplit('\n').next().unwrap_or_default();
    (lines, last.chars().count() + 1)
}

/// A value, its place, and the dotted path of its key (empty for the whole file).
#[derive(Clone)]
pub(super) struct Value<'a> {
    document: &'a Document<'a>,
    path: String,
    node: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    /// An error at this value: its key, then `what`.
    pub(super) fn fault(&self, what: impl Display) -> Error {
        self.document
            .fault(self.node.span().start, format!("`{}` {what}", self.path))
    }

    /// Puts this value's place before the error of a check that knows none.
    pub(super) fn locate<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| locate(self.document, self.node.span().start, &error))
    }

    /// Reads a string by a rule that may refuse it.
    pub(super) fn checked<T>(&self, rule: impl FnOnce(&'a str) -> Result<T>) -> Result<T> {
        match self.node.get_ref() {
            DeValue::String(text) => self.locate(rule(text)),
            _ => Err(self.expects("a string", "a string stands in quotes")),
        }
    }

    /// A string with a grammar of its own.
    pub(super) fn parse<T: FromStr<Err = Error>>(&self) -> Result<T> {
        self.checked(str::parse)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Result<bool> {
        match self.node.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.expects("true or false", "they stand without quotes")),
        }
    }

    /// A whole number of seconds, at least one.
    pub(super) fn seconds(&self) -> Result<Duration> {
        const EXAMPLE: &str = "an hour is 3600";
        let DeValue::Integer(number) = self.node.get_ref() else {
            return Err(self.expects("a whole number of seconds", EXAMPLE));
        };
        // 32 bits: more would overflow the clocks that a deadline is computed with.
        match integer(number).and_then(|number| u32::try_from(number).ok()) {
            Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.into())),
            _ => {
                let found = shown(&number.to_string());
                let fault = format!("is {found}, not a number of seconds from 1 to {}", u32::MAX);
                Err(self.fault(fault).hint(EXAMPLE))
            }
        }
    }

    /// A chart's token.
    pub(super) fn token(&self) -> Result<TokenValue> {
        let refused = |what| self.fault(what).hint("a string holds any number");
        match self.node.get_ref() {
            DeValue::String(_) => text(valid::value)(self).map(TokenValue::String),
            DeValue::Integer(number) => integer(number)
                .map(TokenValue::Integer)
                .ok_or_else(|| refused("does not fit 64 bits")),
            DeValue::Float(number) => finite(number)
                .map(TokenValue::Float)
                .ok_or_else(|| refused("is not a finite number")),
            DeValue::Boolean(value) => Ok(TokenValue::Bool(*value)),
            _ => Err(self.expects(
                "a string, a number or a boolean",
                "a string stands in quotes",
            )),
        }
    }

    /// The items of an array.
    pub(super) fn items<T>(&self, read: impl Fn(&Value<'a>) -> Result<T>) -> Result<Vec<T>> {
        let DeValue::Array(array) = self.node.get_ref() else {
            return Err(self.expects("an array", "an array stands in brackets"));
        };
        let items = array.iter().map(|node| Value {
            node,
            ..self.clone()
        });
        items.map(|item| read(&item)).collect()
    }

    /// A table whose keys are the user's own names.
    pub(super) fn entries<T>(
        &self,
        check: fn(&str) -> Result<()>,
        read: impl Fn(&str, &Value<'a>) -> Result<T>,
    ) -> Result<BTreeMap<String, T>> {
        let named = |name: &str, value: &Value<'a>| Ok((name.to_owned(), read(name, value)?));
        Ok(self.in_order(check, named)?.into_iter().collect())
    }

    /// The same where the order of the keys in the file means something.
    pub(super) fn in_order<T>(
        &self,
        check: fn(&str) -> Result<()>,
        read: impl Fn(&str, &Value<'a>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut entries: Vec<_> = self.as_table()?.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries.into_iter().map(|(key, node)| {
            let name = key.get_ref();
            check(name).map_err(|error| locate(self.document, key.span().start, &error))?;
            read(name, &self.child(name, node))
        });
        entries.collect()
    }

    /// A table whose keys are those that `read` asks for: any other is an error.
    pub(super) fn table<T>(&self, read: impl FnOnce(&mut Keys<'a>) -> Result<T>) -> Result<T> {
        let mut keys = Keys {
            table: self.clone(),
            entries: self.as_table()?,
            known: Vec::new(),
        };
        let result = read(&mut keys)?;
        keys.refuse_unknown()?;
        Ok(result)
    }

    /// What was read of a key without which this table means nothing; `example` is a line that gives it.
    pub(super) fn required<T>(&self, read: Option<T>, example: &str) -> Result<T> {
        let key = example.split(' ').next().unwrap_or_default();
        read.ok_or_else(|| {
            self.fault(format!("lacks the key `{key}`"))
                .hint(format!("add a line to it, as in {example}"))
        })
    }

    /// The value further down that path of keys.
    pub(super) fn find(&self, keys: &[&str]) -> Option<Value<'a>> {
        keys.iter().try_fold(self.clone(), |value, key| {
            let node = value.node.get_ref().get(*key)?;
            Some(value.child(key, node))
        })
    }

    fn as_table(&self) -> Result<&'a DeTable<'a>> {
        let table = self.node.get_ref().as_table();
        table.ok_or_else(|| {
            self.expects(
                "a table",
                "a table is a `[header]` and the lines below it, or `{ key = value }`",
            )
        })
    }

    fn child(&self, key: &str, node: &'a Spanned<DeValue<'a>>) -> Self {
        Value {
            document: self.document,
            path: join(&self.path, key),
            node,
        }
    }

    fn expects(&self, expected: &str, hint: &str) -> Error {
        let found = with_article(self.node.get_ref());
        self.fault(format!("expects {expected}, not {found}"))
            .hint(hint)
    }
}

/// Reads a string that `check` takes.
pub(super) fn text<'a>(check: fn(&str) -> Result<()>) -> impl Fn(&Value<'a>) -> Result<String> {
    move |value| value.checked(|text| check(text).map(|()| text.to_owned()))
}

/// Reads one of a few words.
pub(super) fn one_of<'a, T: Copy>(choices: &[(&str, T)]) -> impl Fn(&Value<'a>) -> Result<T> {
    move |value| {
        let word = value.checked(Ok)?;
        let choice = choices.iter().find(|(known, _)| *known == word);
        choice.map(|(_, choice)| *choice).ok_or_else(|| {
            let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
            let nearest = did_you_mean(word, &known);
            let fault = format!("is `{}`, which is no choice{nearest}", shown(word));
            value
                .fault(fault)
                .hint(format!("the choices are {}", quoted(&known)))
        })
    }
}

/// Reads an array, item by item.
pub(super) fn list<'a, T>(
    read: impl Fn(&Value<'a>) -> Result<T>,
) -> impl Fn(&Value<'a>) -> Result<Vec<T>> {
    move |value| value.items(&read)
}

/// Reads an array of tables, `[[path]]`.
pub(super) fn tables<'a, T>(
    read: impl Fn(&Value<'a>) -> Result<T>,
) -> impl Fn(&Value<'a>) -> Result<Vec<T>> {
    move |value| match value.node.get_ref() {
        DeValue::Table(_) => {
            Err(value.expects("an array of tables", &format!("write [[{}]]", value.path)))
        }
        _ => value.items(&read),
    }
}

/// Reads a table from the user's own names, which `check` takes, to what `read` reads.
pub(super) fn map<'a, T>(
    check: fn(&str) -> Result<()>,
    read: impl Fn(&Value<'a>) -> Result<T>,
) -> impl Fn(&Value<'a>) -> Result<BTreeMap<String, T>> {
    move |value| value.entries(check, |_, entry| read(entry))
}

/// A table being read: it notes the keys asked for, which are the keys known.
pub(super) struct Keys<'a> {
    table: Value<'a>,
    entries: &'a DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    /// The key's value, if the file gives one.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        self.entries
            .get(key)
            .map(|node| self.table.child(key, node))
    }

    /// Puts the key's value, if the file gives one, in the place of the default.
    pub(super) fn read<T, S: From<T>>(
        &mut self,
        key: &'static str,
        slot: &mut S,
        read: impl FnOnce(&Value<'a>) -> Result<T>,
    ) -> Result<()> {
        if let Some(value) = self.get(key) {
            *slot = read(&value)?.into();
        }
        Ok(())
    }

    /// Reads the table under the key, if there is one.
    pub(super) fn table(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Keys<'a>) -> Result<()>,
    ) -> Result<()> {
        match self.get(key) {
            Some(value) => value.table(read),
            None => Ok(()),
        }
    }

    /// The first key in the file that nothing asked for.
    fn refuse_unknown(&self) -> Result<()> {
        let unknown = self
            .entries
            .keys()
            .filter(|key| !self.known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else {
            return Ok(());
        };
        let (place, keys) = match self.table.path.as_str() {
            "" => (String::new(), "the tables".to_owned()),
            path => (format!(" in [{path}]"), format!("the keys of [{path}]")),
        };
        let name = key.get_ref();
        let what = format!(
            "unknown key `{}`{place}{}",
            shown(name),
            did_you_mean(name, &self.known)
        );
        let error = self.table.document.fault(key.span().start, what);
        Err(error.hint(format!("{keys} are {}", quoted(&self.known))))
    }
}

fn locate(document: &Document, offset: usize, error: &Error) -> Error {
    let located = document.fault(offset, error);
    error
        .hints()
        .iter()
        .fold(located, |located, hint| located.hint(hint))
}

fn integer(number: &DeInteger) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn finite(number: &DeFloat) -> Option<f64> {
    number
        .as_str()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

fn with_article(value: &DeValue) -> String {
    let kind = value.type_str();
    let article = if kind.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

/// `path.key`, the key quoted where TOML asks for it.
fn join(path: &str, key: &str) -> String {
    let is_bare = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let key = if is_bare {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(format!("{key:?}"))
    };
    match path {
        "" => key.into_owned(),
        _ => format!("{path}.{key}"),
    }
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// `: did you mean …?` for the nearest name, if it is near: at most one slip in three letters.
fn did_you_mean(name: &str, known: &[&str]) -> String {
    // What is much longer than every name is near none, and costs too much to compare.
    const LONGEST: usize = 40;
    if name.len() > LONGEST {
        return String::new();
    }
    let distances = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known));
    match distances.min() {
        Some((distance, known)) if distance * 3 <= name.len().max(known.len()) => {
            format!(": did you mean `{known}`?")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_from_one() {
        assert_eq!(end_of(""), (1, 1));
        assert_eq!(end_of("é = "), (1, 5));
        assert_eq!(end_of("a\r\n\n"), (3, 1));
    }

    #[test]
    fn near_names_are_proposed_and_far_ones_are_not() {
        let known = ["registry", "builder", "tags"];
        assert_eq!(
            did_you_mean("registri", &known),
            ": did you mean `registry`?"
        );
        assert_eq!(did_you_mean("Tags", &known), ": did you mean `tags`?");
        assert_eq!(did_you_mean("push", &known), "");
        assert_eq!(did_you_mean("", &known), "");
        assert_eq!(did_you_mean(&"registry".repeat(10_000), &known), "");
    }

    #[test]
    fn paths_are_written_as_toml_has_them() {
        assert_eq!(join("", "image"), "image");
        assert_eq!(join("service", "a/b"), r#"service."a/b""#);
    }
}
