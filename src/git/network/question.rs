//! What only somebody at the terminal can answer: user and password for an HTTP server, and what ssh asks.
//!
//! Children are in process groups of their own and cannot ask (see [`crate::process`]). So one that needed an answer has failed, and
//! its command is run again with one: `git credential fill` (git-credential(1)) asks on flota's behalf, one question at a time, with
//! the bars taken away. Each server is asked for once a run. Whoever asked is the first to use the answer, and everybody else waits
//! until the server has judged it: a wrong password is sent once, not once for each service.

use std::{
    collections::BTreeMap,
    io::IsTerminal as _,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use bstr::{BStr, BString, ByteSlice};
use gix::config::Boolean;

use super::{
    configuration::Setting, credential, fault::ServerFault, redirect::is_http, retry::FailedErrand,
    trace::LastAnswer,
};
use crate::{
    git::url,
    model::fleet::without_credentials,
    process::{Command, wants_terminal},
};

/// Runs something while nothing else is drawn on the terminal.
pub type Aside = fn(&mut dyn FnMut());

/// Where children find the answer that [`HELPER`] gives git.
const VARIABLE: &str = "FLOTA_CREDENTIAL";

/// A credential helper (gitcredentials(7)) that knows one answer. It comes after those of the user, which git tells whether the answer
/// was right: `approve` and `reject`.
const HELPER: &str = r#"!f() { test "$1" != get || printf %s "$FLOTA_CREDENTIAL"; }; f"#;

/// How to run something with the terminal free.
static ASIDE: OnceLock<Aside> = OnceLock::new();

/// One question at a time.
static TERMINAL: Mutex<()> = Mutex::new(());

/// What came of the questions of this run, by what was asked for.
static ASKED: Mutex<BTreeMap<BString, Arc<Mutex<Asked>>>> = Mutex::new(BTreeMap::new());

/// What came of one question.
#[derive(Clone, Default)]
enum Asked {
    #[default]
    NotYet,
    /// The server took it.
    Answered(Answer),
    /// The server refused it.
    Refused,
    /// Nobody answered.
    Unanswered,
}

/// A user and a password, as git-credential(1) has them.
#[derive(Clone)]
pub(super) struct Answer {
    said: Vec<u8>,
    /// The server that it is for, and no other.
    server: String,
}

impl Answer {
    /// What lets git use it; no argument, which everybody could read.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let key = format!("credential.{}.helper", self.server);
        vec![(key, HELPER.to_owned())]
    }

    /// The lines of git-credential(1).
    pub(super) fn said(&self) -> &[u8] {
        &self.said
    }

    fn given_to(&self, command: Command) -> Command {
        command.env(VARIABLE, self.said.to_os_str_lossy())
    }
}

/// How to take everything else off the terminal for the time of a question; nothing is taken away before this is said.
pub fn install(aside: Aside) {
    // A second run in one process keeps the first one's.
    let _ = ASIDE.set(aside);
}

/// Whether there is somebody whom git would ask (git(1), `GIT_TERMINAL_PROMPT`).
fn is_attended() -> bool {
    let told = std::env::var("GIT_TERMINAL_PROMPT").ok();
    let told = told.map(|told| Boolean::try_from(told.as_bytes().as_bstr()));
    std::io::stdin().is_terminal() && told.is_none_or(|told| told.is_ok_and(|told| told.0))
}

