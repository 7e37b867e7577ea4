//! What all grammars share: how long a name may be, and how one is refused.

use crate::model::error::{Error, Result};

/// The longest name of any kind: that of a file, and of an OCI repository with its host.
pub(super) const LONGEST: usize = 255;

/// `text` as a message can hold it: on one line, and cut where it would fill the screen.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let (text, rest) = match text.char_indices().nth(MOST) {
        Some((end, _)) => (&text[..end], "…"),
        None => (text, ""),
    };
    let escape = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(escape).collect::<String>() + rest
}

/// Refuses `text`, a name of some kind.
pub(super) fn refuse<T>(kind: &str, text: &str, why: &str, hint: impl Into<String>) -> Result<T> {
    Err(Error::misuse(format!("the {kind} `{}` {why}", shown(text))).hint(hint))
}

pub(super) fn only(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(allowed)
}

/// Whether it is a name of letters, digits, `.`, `_` and `-` that begins as `begins` says.
pub(super) fn is_plain_name(text: &str, begins: fn(char) -> bool) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.len() <= LONGEST && text.starts_with(begins) && only(text, is_plain)
}

/// Whether it is a name that a shell's variable can have.
pub(super) fn is_variable(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && only(text, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Tries a rule on what it must take and what it must refuse.
#[cfg(test)]
pub(super) fn check(rule: fn(&str) -> Result<()>, good: &[&str], bad: &[&str]) {
    for text in good {
        rule(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
    for text in bad {
        assert!(rule(text).is_err(), "{text:?}");
    }
}
