//! The templates that are part of the binary: the directories of `templates/`, on top of the chart that they share.

use std::{borrow::Cow, collections::BTreeMap};

use include_dir::{Dir, DirEntry, include_dir};

use super::{
    render,
    template::{Template, TemplateFile},
};
use crate::model::{
    error::{Error, Result},
    template::Origin,
};

pub(super) static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The folder that lies under every template without a chart of its own.
const CHART: &str = "chart";

/// The folder of the pipelines: no services.
pub(super) const CI: &str = "ci";

/// The directory of the pages that `flota help TOPIC` shows.
const HELP: &str = "help";

/// The directory of the page and the file that report a build.
const REPORT: &str = "report";

/// What makes a folder a chart.
const CHART_FILE: &str = "config/Chart.yaml";

/// All of them, sorted by name.
pub fn all() -> Result<Vec<Template>> {
    let folders = TEMPLATES.dirs().filter(|folder| is_service(folder));
    let mut all: Vec<Template> = folders.map(read).collect::<Result<_>>()?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// The one called `name`; none where there is no such.
pub fn named(wanted: &str) -> Result<Option<Template>> {
    let folder = TEMPLATES
        .dirs()
        .find(|folder| name(folder) == wanted && is_service(folder));
    folder.map(read).transpose()
}

/// The page about a help topic, in Markdown; none where there is no such topic.
pub fn help_page(topic: &str) -> Option<&'static str> {
    let page = TEMPLATES.get_file(format!("{HELP}/{topic}.md"))?;
    page.contents_utf8()
}

fn is_service(folder: &Dir<'_>) -> bool {
    !matches!(name(folder), CHART | CI | HELP | REPORT)
}

fn name<'a>(folder: &Dir<'a>) -> &'a str {
    folder.path().to_str().unwrap_or_default()
}

fn read(folder: &Dir<'static>) -> Result<Template> {
    let own = sources(folder)?;
    let has_chart = own.contains_key(CHART_FILE);
    let chart = TEMPLATES.get_dir(CHART).filter(|_| !has_chart);
    let mut sources = chart.map_or_else(|| Ok(BTreeMap::new()), sources)?;
    sources.extend(own);
    let sources = sources.into_values().collect();
    Template::new(name(folder).to_owned(), Origin::Embedded, sources)
}

/// Its files by the paths that they are rendered to, so that one takes the place of another with or without `.jinja`.
pub(super) fn sources(root: &Dir<'static>) -> Result<BTreeMap<String, TemplateFile>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in folder.entries() {
            let file = match entry {
                DirEntry::Dir(inner) => {
                    folders.push(inner);
                    continue;
                }
                DirEntry::File(file) => file,
            };
            let path = file.path().strip_prefix(root.path()).ok();
            let path = path.and_then(|path| path.to_str()).ok_or_else(|| {
                Error::work(format!(
                    "`{}` is not a path of a template",
                    file.path().display()
                ))
            })?;
            let rendered = path.strip_suffix(render::ENDING).unwrap_or(path);
            found.insert(
                rendered.to_owned(),
                TemplateFile {
                    path: path.to_owned(),
                    content: Cow::Borrowed(file.contents()),
                    is_executable: false,
                },
            );
        }
    }
    Ok(found)
}
