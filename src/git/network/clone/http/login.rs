//! User and password for a server, from where git has them: the URL, else the user's credential helpers (gitcredentials(7)).

use std::{
    path::Path,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bstr::{BStr, BString, ByteSlice};
use ureq::http::HeaderValue;

use crate::{
    git::{
        command::git,
        network::configuration::{Setting, with_settings},
        url,
    },
    process::mask_secret,
};

/// The most that helpers may say, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;

/// User and password, ready to be sent.
#[derive(Clone)]
pub(super) struct Login {
    header: HeaderValue,
    /// What the helpers said, to be told back to them; empty when the URL said it.
    said: Vec<u8>,
    is_confirmed: Arc<AtomicBool>,
}

impl Login {
    /// What to log in with at `address`, which answered with `challenges`.
    ///
    /// # Errors
    /// Why there is nothing: the server wants another scheme than Basic, or nobody knows a password.
    pub(super) fn find(
        address: &BStr,
        challenges: &[&HeaderValue],
        settings: &[Setting],
    ) -> Result<Self, String> {
        let is_basic = |challenge: &HeaderValue| {
            let text = challenge.as_bytes();
            text.len() >= 5 && text[..5].eq_ignore_ascii_case(b"basic")
        };
        if !challenges.iter().any(|challenge| is_basic(challenge)) {
            return Err("it does not take a password as Basic".to_owned());
        }
        let (user, password) = url::credentials(address);
        if let (Some(user), Some(password)) = (&user, &password) {
            return Self::new(user, password, Vec::new());
        }
        let question = question(address, user.as_ref(), challenges)?;
        let answer = ask("fill", question, settings).ok_or("no helper knows a password")?;
        let value = |key: &[u8]| answer.lines().find_map(|line| line.strip_prefix(key));
        match (value(b"username="), value(b"password=")) {
            (Some(user), Some(password)) => Self::new(user, password, answer.clone()),
            _ => Err("no helper knows a password".to_owned()),
        }
    }

    fn new(user: &[u8], password: &[u8], said: Vec<u8>) -> Result<Self, String> {
        mask_secret(password);
        let basic = format!("Basic {}", BASE64.encode([user, b":", password].concat()));
        mask_secret(basic.as_bytes());
        let mut header = HeaderValue::try_from(basic).map_err(|err| err.to_string())?;
        header.set_sensitive(true);
        Ok(Self {
            header,
            said,
            is_confirmed: Arc::default(),
        })
    }

    /// `Authorization`, for the server that was asked for and no other.
    pub(super) fn header(&self) -> &HeaderValue {
        &self.header
    }

    /// Lets the helpers keep it.
    pub(super) fn was_right(&self, settings: &[Setting]) {
        if !self.said.is_empty() && !self.is_confirmed.swap(true, Ordering::Relaxed) {
            ask("approve", self.said.clone(), settings);
        }
    }

    /// Lets the helpers forget it.
    pub(super) fn was_refused(&self, settings: &[Setting]) {
        if !self.said.is_empty() {
            ask("reject", self.said.clone(), settings);
        }
    }
}

/// git-credential(1), "Input/output format".
pub(super) fn question(
    address: &BStr,
    user: Option<&BString>,
    challenges: &[&HeaderValue],
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
        is_clean &= line("wwwauth[]=", challenge.as_bytes());
    }
    question.push(b'\n');
    match is_clean {
        true => Ok(question),
        false => Err("control characters in what would be asked".to_owned()),
    }
}

/// `git credential`, away from every repository: the fleet's own settings are in `settings` as far as they count.
fn ask(what: &str, question: Vec<u8>, settings: &[Setting]) -> Option<Vec<u8>> {
    let command = git(Path::new("/"))
        .args(["credential", what])
        .input(question)
        .stdout_as_data(ANSWER_LIMIT);
    let answer = with_settings(command, settings.iter()).run().ok()?;
    answer.success().then_some(answer.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_asked_as_git_asks_them() {
        let challenge = HeaderValue::from_static("Basic realm=\"x\"");
        let asked = question(
            "https://me@host:8443/shop/api.git".into(),
            Some(&"me".into()),
            &[&challenge],
        );
        let want = "protocol=https\nhost=host:8443\npath=shop/api.git\nusername=me\n\
                    wwwauth[]=Basic realm=\"x\"\n\n";
        assert_eq!(asked.unwrap().as_bstr(), want);
    }

    #[test]
    fn a_password_in_the_url_is_enough_and_other_schemes_are_gits() {
        let basic = HeaderValue::from_static("Basic realm=\"x\"");
        let login = Login::find("https://me:p%40ss@host/x".into(), &[&basic], &[])
            .unwrap_or_else(|err| panic!("{err}"));
        assert_eq!(login.header(), "Basic bWU6cEBzcw==");
        let negotiate = HeaderValue::from_static("Negotiate");
        assert!(Login::find("https://me:pw@host/x".into(), &[&negotiate], &[]).is_err());
    }
}
