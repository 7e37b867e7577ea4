//! A value, and a table read key by key.

use std::{borrow::Cow, collections::BTreeMap, fmt::Display, str::FromStr, time::Duration};

use toml::{
    Spanned,
    de::{DeFloat, DeInteger, DeTable, DeValue},
};

use super::{
    document::{TomlDocument, locate},
    shape::{Form, Recorder},
};
use crate::model::{
    error::{Error, Result},
    nearest::nearest,
    settings::{TokenValue, valid, valid::shown},
};

/// A value, its place, and the dotted path of its key (empty for the whole file).
#[derive(Clone)]
pub(crate) struct Value<'a> {
    document: &'a TomlDocument<'a>,
    pub(super) path: String,
    pub(super) node: &'a Spanned<DeValue<'a>>,
    /// Notes how the value is read.
    pub(super) recorder: Recorder,
}

impl<'a> Value<'a> {
    /// The whole file.
    pub(crate) fn root(document: &'a TomlDocument<'a>, tree: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            document,
            path: String::new(),
            node: tree,
            recorder: Recorder::default(),
        }
    }

    /// The same value, whose reader is noted in `recorder`.
    pub(crate) fn recorded_by(self, recorder: Recorder) -> Self {
        Self { recorder, ..self }
    }

    /// An error at this value: its key, then `what`.
    pub(crate) fn fault(&self, what: impl Display) -> Error {
        self.document
            .fault(self.node.span().start, format!("`{}` {what}", self.path))
    }

    /// Puts this value's place before the error of a check that knows none.
    pub(crate) fn locate<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| locate(self.document, self.node.span().start, &error))
    }

    /// Reads a string by a rule that may refuse it.
    pub(crate) fn checked<T>(&self, rule: impl FnOnce(&'a str) -> Result<T>) -> Result<T> {
        self.recorder.note(|| Form::Text);
        match self.node.get_ref() {
            DeValue::String(text) => self.locate(rule(text)),
            _ => Err(self.expects("a string", "a string is written in quotes")),
        }
    }

    /// A string with a grammar of its own.
    pub(crate) fn parse<T: FromStr<Err = Error>>(&self) -> Result<T> {
        self.checked(str::parse)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Result<bool> {
        self.recorder.note(|| Form::Boolean);
        match self.node.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.expects("true or false", "they are written without quotes")),
        }
    }

    /// `true` or `false`, or a string that `text` reads.
    pub(crate) fn boolean_or<T>(
        &self,
        boolean: impl FnOnce(bool) -> T,
        text: impl FnOnce(&Self) -> Result<T>,
    ) -> Result<T> {
        let read = match self.node.get_ref() {
            DeValue::Boolean(value) => Ok(boolean(*value)),
            _ => text(self),
        };
        self.recorder.note(|| Form::BooleanOrText);
        read
    }

    /// A whole number of seconds, at least one.
    pub(crate) fn seconds(&self) -> Result<Duration> {
        const EXAMPLE: &str = "an hour is 3600";
        self.recorder.note(|| Form::Integer {
            least: 1,
            most: u32::MAX.into(),
        });
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

    /// A whole number within limits that belong to it.
    pub(crate) fn integer<N: TryFrom<i64>>(&self, least: i64, most: i64) -> Result<N> {
        self.recorder.note(|| Form::Integer { least, most });
        let hint = format!("a whole number from {least} to {most}");
        let DeValue::Integer(number) = self.node.get_ref() else {
            return Err(self.expects("a whole number", &hint));
        };
        let fits = integer(number).filter(|number| (least..=most).contains(number));
        fits.and_then(|number| N::try_from(number).ok())
            .ok_or_else(|| {
                let found = shown(&number.to_string());
                self.fault(format!("is {found}, not {hint}")).hint(&hint)
            })
    }

    /// A chart's token.
    pub(crate) fn token(&self) -> Result<TokenValue> {
        self.recorder.note(|| Form::Scalar);
        let refused = |what| self.fault(what).hint("a string holds any number");
        match self.node.get_ref() {
            DeValue::String(text) => self
                .locate(valid::value(text))
                .map(|()| TokenValue::String(text.to_string())),
            DeValue::Integer(number) => integer(number)
                .map(TokenValue::Integer)
                .ok_or_else(|| refused("does not fit 64 bits")),
            DeValue::Float(number) => finite(number)
                .map(TokenValue::Float)
                .ok_or_else(|| refused("is not a finite number")),
            DeValue::Boolean(value) => Ok(TokenValue::Bool(*value)),
            _ => Err(self.expects(
                "a string, a number or a boolean",
                "a string is written in quotes",
            )),
        }
    }

    /// The items of an array.
    pub(crate) fn items<T>(&self, read: impl Fn(&Value<'a>) -> Result<T>) -> Result<Vec<T>> {
        let DeValue::Array(array) = self.node.get_ref() else {
            return Err(self.expects("an array", "an array is written in brackets"));
        };
        let recorder = self.recorder.items();
        let items = array.iter().map(|node| Value {
            node,
            recorder: recorder.clone(),
            ..self.clone()
        });
        items.map(|item| read(&item)).collect()
    }

    /// A table whose keys are the user's own names.
    pub(crate) fn entries<T>(
        &self,
        check: fn(&str) -> Result<()>,
        read: impl Fn(&str, &Value<'a>) -> Result<T>,
    ) -> Result<BTreeMap<String, T>> {
        let named = |name: &str, value: &Value<'a>| Ok((name.to_owned(), read(name, value)?));
        Ok(self.in_order(check, named)?.into_iter().collect())
    }

    /// The same where the order of the keys in the file means something.
    pub(crate) fn in_order<T>(
        &self,
        check: fn(&str) -> Result<()>,
        read: impl Fn(&str, &Value<'a>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut entries: Vec<_> = self.as_table()?.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let recorder = self.recorder.entries();
        let entries = entries.into_iter().map(|(key, node)| {
            let name = key.get_ref();
            check(name).map_err(|error| locate(self.document, key.span().start, &error))?;
            read(name, &self.child(name, node).recorded_by(recorder.clone()))
        });
        entries.collect()
    }

    /// A table whose keys are those that `read` asks for: any other is an error.
    pub(crate) fn table<T>(&self, read: impl FnOnce(&mut Keys<'a>) -> Result<T>) -> Result<T> {
        self.recorder.table();
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
    pub(crate) fn required<T>(&self, read: Option<T>, example: &str) -> Result<T> {
        let key = example.split(' ').next().unwrap_or_default();
        self.recorder.require(key);
        read.ok_or_else(|| {
            self.fault(format!("lacks the key `{key}`"))
                .hint(format!("add a line to it, as in {example}"))
        })
    }

    /// The value further down that path of keys.
    pub(crate) fn find(&self, keys: &[&str]) -> Option<Value<'a>> {
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
            recorder: Recorder::default(),
        }
    }

    pub(super) fn expects(&self, expected: &str, hint: &str) -> Error {
        let found = with_article(self.node.get_ref());
        self.fault(format!("expects {expected}, not {found}"))
            .hint(hint)
    }
}

/// A table being read: it notes the keys asked for, which are the keys known.
pub(crate) struct Keys<'a> {
    table: Value<'a>,
    entries: &'a DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    /// The key's value, if the file gives one.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        let recorder = self.table.recorder.key(key);
        self.entries
            .get(key)
            .map(|node| self.table.child(key, node).recorded_by(recorder))
    }

    /// Says how a key is read that no file has beside its alternative.
    pub(crate) fn alternative(&self, key: &'static str, form: Form) {
        self.table.recorder.key(key).note(|| form);
    }

    /// The value of a key that this table does not have, for an error that says why.
    pub(crate) fn foreign(&self, key: &str) -> Option<Value<'a>> {
        self.table.find(&[key])
    }

    /// Puts the key's value, if the file gives one, in the place of the default.
    pub(crate) fn read<T, S: From<T>>(
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
    pub(crate) fn table(
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

pub(super) fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// `: did you mean …?` for the nearest name, if one is near.
pub(super) fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(known) => format!(": did you mean `{known}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
