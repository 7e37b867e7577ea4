//! The pipelines of CI systems: `templates/ci/<system>/<fleet, service or both>/`, whose files have the same paths as in the repository.

use std::path::PathBuf;

use include_dir::Dir;

use super::{
    embedded::{CI, TEMPLATES, sources},
    render,
    template::File,
};
use crate::model::{
    error::{Error, Result},
    template::Values,
};

/// What every job begins with: the script that gets flota, filled in as `install`.
const INSTALL: &str = "install.sh.jinja";

/// The folder of a system whose pipelines are the same for a fleet and for a service.
const BOTH: &str = "both";

/// The files of a `kind` of repository for `system`, sorted by path.
///
/// # Errors
/// Work: a template of flota's own is broken.
pub fn pipelines(system: &str, kind: &str, values: &Values) -> Result<Vec<File>> {
    let folder = [kind, BOTH]
        .into_iter()
        .find_map(|kind| TEMPLATES.get_dir(format!("{CI}/{system}/{kind}")));
    let broken = || Error::work(format!("flota has no pipelines for {system}"));
    let script = TEMPLATES
        .get_file(format!("{CI}/{INSTALL}"))
        .ok_or_else(broken)?;
    let install = render::Renderer::new(values)?.bytes(script.contents())?;
    let mut values = values.clone();
    let install = String::from_utf8_lossy(&install).trim_end().to_owned();
    values.insert("install".to_owned(), install);
    render_all(folder.ok_or_else(broken)?, &values)
}

fn render_all(folder: &Dir<'static>, values: &Values) -> Result<Vec<File>> {
    let renderer = render::Renderer::new(values)?;
    let mut files = Vec::new();
    for (path, source) in sources(folder)? {
        let content = renderer.bytes(&source.content)?;
        // What the configuration switches off has nothing in it.
        if !content.is_empty() {
            files.push(File {
                is_executable: content.starts_with(b"#!"),
                path: PathBuf::from(path),
                content,
            });
        }
    }
    Ok(files)
}
