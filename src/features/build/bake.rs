//! Images that buildx builds: all of a run in one call, before the services' own jobs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use bstr::BString;

use super::{
    handover,
    job::{FoundImage, ImageJob, ImageOrigin, ImageParent, Job, ParentOrigin, Prepared, Run},
    products,
};
use crate::{
    container::{
        ImageRequest,
        engine::{self, Batch, BatchImage, BatchParent, Builder, Destination, Outcome},
    },
    model::{error::Result, event::Event, report::BuiltService},
};

/// What became of the images, by the position of their job; none for a job whose image is not built, or not by buildx.
pub(super) fn all(run: &Run<'_>, prepared: &[Prepared]) -> Result<Vec<Option<Outcome>>> {
    let mut outcomes: Vec<Option<Outcome>> = prepared.iter().map(|_| None).collect();
    if run.builder != Some(Builder::Buildx) {
        return Ok(outcomes);
    }
    let mut asked = Vec::new();
    for (index, job) in prepared.iter().enumerate() {
        let Ok(job) = job else { continue };
        let Some(one) = asked_of(run, job) else {
            continue;
        };
        products::clear_log(&job.log)?;
        match one {
            Ok(one) => asked.push((index, one)),
            Err(error) => {
                started(run, index, job);
                outcomes[index] = Some(Outcome::Failed(error, Duration::ZERO));
            }
        }
    }
    for orphan in take_orphans(prepared, &mut asked) {
        outcomes[orphan] = Some(Outcome::Stopped);
    }
    if asked.is_empty() {
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
    for (index, asked) in &asked {
        started(run, *index, asked.job);
    }
    let positions = asked.iter().map(|(_, asked)| &asked.job.step.path);
    let positions: BTreeMap<_, _> = positions.zip(0..).collect();
    let scratch = run.products.scratch()?;
    let images = asked.iter().zip(&names).zip(&repositories);
    let images = images.map(|(((_, asked), name), repository)| {
        let own = &asked.job.settings.image;
        let cache = own.cache.as_ref();
        BatchImage {
            name,
            request: &asked.request,
            log: &asked.job.log,
            cache: cache.map(|cache| engine::cache_reference(cache, &asked.image.names.repository)),
            attached: own.attached(),
            destination: match run.options.push {
                true => Destination::Repository(repository),
                false => Destination::Layout(&layout),
            },
            parents: parents(&asked.image.parents, prepared, &positions, &layout),
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

fn started(run: &Run<'_>, index: usize, job: &Job) {
    (run.events)(Event::Started {
        job: index,
        name: job.step.name.to_string(),
        doing: "image",
    });
}

/// An image that is to be built.
struct ImageToBake<'a> {
    job: &'a Job,
    image: &'a ImageJob,
    request: ImageRequest,
}

fn asked_of<'a>(run: &Run<'_>, job: &'a Job) -> Option<Result<ImageToBake<'a>>> {
    let image = job.image.as_ref()?;
    let ImageOrigin::Request(request) = &image.origin else {
        return None;
    };
    let request = handover::hand_over(run, job, request);
    Some(request.map(|request| ImageToBake {
        job,
        image,
        request,
    }))
}

/// Takes out of `asked` what stands on an image that this run was to build and cannot; the positions of these jobs.
fn take_orphans(prepared: &[Prepared], asked: &mut Vec<(usize, ImageToBake<'_>)>) -> Vec<usize> {
    let mut orphans = Vec::new();
    loop {
        let here: BTreeSet<_> = asked
            .iter()
            .map(|(_, asked)| &asked.job.step.path)
            .collect();
        let lacks = |parent: &ImageParent| {
            found(parent, prepared).is_none() && !here.contains(&parent.path)
        };
        let lost: Vec<_> = asked
            .iter()
            .filter(|(_, asked)| asked.image.parents.iter().any(lacks))
            .map(|(index, _)| *index)
            .collect();
        if lost.is_empty() {
            return orphans;
        }
        asked.retain(|(index, _)| !lost.contains(index));
        orphans.extend(lost);
    }
}

/// Where an image is that another is built on, if it is there before this run has built anything.
fn found<'a>(parent: &'a ImageParent, prepared: &'a [Prepared]) -> Option<&'a FoundImage> {
    match &parent.origin {
        ParentOrigin::Found(found) => Some(found),
        ParentOrigin::InRun => {
            let mut jobs = prepared.iter().flatten();
            let job = jobs.find(|job| job.step.path == parent.path)?;
            job.image.as_ref()?.origin.found()
        }
    }
}

/// Where the images are that another is built on, by the references that its Dockerfile has for them.
fn parents<'a>(
    parents: &'a [ImageParent],
    prepared: &[Prepared],
    positions: &BTreeMap<&BString, usize>,
    layout: &'a Path,
) -> BTreeMap<String, BatchParent<'a>> {
    let place = |parent: &'a ImageParent| match found(parent, prepared) {
        Some(FoundImage::InRegistry(digest)) => Some(BatchParent::Found(
            Destination::Repository(&parent.image.repository),
            digest.clone(),
        )),
        Some(FoundImage::InStore(image)) => Some(BatchParent::Found(
            Destination::Layout(layout),
            image.digest.clone()?,
        )),
        None => {
            let position = positions.get(&parent.path)?;
            Some(BatchParent::InBatch(*position))
        }
    };
    let parents = parents.iter();
    parents
        .filter_map(|parent| Some((parent.image.reference(), place(parent)?)))
        .collect()
}
