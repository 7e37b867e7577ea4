//! git-credential(1): what the user's helpers know of a server, and what they are told of it.

use std::path::Path;

use bstr::{BStr, BString, ByteSlice};

use super::configuration::{Setting, with_settings};
use crate::{
    git::command::git,
    model::error::Result as FlotaResult,
    process::{Command, Output, mask_secret},
};

/// The most that helpers may say, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;

/// A question about the server of `address` ("Input/output format").
///
/// # Errors
/// Something in it would be read as another line.
pub(super) fn question(
    address: &BStr,
    user: Option<&BString>,
    challenges: &[&[u8]],
) -> Result<Vec<u8>, String> {
    let (protocol, rest) = address.split_once_str("://").ok_or("it is no URL")?;
    let (authority, path) = rest.split_once_str("/").unwrap_or((rest, b""));
    let host = match authority.rfind_byte(b'@') {
        Some(at) => &authority[at + 1..],
        None => authority,
    };
    let mut question = Vec::new();
    let mut line = |key: &str, value: &[u8]| {
        question.extend_from_slice(key.as_bytes());
        question.extend_from_slice(value);
        question.push(b'\n');
        // The URL was checked for them; a server's challenge is held to the same (CVE-2020-5260).
        !value.iter().any(u8::is_ascii_control)
    };
    let mut is_clean = line("protocol=", protocol) & line("host=", host) & line("path=", path);
    if let Some(user) = user {
        is_clean &= line("username=", user);
    }
    for challenge in challenges {
        is_clean &= line("wwwauth[]=", challenge);
    }
    question.push(b'\n');
    match is_clean {
        true => Ok(question),
        false => Err("control characters in what would be asked".to_owned()),
    }
}

/// `git credential`, away from every repository: the fleet's own settings are in `settings` as far as they count. None where nobody
/// knows both user and password.
pub(super) fn ask(what: &str, question: Vec<u8>, settings: &[Setting]) -> Option<Vec<u8>> {
    ask_by(what, question, settings, |git| git.run())
}

/// The same, run by `run`.
pub(super) fn ask_by(
    what: &str,
    question: Vec<u8>,
    settings: &[Setting],
    run: impl FnOnce(Command) -> FlotaResult<Output>,
) -> Option<Vec<u8>> {
    let git = git(Path::new("/"))
        .args(["credential", what])
        .input(question)
        .stdout_as_data(ANSWER_LIMIT);
    let answer = run(with_settings(git, settings)).ok()?;
    let said = answer.success().then_some(answer.stdout)?;
    value(&said, b"username=")?;
    mask_secret(value(&said, b"password=")?);
    Some(said)
}

/// What an answer says after `key`.
pub(super) fn value<'a>(answer: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    answer.lines().find_map(|line| line.strip_prefix(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_asked_as_git_asks_them() {
        let asked = question(
            "https://me@host:8443/shop/api.git".into(),
            Some(&"me".into()),
            &[b"Basic realm=\"x\""],
        );
        let want = "protocol=https\nhost=host:8443\npath=shop/api.git\nusername=me\n\
                    wwwauth[]=Basic realm=\"x\"\n\n";
        assert_eq!(asked.unwrap().as_bstr(), want);
    }
}
