//! An OCI registry (distribution specification 1.1), spoken to directly: no docker, skopeo or helm takes part.
//!
//! The connection is TLS with the machine's own trusted authorities; a loopback host (`localhost`, `127.0.0.0/8`) is spoken to in
//! plain HTTP, always, and no other host ever is. Proxies come from `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. What is sent to
//! whom when a registry wants credentials is said in `auth.rs`.
//!
//! Overload, passing faults (408, 429, 500, 502, 503, 504) and broken connections are tried again with growing pauses; a server that
//! is silent longer than [`RegistryOptions::stall_timeout`], a refused connection and every other answer are final.

mod auth;
mod blob;
mod chart;
mod chunks;
mod credentials;
mod digest;
mod layout;
mod manifest;
mod mount;
mod options;
mod origin;
mod pull;
mod request;
mod session;
mod transport;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use oci_spec::image::Digest;

use self::{
    auth::Auth,
    chart::ChartArtifact,
    layout::{ImageLayout, LayoutManifest},
    request::{RequestBody, TokenScope},
    session::Session,
    transport::Transport,
};
pub use self::{
    chart::{ChartTag, PushedChart, chart_reference},
    options::RegistryOptions,
};
use crate::{
    http::{Client, ClientOptions},
    model::{
        digest::oci_digest,
        error::{Error, Result},
        reference::{Prefix, Reference},
    },
};

/// How deep an index may lie in indexes.
const NESTING_LIMIT: usize = 4;

/// The registries of one run. They share their connections, and each is logged in to once.
pub struct Registries {
    options: Arc<RegistryOptions>,
    client: Arc<Client>,
    known: Mutex<HashMap<String, Arc<Registry>>>,
}

impl Registries {
    /// Nothing is sent yet.
    pub fn new(options: RegistryOptions) -> Self {
        let client = Client::new(ClientOptions {
            user_agent: concat!("flota/", env!("CARGO_PKG_VERSION")),
            connect_timeout: options.connect_timeout,
            stall_timeout: options.stall_timeout,
        });
        Self {
            options: Arc::new(options),
            client: Arc::new(client),
            known: Mutex::default(),
        }
    }

    /// The registry that references call `host` (`host[:port]`, see [`Reference::registry`]). Nothing is sent yet.
    ///
    /// # Errors
    /// Misuse: `host` is not a host.
    pub fn at(&self, host: &str) -> Result<Arc<Registry>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(registry) = known.get(host) {
            return Ok(Arc::clone(registry));
        }
        let (options, client) = (Arc::clone(&self.options), Arc::clone(&self.client));
        let auth = Auth::new(host, options.credential_files.clone());
        let transport = Transport::new(host, options, client)?;
        let registry = Arc::new(Registry {
            session: Session::new(transport, auth),
        });
        known.insert(host.to_owned(), Arc::clone(&registry));
        Ok(registry)
    }
}

/// One registry. It keeps its tokens, so one value serves all exchanges with its host, from any thread.
pub struct Registry {
    session: Session,
}

impl Registry {
    /// The digest of what `reference` names there, for who is about to push it; None when the registry has no such tag, digest or
    /// repository.
    ///
    /// Unavailable, when the registry cannot be reached or denies to tell.
    pub fn resolve(&self, reference: &Reference) -> Result<Option<String>> {
        manifest::head(&self.session, reference, &self.scope(reference, true)?)
    }