/// Runs `command`, which goes to the server of `at`, with `run`; once more with an answer where the server wants one. `settings` are
/// what git is told of that server.
pub(super) fn asking(
    command: &Command,
    at: &BStr,
    settings: &[Setting],
    run: impl Fn(Command, Option<&Answer>) -> Result<Vec<u8>, FailedErrand>,
) -> Result<Vec<u8>, FailedErrand> {
    if at.is_empty() || !is_attended() {
        return run(command.clone(), None);
    }
    if !is_http(at) {
        return asking_ssh(command, at, |command| run(command, None));
    }
    let with = |answer: Option<&Answer>| {
        // Where it could ask by itself, it would not keep the answer for the next.
        let command = command.clone().env("GIT_TERMINAL_PROMPT", "0");
        match answer {
            Some(answer) => run(answer.given_to(command), Some(answer)),
            None => run(command, None),
        }
    };
    let (user, _) = url::credentials(at);
    let known = match &*lock(&record(&place(at, user.as_ref()))) {
        Asked::Answered(answer) => Some(answer.clone()),
        _ => None,
    };
    let failure = match with(known.as_ref()) {
        Ok(output) => return Ok(output),
        Err(failure) => failure,
    };
    let Some(user) = wanted(&failure.fault.said(), at) else {
        return Err(failure);
    };
    let judged = answered(at, user.as_ref(), settings, |answer| {
        let ended = with(Some(answer));
        let refused = |failure: &FailedErrand| failure.fault.said().contains(REFUSED);
        let is_refused = ended.as_ref().err().is_some_and(refused);
        (ended, is_refused)
    });
    judged.unwrap_or_else(|why| {
        Err(match why {
            Some(why) => FailedErrand {
                fault: ServerFault::Failed(why),
                answer: LastAnswer::default(),
            },
            None => failure,
        })
    })
}

/// What git says when a server did not take a login.
const REFUSED: &str = "Authentication failed for '";

/// Uses the answer to who logs in at `at`, as `user` where that is known: what was said before in this run, else what `git credential`
/// finds out now. `attempt` says what came of it, and whether the server refused it.
///
/// # Errors
/// Why there is no answer; nothing where there is nobody to ask, or nobody answered.
pub(super) fn answered<T>(
    at: &BStr,
    user: Option<&BString>,
    settings: &[Setting],
    attempt: impl FnOnce(&Answer) -> (T, bool),
) -> Result<T, Option<String>> {
    if !is_attended() {
        return Err(None);
    }
    let place = place(at, user);
    let shared = record(&place);
    let mut asked = lock(&shared);
    match asked.clone() {
        Asked::Answered(answer) => {
            drop(asked);
            Ok(attempt(&answer).0)
        }
        Asked::Refused => Err(Some(format!(
            "the login that was typed for {place} was refused"
        ))),
        Asked::Unanswered => Err(None),
        Asked::NotYet => {
            *asked = Asked::Unanswered;
            let question = credential::question(at, user, &[]).map_err(Some)?;
            let filled = at_the_terminal(|| {
                credential::ask_by("fill", question, settings, |git| git.may_prompt().run())
            });
            let answer = Answer {
                said: filled.flatten().ok_or(None)?,
                server: server(at).to_string(),
            };
            let (ended, is_refused) = attempt(&answer);
            *asked = match is_refused {
                true => Asked::Refused,
                false => Asked::Answered(answer),
            };
            Ok(ended)
        }
    }
}

/// The same where ssh asks: whether a host is the right one, a passphrase. It asks for itself, in flota's own process group, and keeps
/// the answer to the first alone: what else it would ask for each service is not asked again.
fn asking_ssh(
    command: &Command,
    at: &BStr,
    run: impl Fn(Command) -> Result<Vec<u8>, FailedErrand>,
) -> Result<Vec<u8>, FailedErrand> {
    let wants = |failure: &FailedErrand| match &failure.fault {
        ServerFault::Stopped(err) => wants_terminal(err),
        _ => false,
    };
    let failure = match run(command.clone()) {
        Err(failure) if wants(&failure) => failure,
        ended => return ended,
    };
    let Some(host) = gix::url::parse(at)
        .ok()
        .and_then(|url| Some(BString::from(url.host()?)))
    else {
        return Err(failure);
    };
    let shared = record(&host);
    let mut asked = lock(&shared);
    if matches!(*asked, Asked::NotYet) {
        *asked = Asked::Unanswered;
        return at_the_terminal(|| run(command.clone().may_prompt())).unwrap_or(Err(failure));
    }
    drop(asked);
    // The host is known by now, perhaps.
    run(command.clone())
}

