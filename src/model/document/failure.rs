//! What failed of a run that did the rest.

use std::borrow::Cow;

use bstr::{BStr, BString, ByteSlice};
use serde::{Deserialize, Serialize};

use super::bytes;
use crate::model::error::Error;

/// A part of the work that failed, as every document names it under `errors`.
#[derive(Debug, Serialize, Deserialize)]
pub struct FailureV1<'a> {
    /// The path of the service or submodule.
    #[serde(flatten, with = "bytes::path")]
    pub path: Cow<'a, BStr>,
    /// What failed.
    #[serde(default)]
    pub message: String,
    /// What lies below, from the top down.
    #[serde(default)]
    pub causes: Vec<String>,
    /// What to do about it.
    #[serde(default)]
    pub hints: Vec<String>,
}

impl<'a> FailureV1<'a> {
    /// The `error` that befell the service or submodule at `path`.
    pub fn of(path: &'a BString, error: &Error) -> Self {
        Self {
            path: Cow::Borrowed(path.as_bstr()),
            message: error.to_string(),
            causes: error.causes(),
            hints: error.hints().to_vec(),
        }
    }

    /// Those of the parts, each with its path, that have an error.
    pub fn all<'e>(parts: impl IntoIterator<Item = (&'a BString, Option<&'e Error>)>) -> Vec<Self> {
        let parts = parts.into_iter();
        parts
            .filter_map(|(path, error)| Some(Self::of(path, error?)))
            .collect()
    }
}