    /// Pushes what `digest` names in the OCI image layout at `layout` (an image or an index with all its images) under every
    /// tag of `references`, which are of one repository. What is there already is not sent again.
    ///
    /// Work error, when the layout lacks something, is damaged, or the registry computes another digest.
    pub fn push_layout(&self, layout: &Path, digest: &str, references: &[Reference]) -> Result<()> {
        let digest = digest::parse(digest)?;
        let Some(first) = references.first() else {
            return Err(Error::misuse(
                "an image is pushed under at least one reference",
            ));
        };
        let scope = self.scope(first, true)?;
        for reference in references {
            self.check_same_repository(first, reference)?;
        }
        let layout = ImageLayout(layout);
        let manifest = layout.manifest(&digest)?;
        let there = first.with_digest(digest.as_ref())?;
        if manifest::head(&self.session, &there, &scope)?.is_none() {
            self.push_parts(&layout, &manifest, first, &scope, 0)?;
        }
        for reference in references {
            manifest::put(
                &self.session,
                reference,
                &scope,
                &manifest.media_type,
                &manifest.bytes,
            )?;
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
        let (media_type, bytes) =
            manifest::get(&self.session, reference, &scope)?.ok_or_else(|| {
                Error::work(format!("{reference} is not in the registry"))
                    .hint("flota build --push")
            })?;
        for target in &targets {
            manifest::put(&self.session, target, &scope, &media_type, &bytes)?;
        }
        Ok(oci_digest(&bytes))
    }

    /// Pushes a packaged Helm chart (`NAME-VERSION.tgz`) to `prefix/NAME:VERSION`, in the form `helm push` gives it, so that
    /// `helm pull oci://…` gives the same bytes back. The same package always makes the same manifest; what is there already is
    /// not sent again.
    ///
    /// Work error, when the file is no chart. Repository error, when an identity names another content there. A provenance file
    /// beside the package is not pushed.
    pub fn push_chart(&self, chart: &Path, prefix: &Prefix, tag: ChartTag) -> Result<PushedChart> {
        let artifact = ChartArtifact::read(chart)?;
        let reference = chart_reference(prefix, &artifact.name, &artifact.version)?;
        let scope = self.scope(&reference, true)?;
        let digest = oci_digest(&artifact.manifest);
        let found = manifest::head(&self.session, &reference, &scope)?;
        let was_there = found.as_ref() == Some(&digest);
        if was_there {
            let reference = reference.with_digest(&digest)?;
            return Ok(PushedChart {
                reference,
                was_there,
            });
        }
        if let (Some(other), ChartTag::Identity) = (found, tag) {
            return Err(Error::repository(format!(
                "{reference} is in the registry with another content ({other}), and flota does not overwrite the identity of a chart"
            ))
            .hint(format!("the digest of the package here is {digest}: look at the one in the registry, and delete that version if nothing uses it")));
        }
        for blob in [&artifact.config, &artifact.content] {
            let body = RequestBody::Bytes {
                media_type: "application/octet-stream",
                bytes: blob,
            };
            blob::push(&self.session, &reference, &scope, &oci_digest(blob), body)?;
        }
        manifest::put(
            &self.session,
            &reference,
            &scope,
            chart::MANIFEST_TYPE,
            &artifact.manifest,
        )?;
        let reference = reference.with_digest(&digest)?;
        Ok(PushedChart {
            reference,
            was_there,
        })
    }

    /// Pushes everything that `manifest` refers to: blobs as they are, images of an index with their own blobs first.
    fn push_parts(
        &self,
        layout: &ImageLayout,
        manifest: &LayoutManifest,
        reference: &Reference,
        scope: &TokenScope,
        depth: usize,
    ) -> Result<()> {
        if depth > NESTING_LIMIT {
            return Err(Error::work(format!(
                "the index of {reference} is nested too deep"
            )));
        }
        let mut done = HashSet::<&Digest>::new();
        let base = manifest
            .base
            .as_ref()
            .filter(|base| base.registry() == reference.registry());
        // The base's layers come first, after the configuration: the first that cannot be taken over is not of the base.
        let mut of_base = base.is_some();
        for (index, blob) in manifest.blobs.iter().enumerate() {
            if !done.insert(blob.digest()) {
                continue;
            }
            if let Some(base) = base.filter(|_| of_base && index > 0) {
                let digest = blob.digest().as_ref();
                of_base = mount::mount(&self.session, reference, scope, digest, base.repository())?;
                if of_base {
                    continue;
                }
            }
            let path = layout.blob(blob)?;
            blob::push(
                &self.session,
                reference,
                scope,
                blob.digest().as_ref(),
                RequestBody::File(&path),
            )?;
        }
        for child in &manifest.children {
            let inner = layout.manifest(child.digest())?;
            self.push_parts(layout, &inner, reference, scope, depth + 1)?;
            let name = reference.with_digest(child.digest().as_ref())?;
            manifest::put(&self.session, &name, scope, &inner.media_type, &inner.bytes)?;
        }
        Ok(())
    }

    fn scope(&self, reference: &Reference, push: bool) -> Result<TokenScope> {
        if reference.registry() != self.session.transport.registry {
            return Err(Error::misuse(format!(
                "{reference} is not in {}",
                self.session.transport.registry
            )));
        }
        Ok(TokenScope {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_another_registry_or_repository_are_misuse() {
        let registries = Registries::new(RegistryOptions::default());
        let registry = registries.at("ghcr.io").unwrap();
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
