//! Images that buildx builds: all of a run in one call, before the services' own jobs.

use std::time::Duration;

use super::{
    job::{ImageJob, ImageOrigin, Job, Prepared, Run},
    products,
};
use crate::{
    container::{
        ImageRequest,
        engine::{self, Batch, BatchImage, Builder, Destination, Outcome},
    },
    model::{error::Result, event::Event},
};

/// What became of the images, by the position of their job; none for a job whose image is not built, or not by buildx.
pub(super) fn all(run: &Run<'_>, prepared: &[Prepared]) -> Result<Vec<Option<Outcome>>> {
    let mut outcomes: Vec<Option<Outcome>> = prepared.iter().map(|_| None).collect();
    let asked: Vec<_> = prepared
        .iter()
        .enumerate()
        .filter_map(|(index, job)| Some((index, asked(job.as_ref().ok()?)?)))
        .collect();
    if run.builder != Some(Builder::Buildx) || asked.is_empty() {
        return Ok(outcomes);
    }
    let names: Vec<String> = asked
        .iter()
        .map(|(_, asked)| asked.job.step.name.to_string())
        .collect();
    let repositories: Vec<String> = asked
        .iter()
        .map(|(_, asked)| asked.image.names.name())
        .collect();
    let layout = run.products.images();
    for ((index, asked), name) in asked.iter().zip(&names) {
        products::clear_log(&asked.job.log)?;
        (run.events)(Event::Started {
            job: *index,
            name: name.clone(),
            doing: "image",
        });
    }
    let scratch = run.products.scratch()?;
    let images = asked.iter().zip(&names).zip(&repositories);
    let images = images.map(|(((_, asked), name), repository)| {
        let own = &asked.job.settings.image;
        let cache = own.cache.as_ref();
        BatchImage {
            name,
            request: asked.request,
            log: &asked.job.log,
            cache: cache.map(|cache| engine::cache_reference(cache, &asked.image.names.repository)),
            attached: own.attached(),
            destination: match run.options.push {
                true => Destination::Repository(repository),
                false => Destination::Layout(&layout),
            },
        }
    });
    let timeouts = asked
        .iter()
        .map(|(_, asked)| asked.job.settings.image.timeout);
    let batch = Batch {
        builder: run.settings.image.buildx.as_deref(),
        scratch: &scratch,
        jobs: run.options.jobs.get(),
        keep_going: run
            .options
            .goes_on_after(prepared.iter().filter(|job| job.is_err()).count()),
        timeout: timeouts.max().unwrap_or(Duration::MAX),
        images: images.collect(),
    };
    for ((index, _), outcome) in asked.iter().zip(engine::bake(&batch)?) {
        outcomes[*index] = Some(outcome);
    }
    Ok(outcomes)
}

/// An image that is to be built.
struct ImageToBake<'a> {
    job: &'a Job,
    image: &'a ImageJob,
    request: &'a ImageRequest,
}

fn asked(job: &Job) -> Option<ImageToBake<'_>> {
    let image = job.image.as_ref()?;
    let ImageOrigin::Request(request) = &image.origin else {
        return None;
    };
    Some(ImageToBake {
        job,
        image,
        request,
    })
}
