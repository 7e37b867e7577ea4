//! Blobs, which manifests refer to (distribution specification, "Pushing blobs").

use ureq::{
    Body,
    http::{Method, Response, StatusCode, Uri, header},
};

use super::{
    chunks::Chunks,
    request::{ExchangeError, RegistryRequest, RequestBody, TokenScope},
    session::Session,
    transport::Transport,
};
use crate::{
    http::printable,
    model::{
        error::{Error, Result},
        reference::Reference,
    },
};

/// Sends one blob to the repository of `reference`, unless it is there: POST for an upload, PUT with the whole content ("POST
/// then PUT"); in parts, where that is not taken. A retry starts over with a new upload.
pub(super) fn push(
    session: &Session,
    reference: &Reference,
    scope: &TokenScope,
    digest: &str,
    body: RequestBody,
) -> Result<()> {
    let transport = &session.transport;
    let doing = format!(
        "push {digest} to {}/{}",
        reference.registry(),
        reference.repository()
    );
    let blobs = format!("/v2/{}/blobs", reference.repository());
    let blob = transport.origin.uri(&format!("{blobs}/{digest}"))?;
    let uploads = transport.origin.uri(&format!("{blobs}/uploads/"))?;
    let bare = |method, uri: &Uri| RegistryRequest::bare(method, uri.clone());
    let ask = |method, uri| {
        let request = bare(method, uri);
        transport.retry(|| session.exchange(&request, scope))
    };
    transport.retry(|| {
        let found = ask(Method::HEAD, &blob)?;
        match found.status() {
            // A registry that keeps blobs elsewhere sends there whoever asks for one that exists.
            status if status == StatusCode::OK || status.is_redirection() => return Ok(()),
            StatusCode::UNAUTHORIZED => return Err(transport.refused(&doing, found).into()),
            // Whatever HEAD means there (405: it is not allowed; 403: some deny what does not exist), the upload tells.
            _ => {}
        }
        let open = || -> Result<Option<(Response<Body>, Uri)>, ExchangeError> {
            let upload = ask(Method::POST, &uploads)?;
            match upload.status() {
                // It is there by now.
                StatusCode::CREATED => Ok(None),
                StatusCode::ACCEPTED => {
                    let location = upload_location(transport, &uploads, &upload)?;
                    Ok(Some((upload, location)))
                }
                _ => Err(transport.refused(&doing, upload).into()),
            }
        };
        let Some((_, location)) = open()? else {
            return Ok(());
        };
        let put = RegistryRequest {
            body,
            ..bare(Method::PUT, &with_digest(&location, digest)?)
        };
        let mut stored = session.exchange(&put, scope)?;
        if is_for_parts(stored.status()) {
            let Some((opened, location)) = open()? else {
                return Ok(());
            };
            let chunks = Chunks::new(session, scope, &doing, body, &opened, location)?;
            let location = chunks.send()?;
            let close = bare(Method::PUT, &with_digest(&location, digest)?);
            stored = session.exchange(&close, scope)?;
        }
        if !stored.status().is_success() {
            return Err(transport.refused(&doing, stored).into());
        }
        Ok(())
    })
}

/// Whether the answer to a whole blob may be another one to its parts: an upload that is gone or does not take it in one request, or
/// a proxy that refuses the size.
fn is_for_parts(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::RANGE_NOT_SATISFIABLE
            | StatusCode::NOT_IMPLEMENTED
    )
}

/// Where the content goes, which the registry says and may be another host.
fn upload_location(transport: &Transport, asked: &Uri, upload: &Response<Body>) -> Result<Uri> {
    let location = upload
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    transport.origin.join(asked, location).ok_or_else(|| {
        let registry = &transport.registry;
        Error::unavailable(format!("{registry} asks for the upload at `{}`", printable(location)))
            .hint("content is sent over https only: correct the registry's external address (X-Forwarded-Proto of its proxy)")
    })
}

/// The address at which an upload ends with the blob `digest`.
fn with_digest(location: &Uri, digest: &str) -> Result<Uri> {
    let mark = if location.query().is_some() { '&' } else { '?' };
    let whole = format!("{location}{mark}digest={digest}");
    whole.parse().map_err(|cause| {
        Error::unavailable("the registry answers an upload that cannot be ended").because(cause)
    })
}
