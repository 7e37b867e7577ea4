//! A step of a plan as one word, for a CI system to carry from the job that decides to the job that builds.

use std::{fmt, str::FromStr};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use super::{
    change::Action,
    error::{Error, Result},
    plan::Step,
};

/// What stays as it is: letters, digits and these mean nothing to any shell, expression or logging command.
const INERT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'_')
    .remove(b'/')
    .remove(b'-');

/// `text` with everything but ASCII letters, digits and `._/-` percent-encoded, and a `-` it begins with: no option, no
/// expansion, no markup, and never the spelling of another text.
pub fn inert(text: &BStr) -> String {
    let encoded = percent_encode(text, INERT).to_string();
    match encoded.strip_prefix('-') {
        Some(rest) => format!("%2D{rest}"),
        None => encoded,
    }
}

/// What is to be done to one service: `chart:services/cart@8f13c63…`, the path as [`inert`] spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepId {
    /// [`Action::Image`] or [`Action::Chart`].
    pub action: Action,
    /// The service's path in the fleet.
    pub path: BString,
    /// The commit to build.
    pub commit: ObjectId,
}

impl StepId {
    /// The word for `step`.
    ///
    /// # Errors
    /// The step builds nothing, or has no pinned commit.
    pub fn of(step: &Step) -> Result<Self> {
        let builds = matches!(step.action, Action::Image | Action::Chart);
        match step.commit.filter(|_| builds) {
            Some(commit) => Ok(Self {
                action: step.action,
                path: step.path.clone(),
                commit,
            }),
            None => Err(Error::repository(format!(
                "{} has no commit to build",
                step.path
            ))),
        }
    }

    /// The action's word, as JSON has it.
    pub fn action_word(action: Action) -> &'static str {
        match action {
            Action::Image => "image",
            Action::Chart => "chart",
            Action::None => "none",
            Action::Retire => "retire",
        }
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = Self::action_word(self.action);
        write!(f, "{action}:{}@{}", inert(self.path.as_ref()), self.commit)
    }
}

impl FromStr for StepId {
    type Err = Error;

    /// Reads only what [`Display`](fmt::Display) writes, to the letter.
    fn from_str(word: &str) -> Result<Self> {
        let read = || {
            let (action, rest) = word.split_once(':')?;
            let (path, commit) = rest.rsplit_once('@')?;
            let action = match action {
                "image" => Action::Image,
                "chart" => Action::Chart,
                _ => return None,
            };
            let path = BString::from(percent_decode(path.as_bytes()).collect::<Vec<u8>>());
            let commit = ObjectId::from_hex(commit.as_bytes()).ok()?;
            let id = Self {
                action,
                path,
                commit,
            };
            (!id.path.is_empty() && id.to_string() == word).then_some(id)
        };
        read().ok_or_else(|| {
            let word = word.as_bytes().as_bstr();
            Error::misuse(format!("`{word}` is not a step of a plan"))
                .hint("a step is ACTION:PATH@COMMIT, as flota plan --format github writes it")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn any_path_comes_back_from_its_word() {
        let odd: Vec<u8> = (1..=u8::MAX).collect();
        for path in [
            &b"services/cart"[..],
            b".",
            b"-x",
            b"a b",
            b"a@b:c,d",
            b"%41",
            b"$(id)`x`;&|<>'\"\\\n\r::##vso[x]{{}}",
            b"caf\xc3\xa9 \xff",
            &odd,
        ] {
            for action in [Action::Image, Action::Chart] {
                let id = StepId {
                    action,
                    path: path.into(),
                    commit: ObjectId::from_hex(COMMIT.as_bytes()).unwrap(),
                };
                let word = id.to_string();
                assert!(
                    word.bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"._/-%:@".contains(&b)),
                    "{word}"
                );
                assert_eq!(word.parse::<StepId>().unwrap(), id, "{word}");
            }
        }
    }

    #[test]
    fn nothing_else_is_a_step() {
        for word in [
            "",
            "services/cart",
            "image:services/cart",
            "image:@1111111111111111111111111111111111111111",
            "retire:a@1111111111111111111111111111111111111111",
            "Image:a@1111111111111111111111111111111111111111",
            "image:a b@1111111111111111111111111111111111111111",
            "image:-a@1111111111111111111111111111111111111111",
            // Another spelling of `image:a@…`.
            "image:%61@1111111111111111111111111111111111111111",
            "image:a%2@1111111111111111111111111111111111111111",
            "image:a@11111111",
            "image:a@1111111111111111111111111111111111111111 ",
        ] {
            assert!(word.parse::<StepId>().is_err(), "{word:?}");
        }
    }
}
