//! The files of a service, rendered from a template.

use std::{collections::BTreeMap, path::Path};

use super::{
    record, render,
    template::{File, MANIFEST, Template, TemplateFile},
};
use crate::{
    git::path,
    model::{
        error::{Error, Result},
        template::Values,
    },
};

impl Template {
    /// The files of the service that `values` name, sorted by path: the template's, and what records it.
    ///
    /// # Errors
    /// Work: a file cannot be rendered, two would have one path, or one would lie outside of the repository.
    pub fn render(&self, values: &Values) -> Result<Vec<File>> {
        let renderer = render::Renderer::new(values)?;
        let mut files = Vec::new();
        for source in self.sources.iter().filter(|source| source.path != MANIFEST) {
            files.push(self.render_one(&renderer, source).map_err(|err| {
                Error::work(format!("the template `{}`: {}", self.name, source.path)).because(err)
            })?);
        }
        files.push(record::file(self, values)?);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        self.refuse_twins(&files)?;
        Ok(files)
    }

    fn render_one(&self, renderer: &render::Renderer, source: &TemplateFile) -> Result<File> {
        let (path, content) = match source.path.strip_suffix(render::ENDING) {
            Some(path) => (path, renderer.bytes(&source.content)?),
            None => (source.path.as_str(), source.content.to_vec()),
        };
        let path = renderer.text(path)?;
        for part in path.split('/') {
            path::component(part.into())?;
        }
        Ok(File {
            path: path::relative("path", path.as_str().into())?,
            content,
            is_executable: source.is_executable,
        })
    }

    /// No two files may be one where case and Unicode form do not count, nor may a file be another's folder.
    fn refuse_twins(&self, files: &[File]) -> Result<()> {
        let mut seen = BTreeMap::<String, &Path>::new();
        let folded = |path: &Path| path::folded(path.as_os_str().as_encoded_bytes());
        for file in files {
            if let Some(twin) = seen.insert(folded(&file.path), &file.path) {
                return Err(self.twins(twin, &file.path));
            }
        }
        for file in files {
            for folder in file.path.ancestors().skip(1) {
                if let Some(twin) = seen.get(&folded(folder)) {
                    return Err(self.twins(twin, &file.path));
                }
            }
        }
        Ok(())
    }

    fn twins(&self, one: &Path, other: &Path) -> Error {
        Error::work(format!(
            "the template `{}` has two files in one place: `{}` and `{}`",
            self.name,
            one.display(),
            other.display()
        ))
    }

    /// The answer to a question where nobody gives one; `values` are its name and the answers before it.
    ///
    /// # Errors
    /// Work: the default cannot be rendered.
    pub fn default_answer(&self, default: &str, values: &Values) -> Result<String> {
        render::Renderer::new(values)?.text(default).map_err(|err| {
            Error::work(format!(
                "the template `{}` has a default that cannot be rendered: {default}",
                self.name
            ))
            .because(err)
        })
    }
}