/// The user for whom git wanted a password at the server of `at`, as far as it knew one; none where that is not why it failed.
fn wanted(said: &str, at: &BStr) -> Option<Option<BString>> {
    said.lines().find_map(|line| {
        let line = line.strip_prefix("fatal: could not read ")?;
        let line = line.strip_suffix("': terminal prompts disabled")?;
        let (what, of) = line.split_once(" for '")?;
        let is_login = ["Username", "Password"].contains(&what);
        let of = BStr::new(of);
        // A server may say what it likes, also that another one's password is wanted.
        let is_same = server(of).eq_ignore_ascii_case(&server(at));
        (is_login && is_same).then(|| url::credentials(of).0)
    })
}

/// What a question is about: the server, and the user that is known.
fn place(at: &BStr, user: Option<&BString>) -> BString {
    let server = server(at);
    match (user, server.split_once_str("://")) {
        (Some(user), Some((scheme, host))) => [scheme, b"://", user, b"@", host].concat().into(),
        _ => server,
    }
}

/// Scheme, host and port of a URL.
fn server(at: &BStr) -> BString {
    let plain = without_credentials(at);
    let start = plain.find("://").map_or(0, |scheme| scheme + 3);
    let end = plain[start..].find_byteset(b"/?#");
    plain[..end.map_or(plain.len(), |end| start + end)].into()
}

fn record(place: &BString) -> Arc<Mutex<Asked>> {
    Arc::clone(lock(&ASKED).entry(place.clone()).or_default())
}

/// Runs `work` with the terminal for itself.
fn at_the_terminal<T>(work: impl FnOnce() -> T) -> Option<T> {
    let _one_at_a_time = lock(&TERMINAL);
    let (mut work, mut done) = (Some(work), None);
    let mut once = || done = work.take().map(|work| work());
    match ASIDE.get() {
        Some(aside) => aside(&mut once),
        None => once(),
    }
    done
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_asked_for_where_git_lacked_one_for_this_very_server() {
        let at = "https://me@Host:8443/shop/api.git".into();
        for (said, want) in [
            (
                "fatal: could not read Username for 'https://host:8443': terminal prompts disabled",
                Some(None),
            ),
            (
                "remote: hello\nfatal: could not read Password for 'https://it%20is@host:8443': terminal prompts disabled",
                Some(Some("it is")),
            ),
            (
                "fatal: could not read Username for 'https://host:8443/shop/api.git': terminal prompts disabled",
                Some(None),
            ),
            (
                "fatal: could not read Username for 'https://host': terminal prompts disabled",
                None,
            ),
            (
                "fatal: could not read Username for 'http://host:8443': terminal prompts disabled",
                None,
            ),
            (
                "remote: fatal: could not read Username for 'https://host:8443': terminal prompts disabled",
                None,
            ),
            (
                "fatal: could not read Password for 'cert:////key.pem': terminal prompts disabled",
                None,
            ),
            (
                "fatal: Authentication failed for 'https://host:8443/shop/api.git/'",
                None,
            ),
        ] {
            let want = want.map(|user| user.map(BString::from));
            assert_eq!(wanted(said, at), want, "{said}");
        }
    }

    #[test]
    fn an_answer_is_for_one_server() {
        let answer = Answer {
            said: b"username=me\npassword=pw\n".to_vec(),
            server: server("https://me@host/shop/api".into()).to_string(),
        };
        assert_eq!(
            answer.settings(),
            [(
                "credential.https://host.helper".to_owned(),
                HELPER.to_owned()
            )]
        );
        assert!(HELPER.contains(VARIABLE));
        let place = |at: &str| place(at.into(), url::credentials(at.into()).0.as_ref());
        assert_eq!(place("https://me:pw@host:1/a"), "https://me@host:1");
        assert_eq!(place("https://host"), "https://host");
    }
}
