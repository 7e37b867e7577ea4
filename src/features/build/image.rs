//! Images: found again by their identity, else built.

use std::{sync::Arc, time::Instant};

use super::{
    Run,
    naming::ImageNames,
    prepare::{ImageJob, Job, Origin},
};
use crate::{
    container::{BuiltImage, ImageRequest, embedded, engine::Builder},
    model::{
        change::Action,
        error::{Error, Result},
        reference::Reference,
        report::{ImageReport, Status},
    },
    registry::Registry,
};

/// Where an image is already.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// In its registry; the digest of its manifest there.
    InRegistry(String),
    /// In the builder's own store.
    InStore(BuiltImage),
}

/// What the report calls a builder.
pub(super) fn builder_name(builder: Builder) -> &'static str {
    match builder {
        Builder::Engine(engine) => engine.program(),
        Builder::Embedded => "embedded",
    }
}

/// What can be refused before anything is built.
pub(super) fn check(run: &Run<'_>, job: &Job) -> Result<()> {
    let Some(Origin::Request(request)) = job.image.as_ref().map(|image| &image.origin) else {
        return Ok(());
    };
    if !request.context.join(&request.dockerfile).is_file() {
        let shown = request.dockerfile.display();
        return Err(
            Error::work(format!("{} has no `{shown}` in its code", job.step.path))
                .hint("add one: a minimal one is `FROM scratch` and `COPY . /`")
                .hint(format!(
                    "or name another in flota.toml: [service.{:?}.image] dockerfile = \"…\"",
                    job.step.name.to_string()
                )),
        );
    }
    match run.builder {
        Some(Builder::Embedded) => embedded::check(request),
        Some(Builder::Engine(_)) | None => Ok(()),
    }
}

/// Where the image is already. A push asks the registry first: what is there needs no store here.
pub(super) fn look_up(run: &Run<'_>, action: Action, names: &ImageNames) -> Result<Option<Found>> {
    let only_named = action != Action::Image;
    if run.options.push && (names.registry.is_some() || !only_named) {
        let (registry, identity) = registry(run, names)?;
        let found = registry.resolve(&identity)?.map(Found::InRegistry);
        // A chart that is pushed may only pin what others can pull.
        if found.is_some() || only_named {
            return Ok(found);
        }
    }
    let identity = names.identity_reference();
    let found = match run.builder {
        Some(Builder::Engine(engine)) => engine.exists(&identity)?,
        Some(Builder::Embedded) | None => embedded::resolve(&run.products.images(), &identity)?
            .map(|digest| BuiltImage {
                digest: Some(digest),
                id: String::new(),
            }),
    };
    Ok(found.map(Found::InStore))
}

/// The image of a service: the one with its identity, built if it is nowhere. For a chart build it is only named.
pub(super) fn obtain(run: &Run<'_>, job: &Job, image: &ImageJob) -> Result<(ImageReport, Status)> {
    let (mut found, status) = match &image.origin {
        Origin::Request(request) => (build(run, job, request)?, Status::Built),
        Origin::Found(found) if job.step.action == Action::Image => (found.clone(), Status::Reused),
        named => return Ok((report(&image.names, named.found()), Status::Reused)),
    };
    match &mut found {
        Found::InRegistry(_) => {
            let (registry, identity) = registry(run, &image.names)?;
            registry.tag(&identity, &image.names.tags)?;
        }
        Found::InStore(built) => {
            if status == Status::Reused {
                tag(run, &image.names, built)?;
            }
            if run.options.push {
                built.digest = Some(push(run, job, &image.names, built)?);
            }
        }
    }
    Ok((report(&image.names, Some(&found)), status))
}

/// An image as the report has it.
pub(super) fn report(names: &ImageNames, found: Option<&Found>) -> ImageReport {
    let (digest, id) = match found {
        Some(Found::InRegistry(digest)) => (Some(digest.clone()), None),
        Some(Found::InStore(BuiltImage { digest, id })) => {
            (digest.clone(), Some(id.clone()).filter(|id| !id.is_empty()))
        }
        None => (None, None),
    };
    ImageReport {
        reference: names.identity_reference(),
        references: names.references(),
        digest,
        id,
    }
}

/// Gives an image of the builder's own store the names it lacks.
fn tag(run: &Run<'_>, names: &ImageNames, built: &BuiltImage) -> Result<()> {
    let references = names.references();
    match (run.builder, &built.digest) {
        (Some(Builder::Engine(engine)), _) => engine.tag(&references[0], &references[1..]),
        (_, Some(digest)) => embedded::tag(&run.products.images(), digest, &references),
        (_, None) => Ok(()),
    }
}

fn build(run: &Run<'_>, job: &Job, request: &ImageRequest) -> Result<Found> {
    let Some(Builder::Engine(engine)) = run.builder else {
        return embedded::build(request, &run.products.images()).map(Found::InStore);
    };
    let timeout = job.settings.image.timeout;
    let started = Instant::now();
    let built = engine.build(request, &job.log, timeout);
    built.map(Found::InStore).map_err(|error| {
        if started.elapsed() < timeout {
            return error;
        }
        error.hint(format!(
            "give it more seconds in flota.toml: [service.{:?}.image] timeout = {}",
            job.step.name.to_string(),
            timeout.as_secs() * 2
        ))
    })
}

/// Pushes every name; the digest of the manifest.
fn push(run: &Run<'_>, job: &Job, names: &ImageNames, built: &BuiltImage) -> Result<String> {
    let references = names.references();
    if let Some(Builder::Engine(engine)) = run.builder {
        return engine.push(&references, job.settings.image.timeout);
    }
    let digest = built.digest.clone().unwrap_or_default();
    let (registry, _) = registry(run, names)?;
    let references: Vec<_> = references
        .iter()
        .map(|name| Reference::parse(name))
        .collect::<Result<_>>()?;
    registry.push_layout(&run.products.images(), &digest, &references)?;
    Ok(digest)
}

/// The registry that the image belongs to, and its identity there. Nothing is pushed to a registry that nobody named:
/// a short name would mean Docker Hub.
fn registry(run: &Run<'_>, names: &ImageNames) -> Result<(Arc<Registry>, Reference)> {
    if names.registry.is_none() {
        return Err(Error::misuse("there is no registry to push to")
            .hint("name one in flota.toml: [image] registry = \"registry.example.com/team\""));
    }
    let identity = Reference::parse(&names.identity_reference())?;
    Ok((run.registries.at(identity.registry())?, identity))
}
