//! Blobs, which manifests refer to (distribution specification, "Pushing blobs").

use ureq::{
    Body,
    http::{Method, Response, StatusCode, Uri, header},
};

use super::{
    request::{RegistryRequest, RequestBody, TokenScope},
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
/// then PUT"). A retry starts over with a new upload.
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
    transport.retry(|| {
        let bare = |method, uri: &Uri| RegistryRequest::bare(method, uri.clone());
        let found = session.exchange(&bare(Method::HEAD, &blob), scope)?;
        match found.status() {
            // A registry that keeps blobs elsewhere sends there whoever asks for one that exists.
            StatusCode::OK | StatusCode::TEMPORARY_REDIRECT => return Ok(()),
            StatusCode::NOT_FOUND => {}
            _ => return Err(transport.refused(&doing, found).into()),
        }
        let upload = session.exchange(&bare(Method::POST, &uploads), scope)?;
        if upload.status() != StatusCode::ACCEPTED {
            return Err(transport.refused(&doing, upload).into());
        }
        let location = upload_location(transport, &upload, digest)?;
        let put = RegistryRequest {
            body,
            ..bare(Method::PUT, &location)
        };
        let stored = session.exchange(&put, scope)?;
        if !stored.status().is_success() {
            return Err(transport.refused(&doing, stored).into());
        }
        Ok(())
    })
}

/// Where the content goes, which the registry says and may be another host.
fn upload_location(transport: &Transport, upload: &Response<Body>, digest: &str) -> Result<Uri> {
    let location = upload
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mark = if location.contains('?') { '&' } else { '?' };
    let with_digest = format!("{location}{mark}digest={digest}");
    transport.origin.join(&with_digest).ok_or_else(|| {
        let registry = &transport.registry;
        Error::unavailable(format!("{registry} asks for the upload at `{}`", printable(location)))
            .hint("content is sent over https only: correct the registry's external address (X-Forwarded-Proto of its proxy)")
    })
}
