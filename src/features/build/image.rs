//! Images: reused where their identity is known, else built.

use std::{sync::Arc, time::Instant};

use super::{
    gates::{self, Judged},
    handover,
    job::{FoundImage, ImageJob, ImageOrigin, Job, Run, report},
    naming::ImageNames,
};
use crate::{
    container::{
        BuiltImage, ImageRequest, embedded,
        engine::{Builder, Outcome},
    },
    model::{
        change::Action,
        error::{Error, Result},
        evidence::GateReport,
        reference::Reference,
        report::{ImageReport, Status},
        timing::Phase,
    },
    registry::Registry,
};

/// What can be refused before anything is built.
pub(super) fn check(run: &Run<'_>, job: &Job) -> Result<()> {
    let Some(ImageOrigin::Request(request)) = job.image.as_ref().map(|image| &image.origin) else {
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
    let Some(builder) = run.builder else {
        return Ok(());
    };
    if builder != Builder::Buildx && !job.settings.image.attached().is_empty() {
        return Err(Error::misuse(format!(
            "{} attaches nothing to images, and `sbom` or `provenance` is asked for",
            builder.name()
        ))
        .hint("let buildx build: builder = \"buildx\" below [image] in flota.toml"));
    }
    // What it builds on may not be there before this run has built it.
    let stands_on_others = job
        .image
        .as_ref()
        .is_some_and(|image| !image.parents.is_empty());
    match builder {
        Builder::Embedded if stands_on_others => Ok(()),
        Builder::Embedded => embedded::check(request, &run.bases),
        Builder::Engine(_) | Builder::Buildx => builder.check(request),
    }
}

/// Where the image is already. A push asks the registry first: what is there needs no store here.
pub(super) fn look_up(
    run: &Run<'_>,
    action: Action,
    names: &ImageNames,
) -> Result<Option<FoundImage>> {
    let only_named = action != Action::Image;
    if run.options.push && (names.registry.is_some() || !only_named) {
        refuse_no_registry(names)?;
        let found = in_registry(run, &names.identity_reference())?.map(FoundImage::InRegistry);
        // A chart that is pushed may only pin what others can pull.
        if found.is_some() || only_named {
            return Ok(found);
        }
    }
    in_store(run, &names.identity_reference())
}

/// The image of this name in the builder's own store.
pub(super) fn in_store(run: &Run<'_>, reference: &str) -> Result<Option<FoundImage>> {
    let found = match run.builder {
        Some(Builder::Engine(engine)) => engine.exists(reference)?,
        Some(Builder::Embedded | Builder::Buildx) | None => {
            embedded::resolve(&run.products.images(), reference)?.map(|digest| BuiltImage {
                digest: Some(digest),
                id: String::new(),
            })
        }
    };
    Ok(found.map(FoundImage::InStore))
}

/// The digest that this name has in its registry.
pub(super) fn in_registry(run: &Run<'_>, reference: &str) -> Result<Option<String>> {
    let reference = Reference::parse(reference)?;
    run.registries.at(reference.registry())?.resolve(&reference)
}

/// The image of a service: the one with its identity, built if it is nowhere. For a chart build it is only named. What buildx has
/// built by now is `baked`.
pub(super) fn obtain(
    run: &Run<'_>,
    job: &Job,
    image: &ImageJob,
    baked: Option<Outcome>,
    gates: &mut Vec<GateReport>,
) -> Result<(ImageReport, Status)> {
    if let Some(outcome) = baked {
        let found = named(run, job, image, outcome, gates)?;
        return Ok((
            report(&image.names, &job.settings, Some(&found)),
            Status::Built,
        ));
    }
    let (mut found, status) = match &image.origin {
        ImageOrigin::Request(request) => {
            let request = handover::hand_over(run, job, request)?;
            (build(run, job, &request)?, Status::Built)
        }
        ImageOrigin::Found(found) if job.step.action == Action::Image => {
            (found.clone(), Status::Reused)
        }
        named => {
            let report = report(&image.names, &job.settings, named.found());
            return Ok((report, Status::Reused));
        }
    };
    gates::pass(run, job, Judged::Image(&image.names, &found), gates)?;
    match &mut found {
        FoundImage::InRegistry(_) => {
            let (registry, identity) = registry(run, &image.names)?;
            registry.tag(&identity, &image.names.tags)?;
        }
        FoundImage::InStore(built) => {
            if status == Status::Reused {
                tag(run, &image.names, built)?;
            }
            if run.options.push {
                job.enter(Phase::PushImage);
                let digest = push(run, job, &image.names, built)?;
                gates::is_pushed(run, gates, &digest);
                built.digest = Some(digest);
            }
        }
    }
    Ok((report(&image.names, &job.settings, Some(&found)), status))
}

/// An image that buildx built, under all its names: it is in its registry or in the layout without any. One that a gate finds
/// something in gets no name in its registry.
fn named(
    run: &Run<'_>,
    job: &Job,
    image: &ImageJob,
    outcome: Outcome,
    gates: &mut Vec<GateReport>,
) -> Result<FoundImage> {
    let built = match outcome {
        Outcome::Built(built, _) => built,
        Outcome::Failed(error, _) => return Err(error),
        Outcome::Stopped => return Err(Error::work("buildx was stopped")),
    };
    if !run.options.push {
        tag(run, &image.names, &built)?;
    }
    let digest = built.digest.clone().filter(|_| run.options.push);
    let found = digest
        .clone()
        .map_or(FoundImage::InStore(built), FoundImage::InRegistry);
    gates::pass(run, job, Judged::Image(&image.names, &found), gates)?;
    let Some(digest) = digest else {
        return Ok(found);
    };
    let (registry, identity) = registry(run, &image.names)?;
    let tags = std::iter::once(&image.names.identity).chain(&image.names.tags);
    let tags: Vec<_> = tags.cloned().collect();
    registry.tag(&identity.with_digest(&digest)?, &tags)?;
    Ok(found)
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

fn build(run: &Run<'_>, job: &Job, request: &ImageRequest) -> Result<FoundImage> {
    let Some(Builder::Engine(engine)) = run.builder else {
        return embedded::build(request, &run.products.images(), &run.bases)
            .map(FoundImage::InStore);
    };
    let timeout = job.settings.image.timeout;
    let started = Instant::now();
    let built = engine.build(request, &job.log, timeout);
    built.map(FoundImage::InStore).map_err(|error| {
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
        let own = &job.settings.image;
        return engine.push(&references, own.platforms.len() > 1, own.timeout);
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
    refuse_no_registry(names)?;
    let identity = Reference::parse(&names.identity_reference())?;
    Ok((run.registries.at(identity.registry())?, identity))
}

fn refuse_no_registry(names: &ImageNames) -> Result<()> {
    match names.registry {
        Some(_) => Ok(()),
        None => Err(Error::misuse("there is no registry to push to")
            .hint("name one in flota.toml: [image] registry = \"registry.example.com/team\"")),
    }
}
