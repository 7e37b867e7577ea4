//! The bodies of responses.

use std::io::{self, Read};

use ureq::{Body, http::Response};

use super::failure::Failure;

/// The most that is read of a body that nobody wants, in bytes: a new connection costs no more than that.
const UNWANTED_LIMIT: u64 = 64 << 10;

/// The body of `answer`.
///
/// # Errors
/// It breaks off, or is longer than `limit` bytes.
pub(crate) fn content(answer: Response<Body>, limit: u64) -> Result<Vec<u8>, Failure> {
    let body = answer.into_body().into_with_config().limit(limit);
    Ok(body.read_to_vec()?)
}

/// Reads the rest of an answer that is not needed: a connection can be used again only then.
pub(crate) fn drain(answer: Response<Body>) {
    let mut body = answer.into_body().into_reader().take(UNWANTED_LIMIT);
    // What does not come costs the connection, and nothing else.
    let _ = io::copy(&mut body, &mut io::sink());
}
