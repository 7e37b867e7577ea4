//! What several documents have in common.

use std::borrow::Cow;

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{bytes, failure::FailureV1};
use crate::model::{
    change::{Action, Base, BaseKind, End, Unread, Warning, WarningKind},
    plan::Step,
    success::Exceptions,
};

/// An object id as hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex(pub ObjectId);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = ObjectId::from_hex(text.as_bytes());
        id.map(Self)
            .map_err(|err| D::Error::custom(format!("`{text}` is not an object id: {err}")))
    }
}

/// The older end of a comparison.
#[derive(Debug, Serialize, Deserialize)]
pub struct BaseV1<'a> {
    /// As it was asked for.
    pub rev: Cow<'a, str>,
    /// The commit; none for nothing at all.
    pub commit: Option<Hex>,
    /// How it was found.
    pub kind: BaseKind,
}

impl<'a> From<&'a Base> for BaseV1<'a> {
    fn from(base: &'a Base) -> Self {
        Self {
            rev: base.rev.as_str().into(),
            commit: base.commit.map(Hex),
            kind: base.kind,
        }
    }
}

/// The newer end of a comparison.
#[derive(Debug, Serialize, Deserialize)]
pub struct EndV1<'a> {
    /// As it was asked for.
    pub rev: Cow<'a, str>,
    /// The commit.
    pub commit: Hex,
}

impl<'a> From<&'a End> for EndV1<'a> {
    fn from(end: &'a End) -> Self {
        Self {
            rev: end.rev.as_str().into(),
            commit: Hex(end.commit),
        }
    }
}

/// A service that is compared with another commit than the rest.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExceptionV1<'a> {
    /// Its path in the fleet.
    #[serde(flatten, with = "bytes::path")]
    pub path: Cow<'a, BStr>,
    /// The commit; none for nothing at all.
    pub commit: Option<Hex>,
}

/// The services that are compared with another commit than the rest, by path.
pub fn exceptions(exceptions: &Exceptions) -> Vec<ExceptionV1<'_>> {
    let view = |(path, commit): (_, &Option<ObjectId>)| ExceptionV1 {
        path: borrowed(path),
        commit: commit.map(Hex),
    };
    exceptions.iter().map(view).collect()
}

/// A service by its path alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct PathV1<'a> {
    /// Its path in the fleet.
    #[serde(flatten, with = "bytes::path")]
    pub path: Cow<'a, BStr>,
}

impl<'a> From<&'a BString> for PathV1<'a> {
    fn from(path: &'a BString) -> Self {
        Self {
            path: borrowed(path),
        }
    }
}

/// One action on one service.
#[derive(Debug, Serialize, Deserialize)]
pub struct StepV1<'a> {
    /// What people call it.
    #[serde(flatten, with = "bytes::name")]
    pub name: Cow<'a, BStr>,
    /// Its path in the fleet.
    #[serde(flatten, with = "bytes::path")]
    pub path: Cow<'a, BStr>,
    /// What to do.
    pub action: Action,
    /// Why, as a word.
    pub reason: String,
    /// The commit to build.
    pub commit: Option<Hex>,
    /// The code's identity.
    pub code: Option<Hex>,
    /// The configuration's identity.
    pub config: Option<Hex>,
    /// The service's URL, without credentials.
    #[serde(flatten, with = "bytes::url")]
    pub url: Option<Cow<'a, BStr>>,
}

impl<'a> From<&'a Step> for StepV1<'a> {
    fn from(step: &'a Step) -> Self {
        Self {
            name: borrowed(&step.name),
            path: borrowed(&step.path),
            action: step.action,
            reason: step.reason.word(),
            commit: step.commit.map(Hex),
            code: step.code.map(Hex),
            config: step.config.map(Hex),
            url: step.url.as_ref().map(borrowed),
        }
    }
}

/// Something a person should look at.
#[derive(Debug, Serialize, Deserialize)]
pub struct WarningV1<'a> {
    /// What kind of warning.
    pub kind: WarningKind,
    /// The service it is about, where it is about one.
    #[serde(flatten, with = "bytes::optional_path")]
    pub path: Option<Cow<'a, BStr>>,
    /// The sentence for people.
    pub message: Cow<'a, str>,
}

impl<'a> From<&'a Warning> for WarningV1<'a> {
    fn from(warning: &'a Warning) -> Self {
        Self {
            kind: warning.kind,
            path: warning.path.as_ref().map(borrowed),
            message: warning.message.as_str().into(),
        }
    }
}

/// A submodule that could not be read.
#[derive(Debug, Serialize, Deserialize)]
pub struct UnreadV1<'a> {
    /// Its path in the fleet, and what to say of it.
    #[serde(flatten)]
    pub failure: FailureV1<'a>,
    /// The pin that could not be had.
    pub pin: Hex,
    /// Its URL, without credentials.
    #[serde(flatten, with = "bytes::url")]
    pub url: Option<Cow<'a, BStr>>,
    /// Why.
    pub why: Cow<'a, str>,
}

impl<'a> From<&'a Unread> for UnreadV1<'a> {
    fn from(unread: &'a Unread) -> Self {
        Self {
            failure: FailureV1::of(&unread.path, &unread.own_error()),
            pin: Hex(unread.pin),
            url: unread.url.as_ref().map(borrowed),
            why: unread.why.as_str().into(),
        }
    }
}

fn borrowed(bytes: &BString) -> Cow<'_, BStr> {
    Cow::Borrowed(bytes.as_bstr())
}
