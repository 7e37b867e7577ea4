//! `GIT_CONFIG_PARAMETERS`: how `git -c KEY=VALUE` tells the commands that it starts. git alone reads it; the numbered variables
//! (`GIT_CONFIG_COUNT`, git-config(1)) say the same and are read by everybody. git reads those first, so the settings are added behind
//! them.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use crate::model::error::{Error, Result};

/// The numbered variables that say what is there already, and then what `parameters` say.
///
/// # Errors
/// Misuse: git would refuse them.
pub(super) fn as_numbered(parameters: &OsStr) -> Result<Vec<(OsString, OsString)>> {
    let malformed = || Error::misuse("GIT_CONFIG_PARAMETERS is malformed").hint("unset it");
    let settings = settings(parameters.as_bytes()).ok_or_else(malformed)?;
    let count = match std::env::var("GIT_CONFIG_COUNT") {
        // git-config(1): an empty count is none.
        Ok(count) if !count.is_empty() => count.parse::<usize>().map_err(|err| {
            Error::misuse(format!("GIT_CONFIG_COUNT is `{count}`, which is no number")).because(err)
        })?,
        _ => 0,
    };
    let last = count + settings.len();
    let mut variables = vec![("GIT_CONFIG_COUNT".into(), last.to_string().into())];
    for (number, (key, value)) in (count..).zip(settings) {
        let key = OsString::from_vec(key);
        variables.push((format!("GIT_CONFIG_KEY_{number}").into(), key));
        let value = OsString::from_vec(value);
        variables.push((format!("GIT_CONFIG_VALUE_{number}").into(), value));
    }
    Ok(variables)
}

type Setting = (Vec<u8>, Vec<u8>);

/// The settings, each `'KEY'='VALUE'`, `'KEY'=`, or as git wrote them until 2.30 `'KEY=VALUE'`; a key without a value means `true`.
/// None where that is malformed.
fn settings(text: &[u8]) -> Option<Vec<Setting>> {
    let mut rest = text.trim_ascii();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (first, after) = unquoted(rest)?;
        let (setting, after) = match after.strip_prefix(b"=") {
            Some(after) if after.first().is_none_or(u8::is_ascii_whitespace) => {
                ((first, b"true".to_vec()), after)
            }
            Some(after) => {
                let (value, after) = unquoted(after)?;
                ((first, value), after)
            }
            None => (split(first), after),
        };
        if !after.first().is_none_or(u8::is_ascii_whitespace) {
            return None;
        }
        found.push(setting);
        rest = after.trim_ascii_start();
    }
    Some(found)
}

/// `KEY=VALUE`, or a key alone.
fn split(text: Vec<u8>) -> Setting {
    match text.iter().position(|byte| *byte == b'=') {
        Some(at) => (text[..at].to_owned(), text[at + 1..].to_owned()),
        None => (text, b"true".to_vec()),
    }
}

/// A word in single quotes as a shell reads it, with `'\''` and `'\!'` in it; and what follows.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"'")?;
    let mut word = Vec::new();
    loop {
        let end = rest.iter().position(|byte| *byte == b'\'')?;
        word.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        match rest {
            [b'\\', special @ (b'\'' | b'!'), b'\'', after @ ..] => {
                word.push(*special);
                rest = after;
            }
            _ => return Some((word, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_apart_as_git_does() {
        for (text, want) in [
            ("", Some(&[][..])),
            ("'a.b'='c d'", Some(&[("a.b", "c d")])),
            ("'a.b=c'", Some(&[("a.b", "c")])),
            ("'a.b=c=d' 'e.f'=''", Some(&[("a.b", "c=d"), ("e.f", "")])),
            ("'a.b'", Some(&[("a.b", "true")])),
            ("'a.b'= 'c.d'=", Some(&[("a.b", "true"), ("c.d", "true")])),
            (r"'a.x=y.b'='it'\''s'\!''", Some(&[("a.x=y.b", "it's!")])),
            ("a.b=c", None),
            ("'a.b", None),
            ("'a.b'c", None),
            ("'a.b'='c'd", None),
        ] {
            let found = settings(text.as_bytes());
            let found = found.as_ref().map(|all| {
                let word = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
                let all = all.iter().map(|(key, value)| (word(key), word(value)));
                all.collect::<Vec<_>>()
            });
            let want = want.map(|all| {
                let all = all
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
                all.collect::<Vec<_>>()
            });
            assert_eq!(found, want, "{text}");
        }
    }
}
