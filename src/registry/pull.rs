//! Manifests and blobs read from a registry (distribution specification, "Pull"): images that others are built on.

use std::io::{Read, Write};

use sha2::{Digest as _, Sha256};
use ureq::http::{Method, StatusCode};

use super::{
    Registry, digest, manifest,
    request::{ExchangeError, RegistryRequest},
    transport::broken,
};
use crate::model::{
    digest::hex,
    error::{Error, Result},
    reference::Reference,
};

/// How much is read at once, in bytes.
const CHUNK: usize = 64 << 10;

impl Registry {
    /// The media type and the bytes of the manifest or index that `reference` names; None when the registry has no such tag, digest
    /// or repository. Bytes that a digest names have that digest.
    ///
    /// # Errors
    /// Unavailable: the registry cannot be reached, or denies to tell. Work: it answers something else than what the digest names,
    /// or more than a manifest may have (4 MiB).
    pub fn manifest(&self, reference: &Reference) -> Result<Option<(String, Vec<u8>)>> {
        manifest::get(&self.session, reference, &self.scope(reference, false)?)
    }

    /// Writes the blob `digest` of the repository of `reference`, which has `size` bytes, into what `start` gives: a new one for
    /// each try, and the one that holds all of it is returned.
    ///
    /// # Errors
    /// Unavailable: the registry cannot be reached, denies it, or lacks the blob. Work: its bytes are not `size` or do not have
    /// the digest; nothing beyond `size` is read.
    pub fn blob<W: Write>(
        &self,
        reference: &Reference,
        digest: &str,
        size: u64,
        start: impl Fn() -> Result<W>,
    ) -> Result<W> {
        let digest = digest::parse(digest)?;
        let transport = &self.session.transport;
        let scope = self.scope(reference, false)?;
        let path = format!("/v2/{}/blobs/{digest}", reference.repository());
        let request = RegistryRequest {
            long: true,
            ..RegistryRequest::bare(Method::GET, transport.origin.uri(&path)?)
        };
        let wrong = |how: String| {
            let registry = &transport.registry;
            Error::work(format!("{registry} answers {how} for {digest}"))
        };
        transport.retry(|| {
            let answer = self.session.exchange(&request, &scope)?;
            if answer.status() != StatusCode::OK {
                let doing = format!("read {digest} of {reference}");
                return Err(transport.refused(&doing, answer).into());
            }
            let mut into = start()?;
            let mut body = answer.into_body().into_reader();
            let mut hash = Sha256::new();
            let mut left = size;
            let mut buffer = vec![0; CHUNK];
            loop {
                let read = body.read(&mut buffer);
                let read = read.map_err(|cause| broken(&request.uri, cause.into()))?;
                if read == 0 {
                    break;
                }
                left = left
                    .checked_sub(read as u64)
                    .ok_or_else(|| wrong(format!("more than {size} bytes")))?;
                hash.update(&buffer[..read]);
                into.write_all(&buffer[..read]).map_err(unwritten)?;
            }
            if left > 0 {
                return Err(wrong(format!("{left} of {size} bytes too few")).into());
            }
            if format!("sha256:{}", hex(&hash.finalize())) != digest.as_ref() {
                return Err(wrong("other bytes".to_owned()).into());
            }
            into.flush().map_err(unwritten)?;
            Ok(into)
        })
    }
}

fn unwritten(cause: std::io::Error) -> ExchangeError {
    Error::unavailable("cannot keep what the registry sends")
        .because(cause)
        .into()
}
