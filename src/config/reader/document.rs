//! The text of a TOML file, and where in it something is wrong.

use std::fmt::Display;

use bstr::ByteSlice;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::model::error::{Error, Result};

/// The largest file read, in bytes: far above any that a person writes, far below what would trouble the memory.
const LARGEST: usize = 512 << 10;

/// The file's text and its name in messages.
pub(crate) struct TomlDocument<'a> {
    text: &'a str,
    origin: &'a str,
}

impl<'a> TomlDocument<'a> {
    pub(crate) fn new(bytes: &'a [u8], origin: &'a str) -> Result<Self> {
        if bytes.len() > LARGEST {
            return Err(Error::misuse(format!(
                "{origin}:1:1: the file has {} bytes, more than {LARGEST}",
                bytes.len()
            ))
            .hint("pass the path of a flota.toml to `--config`"));
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

    pub(crate) fn parse(&self) -> Result<Spanned<DeValue<'a>>> {
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

    pub(super) fn fault(&self, offset: usize, what: impl Display) -> Error {
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

/// Puts a place before an error that knows none.
pub(super) fn locate(document: &TomlDocument, offset: usize, error: &Error) -> Error {
    let located = document.fault(offset, error);
    error
        .hints()
        .iter()
        .fold(located, |located, hint| located.hint(hint))
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
}
