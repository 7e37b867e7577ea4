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
    model::{error::Result, event::Event, report::BuiltService},
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

/// Gives each job a slot in which no other ran at the same time: buildx builds as many images at a time as it can, and who acts on
/// them afterwards says nothing of that.
pub(super) fn give_slots(services: &mut [BuiltService]) {
    let timed = services.iter_mut().filter_map(|service| {
        let took = service.took;
        service.timing.as_mut().map(|timing| (timing, took))
    });
    let mut timed: Vec<_> = timed.collect();
    timed.sort_by_key(|(timing, _)| timing.start);
    let mut ends = Vec::new();
    for (timing, took) in timed {
        let free = ends.iter().position(|end| *end <= timing.start);
        timing.slot = free.unwrap_or_else(|| {
            ends.push(Duration::ZERO);
            ends.len() - 1
        });
        ends[timing.slot] = timing.start + took;
    }
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
