//! `flota templates`: what a new service can start from.

use crate::{
    model::{error::Result, template::TemplateManifest},
    templates,
};

/// The names of the embedded templates, each with what it says of itself; sorted.
pub(crate) fn list() -> Result<Vec<(String, TemplateManifest)>> {
    let all = templates::all()?.into_iter();
    Ok(all
        .map(|template| (template.name, template.manifest))
        .collect())
}
