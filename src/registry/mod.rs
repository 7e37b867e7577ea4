//! An OCI registry (distribution specification 1.1), spoken to directly: no docker, skopeo or helm takes part.
//!
//! The connection is TLS with the machine's own trusted authorities; a loopback host (`localhost`, `127.0.0.0/8`) is spoken to in
//! plain HTTP, always, and no other host ever is. Proxies come from `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. What is sent to
//! whom when a registry wants credentials is said in `auth.rs`.
//!
//! Overload (429, 502, 503, 504) and broken connections are tried again with growing pauses; a server that is silent longer
//! than [`Options::stall_timeout`], a refused connection and every other answer are final.

mod auth;
mod chart;
mod credentials;
mod layout;
mod origin;
mod session;

use std::{
    collections::HashSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use oci_spec::image::Digest;
use sha2::{Digest as _, Sha256};
use ureq::{
    Body as Received,
    http::{Method, Response, StatusCode, Uri, header},
};

use self::{
    layout::{Layout, MANIFEST_LIMIT},
    session::{Body, Call, Scope, Session, content},
};
use crate::model::{
    error::{Error, Result},
    reference::{Prefix, Reference},
};

/// Everything a reference may stand for.
const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// The header in which a registry says what digest it computed.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// How deep an index may lie in indexes.
const NESTING_LIMIT: usize = 4;

/// The most of a foreign text that an error repeats, in characters.
const PRINTABLE_LIMIT: usize = 400;

/// How a registry is spoken to.
#[derive(Clone, Debug)]
pub struct Options {
    /// Docker or Podman credential files, asked in this order; those that do not exist are passed over.
    pub credential_files: Vec<PathBuf>,
    /// For the host's name, and again for the connection with its handshakes.
    pub connect_timeout: Duration,
    /// How long a server may keep silent, or take nothing, in the middle of an exchange. Storing a large layer may take a
    /// registry minutes between its last byte and the answer.
    pub stall_timeout: Duration,
    /// How often a request is sent at most, while its failure may pass; at least once.
    pub attempts: u32,
    /// The pause before the second attempt; each further one is twice as long. A server's `Retry-After` takes its place, up to
    /// 30 seconds.
    pub backoff: Duration,
}

impl Default for Options {
    /// The user's own credential files, and patience for a slow network.
    fn default() -> Self {
        Self {
            credential_files: credentials::files_of_the_user(|name| std::env::var_os(name)),
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(120),
            attempts: 4,
            backoff: Duration::from_millis(500),
        }
    }
}

/// One registry. It keeps connections and tokens, so one value serves all exchanges with its host, from any thread.
pub struct Registry {
    session: Session,
}

impl Registry {
    /// The registry that references call `host` (`host[:port]`, see [`Reference::registry`]). Nothing is sent yet.
    pub fn new(host: &str, options: Options) -> Result<Self> {
        Ok(Self {
            session: Session::new(host, options)?,
        })
    }

    /// The digest of what `reference` names there; None when the registry has no such tag, digest or repository.
    ///
    /// Unavailable, when the registry cannot be reached or denies to tell (some deny for a repository that does not exist).
    pub fn resolve(&self, reference: &Reference) -> Result<Option<String>> {
        self.head(reference, &self.scope(reference, false)?)
    }

    /// Pushes what `digest` names in the OCI image layout at `layout` (an image or an index with all its images) under every
    /// tag of `references`, which are of one repository. What is there already is not sent again.
    ///
    /// Work error, when the layout lacks something, is damaged, or the registry computes another digest.
    pub fn push_layout(&self, layout: &Path, digest: &str, references: &[Reference]) -> Result<()> {
        let digest = layout::digest(digest)?;
        let Some(first) = references.first() else {
            return Err(Error::misuse(
                "an image is pushed under at least one reference",
            ));
        };
        let scope = self.scope(first, true)?;
        for reference in references {
            self.check_same_repository(first, reference)?;
        }
        let layout = Layout(layout);
        let manifest = layout.manifest(&digest)?;
        let there = first.with_digest(digest.as_ref())?;
        if self.head(&there, &scope)?.is_none() {
            self.push_parts(&layout, &manifest, first, &scope, 0)?;
        }
        for reference in references {
            self.put_manifest(reference, &scope, &manifest.media_type, &manifest.bytes)?;
        }
        Ok(())
    }

    /// Gives what `reference` names further tags in the same repository, without a build: the registry gets the same manifest
    /// (or index) under each of `tags`. Returns its digest.
    ///
    /// Work error, when there is nothing under `reference`.
    pub fn tag(&self, reference: &Reference, tags: &[String]) -> Result<String> {
        let targets = tags
            .iter()
            .map(|tag| reference.with_tag(tag))
            .collect::<Result<Vec<_>>>()?;
        let scope = self.scope(reference, true)?;
        let (media_type, bytes) = self.get_manifest(reference, &scope)?.ok_or_else(|| {
            Error::work(format!("{reference} is not in the registry")).hint("flota build --push")
        })?;
        for target in &targets {
            self.put_manifest(target, &scope, &media_type, &bytes)?;
        }
        Ok(sha256(&bytes))
    }

    /// Pushes a packaged Helm chart (`NAME-VERSION.tgz`) to `prefix/NAME:VERSION`, in the form `helm push` gives it, so that
    /// `helm pull oci://…` gives the same bytes back. `created` (seconds since the Unix epoch) stands in for the file's date:
    /// the same chart and date always make the same manifest. Returns the reference with the manifest's digest.
    ///
    /// Work error, when the file is no chart. A provenance file beside it is not pushed.
    pub fn push_chart(&self, chart: &Path, prefix: &Prefix, created: i64) -> Result<Reference> {
        let artifact = chart::Artifact::read(chart, created)?;
        let reference = prefix.reference(&artifact.name, &artifact.tag)?;
        let scope = self.scope(&reference, true)?;
        for blob in [&artifact.config, &artifact.content] {
            let body = Body::Bytes {
                media_type: "application/octet-stream",
                bytes: blob,
            };
            self.push_blob(&reference, &scope, &sha256(blob), body)?;
        }
        self.put_manifest(&reference, &scope, chart::MANIFEST_TYPE, &artifact.manifest)?;
        reference.with_digest(&sha256(&artifact.manifest))
    }

    /// Pushes everything that `manifest` refers to: blobs as they are, images of an index with their own blobs first.
    fn push_parts(
        &self,
        layout: &Layout,
        manifest: &layout::Manifest,
        reference: &Reference,
        scope: &Scope,
        depth: usize,
    ) -> Result<()> {
        if depth > NESTING_LIMIT {
            return Err(Error::work(format!(
                "the index of {reference} is nested too deep"
            )));
        }
        let mut done = HashSet::<&Digest>::new();
        for blob in manifest
            .blobs
            .iter()
            .filter(|blob| done.insert(blob.digest()))
        {
            let path = layout.blob(blob)?;
            self.push_blob(reference, scope, blob.digest().as_ref(), Body::File(&path))?;
        }
        for child in &manifest.children {
            let inner = layout.manifest(child.digest())?;
            self.push_parts(layout, &inner, reference, scope, depth + 1)?;
            let name = reference.with_digest(child.digest().as_ref())?;
            self.put_manifest(&name, scope, &inner.media_type, &inner.bytes)?;
        }
        Ok(())
    }

    /// Sends one blob, unless it is there: POST for an upload, PUT with the whole content (distribution specification, "POST
    /// then PUT"). A retry starts over with a new upload.
    fn push_blob(
        &self,
        reference: &Reference,
        scope: &Scope,
        digest: &str,
        body: Body,
    ) -> Result<()> {
        let doing = format!(
            "push {digest} to {}/{}",
            reference.registry(),
            reference.repository()
        );
        let blobs = format!("/v2/{}/blobs", reference.repository());
        let bare = |method, uri: &Uri| Call::bare(method, uri.clone(), scope);
        let blob = self.session.origin.uri(&format!("{blobs}/{digest}"))?;
        let uploads = self.session.origin.uri(&format!("{blobs}/uploads/"))?;
        self.session.retry(|| {
            let found = self.session.exchange(&bare(Method::HEAD, &blob))?;
            match found.status() {
                // A registry that keeps blobs elsewhere sends there whoever asks for one that exists.
                StatusCode::OK | StatusCode::TEMPORARY_REDIRECT => return Ok(()),
                StatusCode::NOT_FOUND => {}
                _ => return Err(self.session.refused(&doing, found).into()),
            }
            let upload = self.session.exchange(&bare(Method::POST, &uploads))?;
            if upload.status() != StatusCode::ACCEPTED {
                return Err(self.session.refused(&doing, upload).into());
            }
            let location = self.upload_location(&upload, digest)?;
            let put = Call {
                body,
                ..bare(Method::PUT, &location)
            };
            let stored = self.session.exchange(&put)?;
            if !stored.status().is_success() {
                return Err(self.session.refused(&doing, stored).into());
            }
            Ok(())
        })
    }

    /// Where the content goes, which the registry says and may be another host.
    fn upload_location(&self, upload: &Response<Received>, digest: &str) -> Result<Uri> {
        let location = upload
            .headers()
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mark = if location.contains('?') { '&' } else { '?' };
        self.session.origin.join(&format!("{location}{mark}digest={digest}")).ok_or_else(|| {
            let registry = &self.session.registry;
            Error::unavailable(format!("{registry} wants the upload at `{}`", printable(location)))
                .hint("content is sent over https only: correct the registry's external address (X-Forwarded-Proto of its proxy)")
        })
    }

    /// Stores a manifest under the tag or digest of `reference`, unless it is there.
    fn put_manifest(
        &self,
        reference: &Reference,
        scope: &Scope,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<()> {
        let digest = sha256(bytes);
        // A registry with immutable tags refuses even the same content.
        if self.head(reference, scope)?.as_ref() == Some(&digest) {
            return Ok(());
        }
        let body = Body::Bytes { media_type, bytes };
        let answer = self.ask(Method::PUT, reference, scope, body)?;
        if !answer.status().is_success() {
            return Err(self.session.refused(&format!("push {reference}"), answer));
        }
        match content_digest(&answer) {
            Some(computed) if computed != digest => Err(Error::work(format!(
                "{} stored {reference} as {}, and not as {digest}",
                self.session.registry,
                printable(computed)
            ))),
            _ => Ok(()),
        }
    }

    /// The digest of the manifest that `reference` names, if there is one.
    fn head(&self, reference: &Reference, scope: &Scope) -> Result<Option<String>> {
        let answer = self.ask(Method::HEAD, reference, scope, Body::Empty)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => {
                return Err(self
                    .session
                    .refused(&format!("resolve {reference}"), answer));
            }
        }
        // A registry may leave the digest out; then the manifest itself tells.
        let Some(named) = content_digest(&answer) else {
            let found = self.get_manifest(reference, scope)?;
            return Ok(found.map(|(_, bytes)| sha256(&bytes)));
        };
        let misnamed = || {
            Error::work(format!(
                "{} names {reference} by another digest: `{}`",
                self.session.registry,
                printable(named)
            ))
        };
        let digest = layout::digest(named).map_err(|cause| misnamed().because(cause))?;
        if reference
            .digest()
            .is_some_and(|asked| asked != digest.as_ref())
        {
            return Err(misnamed());
        }
        Ok(Some(digest.to_string()))
    }

    /// The media type and the bytes of a manifest, whose digest is what `reference` or the registry says.
    fn get_manifest(
        &self,
        reference: &Reference,
        scope: &Scope,
    ) -> Result<Option<(String, Vec<u8>)>> {
        let answer = self.ask(Method::GET, reference, scope, Body::Empty)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(self.session.refused(&format!("read {reference}"), answer)),
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
        let bytes = content(answer, MANIFEST_LIMIT).map_err(|cause| {
            Error::work(format!("cannot read the manifest of {reference}"))
                .because(printable(&cause.to_string()))
        })?;
        match expected {
            Some(expected) if expected.starts_with("sha256:") && expected != sha256(&bytes) => {
                Err(Error::work(format!(
                    "{} answers a manifest for {reference} whose digest is not {}",
                    self.session.registry,
                    printable(&expected)
                )))
            }
            _ => Ok(Some((media_type, bytes))),
        }
    }

    /// One request about the manifest of `reference`, until it is answered.
    fn ask(
        &self,
        method: Method,
        reference: &Reference,
        scope: &Scope,
        body: Body,
    ) -> Result<Response<Received>> {
        let name = reference.digest().or(reference.tag()).unwrap_or_default();
        let uri = self
            .session
            .origin
            .uri(&format!("/v2/{}/manifests/{name}", reference.repository()))?;
        let accept = (method != Method::PUT).then_some(MANIFEST_TYPES);
        self.session.retry(|| {
            let call = Call {
                accept,
                body,
                ..Call::bare(method.clone(), uri.clone(), scope)
            };
            self.session.exchange(&call)
        })
    }

    fn scope(&self, reference: &Reference, push: bool) -> Result<Scope> {
        if reference.registry() != self.session.registry {
            return Err(Error::misuse(format!(
                "{reference} is not in {}",
                self.session.registry
            )));
        }
        Ok(Scope {
            repository: reference.repository().to_owned(),
            push,
        })
    }

    fn check_same_repository(&self, first: &Reference, other: &Reference) -> Result<()> {
        if (first.registry(), first.repository()) == (other.registry(), other.repository())
            && other.tag().is_some()
        {
            return Ok(());
        }
        Err(Error::misuse(format!(
            "{other} is not a tag in the repository of {first}"
        )))
    }
}

fn content_digest(answer: &Response<Received>) -> Option<&str> {
    answer.headers().get(CONTENT_DIGEST)?.to_str().ok()
}

/// The digest of `bytes`, as OCI writes it.
fn sha256(bytes: &[u8]) -> String {
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

/// A server's or a file's text for an error: one bounded line without control and direction characters.
fn printable(text: &str) -> String {
    let is_inert = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let shown = text.chars().take(PRINTABLE_LIMIT).map(|c| {
        if is_inert(c) {
            c.to_string()
        } else {
            c.escape_default().to_string()
        }
    });
    let end = if text.chars().nth(PRINTABLE_LIMIT).is_some() {
        "…"
    } else {
        ""
    };
    shown.chain([end.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_bounded_and_inert() {
        let shown = printable(&format!("\u{1b}[31mred\n\u{202e}{}", "x".repeat(1000)));
        assert!(shown.starts_with("\\u{1b}[31mred\\n\\u{202e}x"), "{shown}");
        assert!(shown.chars().count() < PRINTABLE_LIMIT + 20);
        assert!(shown.ends_with('…'));
        assert_eq!(printable("fine – ünïcode"), "fine – ünïcode");
    }

    #[test]
    fn references_of_another_registry_or_repository_are_misuse() {
        let registry = Registry::new("ghcr.io", Options::default()).unwrap();
        let parse = |text| Reference::parse(text).unwrap();
        assert!(registry.scope(&parse("quay.io/a/b:c"), false).is_err());
        assert!(registry.scope(&parse("ghcr.io/a/b:c"), false).is_ok());
        let first = parse("ghcr.io/a/b:c");
        assert!(
            registry
                .check_same_repository(&first, &parse("ghcr.io/a/b:d"))
                .is_ok()
        );
        assert!(
            registry
                .check_same_repository(&first, &parse("ghcr.io/a/x:c"))
                .is_err()
        );
    }
}
