//! One conversation of git with a server: what it is told, where redirects lead, and what is asked on the terminal on the way.

use std::time::Duration;

use bstr::{BString, ByteSlice};

use super::{
    configuration::{Configuration, Setting, with_settings, with_settings_alone},
    fault::ServerFault,
    question::{self, Answer},
    redirect, retry,
    trace::Trace,
};
use crate::{git::url, model::fleet::without_credentials, process::Command};

/// With whom, and under which conditions.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    /// What git is told beside what it reads by itself.
    pub settings: Vec<Setting>,
    /// Whether they are all that counts.
    pub is_complete: bool,
    /// What git is given for the server: a URL before all rewriting.
    pub given: BString,
    /// Whether flota looks where the server sends git, and git does not go there by itself.
    pub holds_redirects: bool,
    /// Whether the user lets anybody go there.
    pub follows_redirects: bool,
    /// How long the server may be silent.
    pub patience: Duration,
    /// Where it is after all rewriting.
    at: BString,
}

impl Conversation {
    /// With nobody yet.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            settings: Vec::new(),
            is_complete: false,
            given: BString::default(),
            holds_redirects: false,
            follows_redirects: true,
            patience,
            at: BString::default(),
        }
    }

    /// With the server of `given`, which is at `rewritten` by what `configuration` says.
    pub(super) fn goes_to(
        &mut self,
        given: BString,
        rewritten: BString,
        configuration: &Configuration,
    ) {
        let has_login = url::login(rewritten.as_ref()).is_some();
        // Where passwords are forbidden, git itself refuses it; its warnings are seen by nobody.
        let _ = url::check_password(configuration.file(), rewritten.as_ref());
        self.given = given;
        // A helper's password goes along too, with some versions of git. Where the user traces, it is not seen where to go.
        self.holds_redirects = redirect::is_http(rewritten.as_ref())
            && (has_login || configuration.has_headers() || !Trace::is_users());
        let plain = without_credentials(rewritten.as_ref());
        self.follows_redirects = configuration.follows_redirects(plain.as_ref());
        self.at = rewritten;
    }

    /// Runs `command` to its end, again where that is worth it, and gives its standard output if that is read as data.
    pub(super) fn hold(&self, command: &Command) -> Result<Vec<u8>, ServerFault> {
        let mut moved: Vec<Setting> = Vec::new();
        let mut at = self.at.clone();
        for _ in 0..=redirect::LIMIT {
            let is_http = redirect::is_http(at.as_ref());
            let holds = is_http && self.holds_redirects;
            let stay = holds.then(|| {
                // The setting of the very URL comes before whatever else the user says.
                let url = without_credentials(at.as_ref());
                [
                    "http.followRedirects".to_owned(),
                    format!("http.{url}.followRedirects"),
                ]
                .map(|key| (key, "false".to_owned()))
            });
            // Of two rules for the same URL git takes the first.
            let settings = moved.iter().chain(&self.settings);
            let settings: Vec<_> = settings.chain(stay.iter().flatten()).cloned().collect();
            let run = |command: Command, answer: Option<&Answer>| {
                let more = answer.map(Answer::settings).unwrap_or_default();
                let settings = settings.iter().chain(&more);
                let command = match self.is_complete {
                    true => with_settings_alone(command, settings),
                    false => with_settings(command, settings),
                };
                retry::read(&command, is_http, self.patience)
            };
            let failure = match question::asking(command, at.as_ref(), &settings, run) {
                Ok(output) => return Ok(output),
                Err(failure) => failure,
            };
            let next = failure.answer.location.as_ref();
            let next = next.filter(|_| holds && self.follows_redirects);
            let next = next.and_then(|to| redirect::target(at.as_ref(), to));
            let Some(next) = next else {
                return Err(failure.fault);
            };
            let given = self.given.to_str_lossy();
            moved = ["insteadOf", "pushInsteadOf"]
                .map(|key| (format!("url.{next}.{key}"), given.clone().into_owned()))
                .to_vec();
            at = next;
        }
        Err(ServerFault::Failed(format!(
            "the server redirects again and again: {} times",
            redirect::LIMIT
        )))
    }
}
