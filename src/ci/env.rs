//! The environment of a run: variables and names, checked before they are used.

use std::ffi::OsString;

use gix::ObjectId;

use super::run::System;
use crate::model::error::{Error, Result};

/// The environment, read by the rules of this module.
pub(super) struct Env<'a> {
    pub(super) lookup: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Env<'_> {
    /// Whether the variable says `true`; Azure Pipelines writes `True`.
    pub(super) fn is_true(&self, name: &str) -> bool {
        (self.lookup)(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn system(&self) -> Option<System> {
        let marked = [
            (System::GitHub, self.is_true("GITHUB_ACTIONS")),
            (System::Azure, self.is_true("TF_BUILD")),
            (System::GitLab, self.is_true("GITLAB_CI")),
            (System::Buildkite, self.is_true("BUILDKITE")),
            (System::Jenkins, self.begins_with("BUILD_TAG", "jenkins-")),
        ];
        let found = marked.into_iter().find(|(_, is_marked)| *is_marked);
        found.map(|(system, _)| system)
    }

    fn begins_with(&self, name: &str, prefix: &str) -> bool {
        (self.lookup)(name)
            .is_some_and(|value| value.as_encoded_bytes().starts_with(prefix.as_bytes()))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>> {
        match (self.lookup)(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => value
                .into_string()
                .map(Some)
                .map_err(|value| invalid(name, &value.to_string_lossy(), "not UTF-8")),
        }
    }

    pub(super) fn branch(&self, name: &str) -> Result<Option<String>> {
        let value = self.text(name)?;
        value.map(|value| branch(name, &value)).transpose()
    }

    pub(super) fn commit(&self, name: &str) -> Result<Option<ObjectId>> {
        let value = self.text(name)?;
        Ok(value
            .map(|value| commit(name, &value))
            .transpose()?
            .flatten())
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>> {
        let value = self.text(name)?;
        value.map(|value| number(name, &value)).transpose()
    }

    /// That `source` says nothing, though what the variable `marker` holds calls for it.
    pub(super) fn missing(&self, source: &str, marker: &str) -> Error {
        let state = match (self.lookup)(source) {
            None => "not set".to_owned(),
            Some(value) if value.is_empty() => "empty".to_owned(),
            Some(value) => shown(&value.to_string_lossy()),
        };
        let held = (self.lookup)(marker).unwrap_or_default();
        let held = shown(&held.to_string_lossy());
        Error::unavailable(format!("{source} is {state}, though {marker} is {held}"))
            .hint(NAME_BOTH_ENDS)
    }
}

/// A full ref as GitHub and Azure Pipelines name the one a run belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ref {
    Branch(String),
    Tag(String),
    /// `refs/pull/<number>/merge`: the trial merge of a pull request.
    PullMerge(u64),
    /// Anything else, such as a TFVC path of Azure Pipelines.
    Other,
}

impl Ref {
    /// Reads `value`; `source` is the variable's name, for errors.
    pub(super) fn parse(source: &str, value: &str) -> Result<Self> {
        if let Some(name) = value.strip_prefix("refs/heads/") {
            return branch(source, name).map(Self::Branch);
        }
        if let Some(name) = value.strip_prefix("refs/tags/") {
            return tag(source, name).map(Self::Tag);
        }
        let pull = value.strip_prefix("refs/pull/");
        match pull.and_then(|rest| rest.strip_suffix("/merge")) {
            Some(digits) => number(source, digits).map(Self::PullMerge),
            None => Ok(Self::Other),
        }
    }

    pub(super) fn into_branch(self) -> Option<String> {
        match self {
            Self::Branch(name) => Some(name),
            _ => None,
        }
    }
}

/// A commit's full id in hexadecimal, SHA-1 or SHA-256; all zeros is git's way to say "no commit": `None`.
pub(super) fn commit(source: &str, value: &str) -> Result<Option<ObjectId>> {
    let id = ObjectId::from_hex(value.as_bytes())
        .map_err(|_| invalid(source, value, "not a commit (40 or 64 hexadecimal digits)"))?;
    Ok((!id.is_null()).then_some(id))
}

/// A branch name by the rules of `git check-ref-format --branch`, and without control characters of any kind.
pub(super) fn branch(source: &str, value: &str) -> Result<String> {
    let full = format!("refs/heads/{value}");
    let valid = gix::validate::reference::branch_name(full.as_str().into()).is_ok();
    checked_name(source, value, valid, "not a valid branch name")
}

/// A tag name by the same rules.
pub(super) fn tag(source: &str, value: &str) -> Result<String> {
    let full = format!("refs/tags/{value}");
    let valid = gix::validate::reference::name(full.as_str().into()).is_ok();
    checked_name(source, value, valid, "not a valid tag name")
}

pub(super) fn checked_name(source: &str, value: &str, valid: bool, fault: &str) -> Result<String> {
    if valid && !value.starts_with('-') && !value.contains(char::is_control) {
        Ok(value.to_owned())
    } else {
        Err(invalid(source, value, fault))
    }
}

/// A pull request's number: decimal digits, without the sign `str::parse` would allow.
pub(super) fn number(source: &str, value: &str) -> Result<u64> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    number.ok_or_else(|| invalid(source, value, "not the number of a pull request"))
}

/// How to do without the environment: explicit ends are never overruled by it (design §4).
pub(super) const NAME_BOTH_ENDS: &str =
    "name both commits yourself: flota plan --base REV --head REV";

/// The characters of a refused value an error shows.
const SHOWN: usize = 80;

fn invalid(source: &str, value: &str, fault: &str) -> Error {
    let value = shown(value);
    Error::unavailable(format!("{source} is {fault}: {value}")).hint(NAME_BOTH_ENDS)
}

/// That two sources do not agree, each with what it holds; none where it is not set.
pub(super) fn contradiction(one: (&str, Option<&str>), other: (&str, Option<&str>)) -> Error {
    let held = |(source, value): (&str, Option<&str>)| {
        let value = value.map_or("not set".to_owned(), shown);
        format!("{source} is {value}")
    };
    Error::unavailable(format!("{}, but {}", held(one), held(other))).hint(NAME_BOTH_ENDS)
}

/// A value as an error shows it.
fn shown(value: &str) -> String {
    let start: String = value.chars().take(SHOWN).collect();
    let more = if start.len() < value.len() {
        " …"
    } else {
        ""
    };
    format!("{start:?}{more}")
}
