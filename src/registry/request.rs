//! What is sent to a registry, and how it may fail.

use std::{path::Path, time::Duration};

use ureq::http::{Method, Uri};

use crate::model::error::Error;

/// What a request needs to be allowed to do in a repository: tokens are granted for that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenScope {
    pub(super) repository: String,
    pub(super) push: bool,
}

/// One request, in a form that can be sent more than once.
pub(super) struct RegistryRequest<'a> {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) accept: Option<&'a str>,
    pub(super) body: RequestBody<'a>,
    /// Whether the answer may be as long as a layer: then only silence is limited, not the time that all of it takes.
    pub(super) long: bool,
    /// The first and the last byte of the blob that the body is a part of.
    pub(super) range: Option<(u64, u64)>,
}

impl RegistryRequest<'_> {
    /// A request without a body.
    pub(super) fn bare(method: Method, uri: Uri) -> Self {
        Self {
            method,
            uri,
            accept: None,
            body: RequestBody::Empty,
            long: false,
            range: None,
        }
    }
}

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum RequestBody<'a> {
    Empty,
    Bytes {
        media_type: &'a str,
        bytes: &'a [u8],
    },
    File(&'a Path),
}

/// A failure, and whether the same request may well succeed a moment later.
pub(super) enum ExchangeError {
    /// Overload, or a connection that broke off; with the wait the server asked for, if it did.
    Passing(Error, Option<Duration>),
    Final(Error),
}

impl From<Error> for ExchangeError {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}
