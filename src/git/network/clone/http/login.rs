//! User and password for a server, from where git has them: the URL, else the user's credential helpers (gitcredentials(7)).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bstr::BStr;
use ureq::http::HeaderValue;

use crate::{
    git::{
        network::{configuration::Setting, credential, question},
        url,
    },
    process::mask_secret,
};

/// Why there is no login.
const UNKNOWN: &str = "no helper knows a password";

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
        let challenges: Vec<_> = challenges.iter().map(|it| it.as_bytes()).collect();
        let question = credential::question(address, user.as_ref(), &challenges)?;
        let answer = credential::ask("fill", question, settings);
        Self::of_answer(answer.ok_or(UNKNOWN)?)
    }

    /// What somebody at the terminal says, after [`Login::find`] found nothing that helpers know. `is_refused` tries whether the
    /// server refuses it.
    ///
    /// # Errors
    /// Why there is nothing.
    pub(super) fn typed(
        address: &BStr,
        settings: &[Setting],
        is_refused: impl FnOnce(&Self) -> bool,
    ) -> Result<Self, String> {
        let (user, _) = url::credentials(address);
        let typed = question::answered(address, user.as_ref(), settings, |answer| {
            let login = Self::of_answer(answer.said().to_vec());
            let is_refused = login.as_ref().is_ok_and(is_refused);
            let refused = || Err("the password was refused".to_owned());
            match (login, is_refused) {
                (Ok(login), true) => {
                    login.was_refused(settings);
                    (refused(), true)
                }
                (login, _) => (login, false),
            }
        });
        typed.map_err(|why| why.unwrap_or_else(|| UNKNOWN.to_owned()))?
    }

    fn of_answer(answer: Vec<u8>) -> Result<Self, String> {
        let value = |key| credential::value(&answer, key).unwrap_or_default().to_vec();
        let (user, password) = (value(b"username="), value(b"password="));
        Self::new(&user, &password, answer)
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
            credential::ask("approve", self.said.clone(), settings);
        }
    }

    /// Lets the helpers forget it.
    pub(super) fn was_refused(&self, settings: &[Setting]) {
        if !self.said.is_empty() {
            credential::ask("reject", self.said.clone(), settings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
