//! Manifests in a registry: asked for, read and stored (distribution specification, "Pulling manifests", "Pushing Manifests").

use ureq::{
    Body,
    http::{Method, Response, StatusCode, header},
};

use super::{
    digest,
    layout::MANIFEST_LIMIT,
    request::{RegistryRequest, RequestBody, TokenScope},
    session::Session,
};
use crate::{
    http::{content, printable},
    model::{
        digest::oci_digest,
        error::{Error, Result},
        reference::Reference,
    },
};

/// Everything a reference may stand for.
const MEDIA_TYPES: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// The header in which a registry says what digest it computed.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// The digest of the manifest that `reference` names, if there is one.
pub(super) fn head(
    session: &Session,
    reference: &Reference,
    scope: &TokenScope,
) -> Result<Option<String>> {
    let answer = ask(session, Method::HEAD, reference, scope, RequestBody::Empty)?;
    let transport = &session.transport;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        // Some deny what is not there to whoever is logged in and may push it (Artifactory, google/go-containerregistry#1691).
        StatusCode::FORBIDDEN if scope.push && session.is_authorized(scope) => return Ok(None),
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {}
        _ => return Err(transport.refused(&format!("resolve {reference}"), answer)),
    }
    // A registry may leave the digest out, or HEAD itself; then the manifest tells.
    let named = content_digest(&answer).filter(|_| answer.status() == StatusCode::OK);
    let Some(named) = named else {
        let found = get(session, reference, scope)?;
        return Ok(found.map(|(_, bytes)| oci_digest(&bytes)));
    };
    let misnamed = || {
        Error::work(format!(
            "{} names {reference} by another digest: `{}`",
            transport.registry,
            printable(named)
        ))
    };
    let digest = digest::parse(named).map_err(|cause| misnamed().because(cause))?;
    if reference
        .digest()
        .is_some_and(|asked| asked != digest.as_ref())
    {
        return Err(misnamed());
    }
    Ok(Some(digest.to_string()))
}

/// The media type and the bytes of a manifest, whose digest is what `reference` or the registry says.
pub(super) fn get(
    session: &Session,
    reference: &Reference,
    scope: &TokenScope,
) -> Result<Option<(String, Vec<u8>)>> {
    let answer = ask(session, Method::GET, reference, scope, RequestBody::Empty)?;
    let transport = &session.transport;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        _ => return Err(transport.refused(&format!("read {reference}"), answer)),
    }
    let media_type = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or_default().to_owned();
    let expected = reference
        .digest()
        .or(content_digest(&answer))
        .map(str::to_owned);
    let bytes = content(answer, MANIFEST_LIMIT).map_err(|failure| {
        Error::work(format!("cannot read the manifest of {reference}")).because(failure.cause)
    })?;
    match expected {
        Some(expected) if expected.starts_with("sha256:") && expected != oci_digest(&bytes) => {
            Err(Error::work(format!(
                "{} answers a manifest for {reference} whose digest is not {}",
                transport.registry,
                printable(&expected)
            )))
        }
        _ => Ok(Some((media_type, bytes))),
    }
}

/// Stores a manifest under the tag or digest of `reference`, unless it is there.
pub(super) fn put(
    session: &Session,
    reference: &Reference,
    scope: &TokenScope,
    media_type: &str,
    bytes: &[u8],
) -> Result<()> {
    let digest = oci_digest(bytes);
    // A registry with immutable tags refuses even the same content.
    if head(session, reference, scope)?.as_ref() == Some(&digest) {
        return Ok(());
    }
    let body = RequestBody::Bytes { media_type, bytes };
    let answer = ask(session, Method::PUT, reference, scope, body)?;
    let transport = &session.transport;
    if !answer.status().is_success() {
        let error = transport.refused(&format!("push {reference}"), answer);
        // Somebody else was faster, and the tag cannot be written twice.
        return match head(session, reference, scope) {
            Ok(Some(there)) if there == digest => Ok(()),
            _ => Err(error),
        };
    }
    match content_digest(&answer) {
        Some(computed) if computed != digest => Err(Error::work(format!(
            "{} stored {reference} as {}, and not as {digest}",
            transport.registry,
            printable(computed)
        ))),
        _ => Ok(()),
    }
}

/// One request about the manifest of `reference`, until it is answered.
fn ask(
    session: &Session,
    method: Method,
    reference: &Reference,
    scope: &TokenScope,
    body: RequestBody,
) -> Result<Response<Body>> {
    let transport = &session.transport;
    let name = reference.digest().or(reference.tag()).unwrap_or_default();
    let path = format!("/v2/{}/manifests/{name}", reference.repository());
    let uri = transport.origin.uri(&path)?;
    let request = RegistryRequest {
        accept: (method != Method::PUT).then_some(MEDIA_TYPES),
        body,
        ..RegistryRequest::bare(method, uri)
    };
    transport.retry(|| session.exchange(&request, scope))
}

fn content_digest(answer: &Response<Body>) -> Option<&str> {
    answer.headers().get(CONTENT_DIGEST)?.to_str().ok()
}
