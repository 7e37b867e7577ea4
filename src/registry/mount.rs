//! Blobs that a registry has already, taken over from one of its repositories into another (distribution specification, "Mounting a
//! blob from another repository"): nothing of them is sent.

use ureq::http::{Method, StatusCode};

use super::{
    request::{RegistryRequest, TokenScope},
    session::Session,
};
use crate::{
    http::drain,
    model::{error::Result, reference::Reference},
};

/// Asks the registry to give the repository of `reference` the blob `digest` of its repository `from`; whether it did. One that
/// does not, for whatever reason, is sent the blob: that says what is wrong, if anything is.
pub(super) fn mount(
    session: &Session,
    reference: &Reference,
    scope: &TokenScope,
    digest: &str,
    from: &str,
) -> Result<bool> {
    let repository = reference.repository();
    let path = format!("/v2/{repository}/blobs/uploads/?mount={digest}&from={from}");
    let request = RegistryRequest::bare(Method::POST, session.transport.origin.uri(&path)?);
    let answer = session
        .transport
        .retry(|| session.exchange(&request, scope));
    let Ok(answer) = answer else { return Ok(false) };
    let mounted = answer.status() == StatusCode::CREATED;
    drain(answer);
    Ok(mounted)
}
