//! The templates of new services: embedded in the binary, rendered in memory.
//!
//! A file ending in `.jinja` is rendered and loses the ending; every other file is taken as it is. Variables stand in
//! `[[ ]]` and statements in `[% %]`, so that Helm's own `{{ }}` stays what it is.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig};

use crate::model::error::{Error, Result};

static STATIC: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/static");
static CHART: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/chart");

/// What every file of a template ends with that is to be rendered.
const RENDERED: &str = "jinja";

/// One file of a new service's repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the repository's root.
    pub path: PathBuf,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// The files of a static service called `name`: its own, and the shared chart.
pub fn static_service(name: &str) -> Result<Vec<File>> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .variable_delimiters("[[", "]]")
        .block_delimiters("[%", "%]")
        .comment_delimiters("[#", "#]")
        .keep_trailing_newline(true)
        .build()
        .map_err(broken)?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);

    let mut files = Vec::new();
    for template in [&STATIC, &CHART] {
        render(&environment, template, name, &mut files)?;
    }
    Ok(files)
}

fn render(
    environment: &Environment<'_>,
    dir: &Dir<'_>,
    name: &str,
    into: &mut Vec<File>,
) -> Result<()> {
    for file in dir.files() {
        into.push(match file.path().extension() {
            Some(ending) if ending == RENDERED => {
                let text = file.contents_utf8().unwrap_or_default();
                let content = environment
                    .render_str(text, context! { name })
                    .map_err(broken)?;
                File {
                    path: file.path().with_extension(""),
                    content: content.into_bytes(),
                }
            }
            _ => File {
                path: file.path().to_owned(),
                content: file.contents().to_owned(),
            },
        });
    }
    dir.dirs()
        .try_for_each(|inner| render(environment, inner, name, into))
}

/// Writes the files under `root`, which must not hold any of them yet.
pub fn write(files: &[File], root: &Path) -> Result<()> {
    for file in files {
        let target = root.join(&file.path);
        let folder = target.parent().unwrap_or(root);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::File::create_new(&target))
            .and_then(|mut new| std::io::Write::write_all(&mut new, &file.content))
            .map_err(|err| {
                Error::environment(format!("cannot write `{}`", target.display())).because(err)
            })?;
    }
    Ok(())
}

fn broken(err: minijinja::Error) -> Error {
    Error::work("an embedded template cannot be rendered").because(err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_and_helm_is_left_alone() {
        let files = static_service("web").unwrap();
        let content = |path: &str| {
            let file = files
                .iter()
                .find(|file| file.path == Path::new(path))
                .unwrap();
            String::from_utf8(file.content.clone()).unwrap()
        };
        assert!(content("config/Chart.yaml").contains("\nname: web\n"));
        assert!(content("code/site/index.html").contains("<h1>web</h1>"));
        assert!(content("config/templates/service.yaml").contains("{{ .Release.Name }}"));
        assert!(content("code/.dockerignore").contains("!site"));
        assert!(
            files
                .iter()
                .all(|file| !file.path.to_string_lossy().ends_with(".jinja"))
        );
    }
}
