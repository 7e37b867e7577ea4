//! Images: found again by their identity, else built.

use super::{
    Run,
    prepare::{ImageJob, Job},
};
use crate::{
    container::{BuiltImage, embedded, engine::Builder},
    model::{
        change::Action,
        error::{Error, Result},
        reference::Reference,
        report::{ImageReport, Status},
    },
    registry::{self, Registry},
};

/// An image, and whether it was there already.
pub(super) struct Obtained {
    pub image: ImageReport,
    pub status: Status,
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
    let Some(image) = &job.image else {
        return Ok(());
    };
    let dockerfile = image.request.context.join(&image.request.dockerfile);
    if !dockerfile.is_file() {
        let shown = image.request.dockerfile.display();
        return Err(
            Error::work(format!("{} has no `{shown}` in its code", job.step.path))
                .hint("add one: a minimal one is `FROM scratch` and `COPY . /`")
                .hint(format!(
                    "or name another in flota.toml: [service.{:?}.image] dockerfile = \"…\"",
                    job.step.name.to_string()
                )),
        );
    }
    if run.options.push {
        destination(image)?;
    }
    match run.builder {
        Some(Builder::Embedded) => embedded::check(&image.request),
        Some(Builder::Engine(_)) | None => Ok(()),
    }
}

/// The image of a service: for an image build the one with its identity, built if it is nowhere; for a chart build
/// whatever is known of the one that the chart names.
pub(super) fn obtain(run: &Run<'_>, job: &Job, image: &ImageJob) -> Result<Obtained> {
    if job.step.action != Action::Image {
        let known = known(run, image)?;
        return Ok(obtained(image, known, Status::Reused));
    }
    if run.options.push
        && let Some(digest) = in_registry(image)?
    {
        registry(image)?.tag(&identity(image)?, &image.names.tags)?;
        let there = BuiltImage {
            digest: Some(digest),
            id: String::new(),
        };
        return Ok(obtained(image, Some(there), Status::Reused));
    }
    let found = find(run, image)?;
    let status = if found.is_some() {
        Status::Reused
    } else {
        Status::Built
    };
    let mut built = match found {
        Some(found) => found,
        None => build(run, job, image)?,
    };
    if run.options.push {
        built.digest = Some(push(run, job, image, &built)?);
    }
    Ok(obtained(image, Some(built), status))
}

fn obtained(image: &ImageJob, known: Option<BuiltImage>, status: Status) -> Obtained {
    let references = image.names.references();
    let (digest, id) = match known {
        Some(BuiltImage { digest, id }) => (digest, Some(id).filter(|id| !id.is_empty())),
        None => (None, None),
    };
    let reference = references[0].clone();
    Obtained {
        image: ImageReport {
            reference,
            references,
            digest,
            id,
        },
        status,
    }
}

/// The image in the builder's own store; it gets the names it lacks.
fn find(run: &Run<'_>, image: &ImageJob) -> Result<Option<BuiltImage>> {
    let names = &image.request.references;
    match run.builder {
        Some(Builder::Embedded) => {
            let layout = run.products.images();
            let Some(digest) = embedded::resolve(&layout, &names[0])? else {
                return Ok(None);
            };
            embedded::tag(&layout, &digest, names)?;
            Ok(Some(BuiltImage {
                digest: Some(digest),
                id: String::new(),
            }))
        }
        Some(Builder::Engine(engine)) => {
            let found = engine.exists(&names[0])?;
            if found.is_some() {
                engine.tag(&names[0], &names[1..])?;
            }
            Ok(found)
        }
        None => Ok(None),
    }
}

/// What can be learnt of an image without building it: from the registry when pushing, else from the layout.
fn known(run: &Run<'_>, image: &ImageJob) -> Result<Option<BuiltImage>> {
    let digest = if run.options.push {
        in_registry(image)?
    } else {
        embedded::resolve(&run.products.images(), &image.request.references[0])?
    };
    Ok(digest.map(|digest| BuiltImage {
        digest: Some(digest),
        id: String::new(),
    }))
}

fn build(run: &Run<'_>, job: &Job, image: &ImageJob) -> Result<BuiltImage> {
    match run.builder {
        Some(Builder::Engine(engine)) => {
            engine.build(&image.request, &job.log, job.settings.image.timeout)
        }
        Some(Builder::Embedded) | None => embedded::build(&image.request, &run.products.images()),
    }
}

/// Pushes every name; the digest of the manifest.
fn push(run: &Run<'_>, job: &Job, image: &ImageJob, built: &BuiltImage) -> Result<String> {
    if let Some(Builder::Engine(engine)) = run.builder {
        return engine.push(&image.request.references, job.settings.image.timeout);
    }
    let digest = built.digest.clone().unwrap_or_default();
    let references: Vec<_> = image
        .request
        .references
        .iter()
        .map(|name| Reference::parse(name))
        .collect::<Result<_>>()?;
    registry(image)?.push_layout(&run.products.images(), &digest, &references)?;
    Ok(digest)
}

fn in_registry(image: &ImageJob) -> Result<Option<String>> {
    registry(image)?.resolve(&identity(image)?)
}

fn registry(image: &ImageJob) -> Result<Registry> {
    Registry::new(identity(image)?.registry(), registry::Options::default())
}

fn identity(image: &ImageJob) -> Result<Reference> {
    destination(image)?;
    Reference::parse(&image.request.references[0])
}

/// Nothing is pushed to a registry that nobody named: a short name would mean Docker Hub.
fn destination(image: &ImageJob) -> Result<&str> {
    image.names.registry.as_deref().ok_or_else(|| {
        Error::misuse("there is no registry to push to")
            .hint("name one in flota.toml: [image] registry = \"registry.example.com/team\"")
    })
}
