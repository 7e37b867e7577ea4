//! Charts: packaged with the reference of their image.

pub(super) mod check;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    gates::{self, Judged},
    job::{FoundImage, Job, Run},
};
use crate::{
    chart::{self, ChartRequest, ImageCoordinates},
    model::{
        error::{Error, Result},
        evidence::GateReport,
        reference::Prefix,
        report::{ChartReport, ImageReport, Status},
        settings::{AppVersion, TokenValue},
        timing::Phase,
    },
    registry::{ChartTag, chart_reference},
};

/// Everything that packaging could refuse; nothing is written. Where a chart that does not run its image is an error, it is
/// looked at here already, before anything is built.
///
/// The digest of the package, where it was looked at.
pub(super) fn check(run: &Run<'_>, job: &Job) -> Result<Option<String>> {
    let prefix = run.options.push.then(|| destination(job)).transpose()?;
    let known = job.image.as_ref().and_then(|image| image.origin.found());
    let prepared = chart::prepare(&request(run, job, known.and_then(FoundImage::digest))?)?;
    if let Some(prefix) = prefix {
        chart_reference(&prefix, &prepared.name, &prepared.version)?;
    }
    if run.options.strict || run.options.dry_run {
        let scratch = run.products.scratch()?;
        let packaged = prepared.write(&scratch)?;
        let check = check::look(run, job, &prepared, &packaged, &scratch)?;
        check::tell(run, job, &check)?;
        return Ok(Some(packaged.digest));
    }
    Ok(None)
}

/// Packages the chart, and pushes it if asked to. A package that is there with the same bytes is left alone.
pub(super) fn package(
    run: &Run<'_>,
    job: &Job,
    image: Option<&ImageReport>,
    gates: &mut Vec<GateReport>,
) -> Result<(ChartReport, Status)> {
    let digest = image.and_then(|image| image.digest.clone());
    let scratch = run.products.scratch()?;
    let prepared = chart::prepare(&request(run, job, digest)?)?;
    let mut packaged = prepared.write(&scratch)?;
    let check = check::look(run, job, &prepared, &packaged, &scratch)?;
    check::tell(run, job, &check)?;
    let (file, mut status) = run.products.keep_chart(&packaged.file)?;
    packaged.file = file;
    gates::pass(run, job, Judged::Chart(&packaged), gates)?;
    let reference = if run.options.push {
        job.enter(Phase::PushChart);
        let prefix = destination(job)?;
        let registry = run.registries.at(prefix.registry())?;
        let tag = ChartTag::of(&job.settings.chart.version);
        let pushed = registry.push_chart(&packaged.file, &prefix, tag)?;
        if pushed.was_there {
            status = Status::Reused;
        }
        Some(pushed.reference.to_string())
    } else {
        None
    };
    let report = ChartReport {
        name: packaged.name,
        version: packaged.version,
        file: Some(packaged.file),
        digest: Some(packaged.digest),
        reference,
        check: Some(check),
    };
    Ok((report, status))
}

fn request(run: &Run<'_>, job: &Job, digest: Option<String>) -> Result<ChartRequest> {
    let names = job.image.as_ref().map(|image| &image.names);
    let is_tag = job.settings.chart.app_version == AppVersion::Tag;
    let app_version = names.filter(|_| is_tag).map(|names| names.identity.clone());
    let image = names.map(|names| ImageCoordinates {
        registry: names.registry.clone(),
        repository: names.repository.clone(),
        tag: names.identity.clone(),
        digest,
    });
    let mut request = ChartRequest {
        service: job.step.name.to_string(),
        source: job.source.clone(),
        version: job.settings.chart.version.clone(),
        id: String::new(),
        commit: job.commit.to_hex_with_len(12).to_string(),
        app_version,
        image,
        image_path: job.settings.chart.image.clone(),
        environments: Arc::clone(&job.settings.change.environments),
        tokens: tokens(run, job),
    };
    request.id = chart::identity(&request)?;
    Ok(request)
}

/// The configuration's values, under those of the command line.
fn tokens(run: &Run<'_>, job: &Job) -> BTreeMap<String, TokenValue> {
    let mut tokens = job.settings.chart.tokens.clone();
    tokens.extend(run.options.tokens.iter().cloned());
    tokens
}

/// Where charts go: `[chart] registry`, else beside the images, in `charts/`.
fn destination(job: &Job) -> Result<Prefix> {
    let own = job.settings.chart.registry.clone();
    let beside = || {
        job.settings
            .image
            .registry
            .as_ref()
            .map(|images| format!("{images}/charts"))
    };
    let prefix = own.or_else(beside).ok_or_else(|| {
        Error::misuse("there is no registry to push charts to")
            .hint("name one in flota.toml: [chart] registry = \"registry.example.com/charts\"")
    })?;
    Prefix::parse(&prefix)
}
