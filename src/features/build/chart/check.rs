//! Whether finished charts run their images: looked at, kept with the chart, and told.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::super::job::{Job, Run};
use crate::{
    chart::{self, PackagedChart, PreparedChart},
    files,
    model::{
        digest,
        error::{Error, Result},
        event::Event,
        report::{ChartCheck, ImageCheck},
    },
};

/// Where charts have their image by custom (`helm create`).
const USUAL: &str = "image";

/// A result, and what it holds for.
#[derive(Serialize, Deserialize)]
struct KeptCheck {
    /// The digest of the chart.
    chart: String,
    /// The digest of the values it was rendered with, beside its own.
    values: Option<String>,
    /// Whether Helm took part.
    rendered: bool,
    /// The result.
    check: ChartCheck,
}

/// The result for a chart: the one that was kept with it, if it holds, so that a chart that is built again says the same.
pub(super) fn look(
    run: &Run<'_>,
    job: &Job,
    prepared: &PreparedChart,
    packaged: &PackagedChart,
    scratch: &Path,
) -> Result<ChartCheck> {
    let values = check_values(job)?;
    let content = values
        .as_ref()
        .map(|file| fs::read(file).map_err(|error| files::cannot("read", file, error)));
    let values_digest = content
        .transpose()?
        .map(|content| digest::oci_digest(&content));
    let place = run.products.check(&prepared.file_name());
    let kept: Option<KeptCheck> = fs::read(&place)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    let has_helm = chart::has_helm();
    if let Some(kept) = kept
        && kept.chart == packaged.digest
        && kept.values == values_digest
        && (kept.rendered || !has_helm)
    {
        return Ok(kept.check);
    }
    let mut check = prepared.check(&packaged.file, values.as_deref(), scratch)?;
    if let (Some(file), None, Some(ImageCheck::Unchecked)) =
        (&job.settings.chart.check_values, &values, check.image)
    {
        let reason = check.reason.unwrap_or_default();
        check.reason = Some(format!("{reason} (this chart has no {})", file.display()));
    }
    let kept = KeptCheck {
        chart: packaged.digest.clone(),
        values: values_digest,
        rendered: has_helm,
        check: check.clone(),
    };
    if !run.options.dry_run
        && let Ok(text) = serde_json::to_vec_pretty(&kept)
    {
        files::write(&place, &text).map_err(|error| files::cannot("write", &place, error))?;
    }
    Ok(check)
}

/// Says what is wrong: with `--strict` as an error.
pub(super) fn tell(run: &Run<'_>, job: &Job, check: &ChartCheck) -> Result<()> {
    let name = &job.step.name;
    let reason = check.reason.as_deref().unwrap_or_default();
    let mut wrong: Vec<_> = check
        .warnings
        .iter()
        .map(|warning| format!("the chart of {name}: {warning}"))
        .collect();
    match check.image {
        Some(ImageCheck::NotFound) => wrong.insert(
            0,
            format!(
                "the chart of {name} does not run the image that was built: {}",
                reason.replace("NAME", &format!("{:?}", name.to_string()))
            ),
        ),
        Some(ImageCheck::Unchecked) if chart::has_helm() => (run.events)(Event::Note(format!(
            "whether the chart of {name} runs its image is not checked: {reason}"
        ))),
        _ => {}
    }
    // The shape told; which of its containers is the service's own, a person knows.
    if let (Some(path), None) = (&check.path, &job.settings.chart.image)
        && path != USUAL
        && check.image != Some(ImageCheck::NotFound)
    {
        (run.events)(Event::Notice(format!(
            "the chart of {name} has its image in `{path}`, as the shape of its values tells; say so, to be sure: [service.{:?}.chart] image = \"{path}\"",
            name.to_string()
        )));
    }
    if run.options.strict && !wrong.is_empty() {
        return Err(Error::repository(wrong.join("\n")));
    }
    wrong
        .into_iter()
        .for_each(|text| (run.events)(Event::Notice(text)));
    Ok(())
}

/// The file of `[chart] check_values`, if the chart has it: a regular one in the chart's folder.
pub(in super::super) fn check_values(job: &Job) -> Result<Option<PathBuf>> {
    let Some(file) = &job.settings.chart.check_values else {
        return Ok(None);
    };
    let folder = chart::find(&job.source, &job.step.name.to_string())?;
    let path = folder.join(file);
    let inside = |path: &Path| {
        Some(
            path.canonicalize()
                .ok()?
                .starts_with(folder.canonicalize().ok()?),
        )
    };
    Ok((path.is_file() && inside(&path) == Some(true)).then_some(path))
}
