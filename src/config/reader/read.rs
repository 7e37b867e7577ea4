//! How a key's value is read: as a string, a choice, a list, a table of the user's own names.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::{
    shape::Form,
    value::{Value, did_you_mean, quoted},
};
use crate::model::{error::Result, settings::valid::shown};

/// Reads a string that `check` takes.
pub(crate) fn text<'a>(check: fn(&str) -> Result<()>) -> impl Fn(&Value<'a>) -> Result<String> {
    move |value| value.checked(|text| check(text).map(|()| text.to_owned()))
}

/// Reads one of a few words.
pub(crate) fn one_of<'a, T: Copy>(
    choices: &[(&'static str, T)],
) -> impl Fn(&Value<'a>) -> Result<T> {
    move |value| {
        let word = value.checked(Ok)?;
        value
            .recorder
            .note(|| Form::Choice(choices.iter().map(|(known, _)| *known).collect()));
        let choice = choices.iter().find(|(known, _)| *known == word);
        choice.map(|(_, choice)| *choice).ok_or_else(|| {
            let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
            let nearest = did_you_mean(word, &known);
            let fault = format!(
                "is `{}`, which is not one of the choices{nearest}",
                shown(word)
            );
            value
                .fault(fault)
                .hint(format!("the choices are {}", quoted(&known)))
        })
    }
}

/// Reads an array, item by item.
pub(crate) fn list<'a, T>(
    read: impl Fn(&Value<'a>) -> Result<T>,
) -> impl Fn(&Value<'a>) -> Result<Vec<T>> {
    move |value| value.items(&read)
}

/// Reads an array of tables, `[[path]]`.
pub(crate) fn tables<'a, T>(
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
pub(crate) fn map<'a, T>(
    check: fn(&str) -> Result<()>,
    read: impl Fn(&Value<'a>) -> Result<T>,
) -> impl Fn(&Value<'a>) -> Result<BTreeMap<String, T>> {
    move |value| value.entries(check, |_, entry| read(entry))
}
