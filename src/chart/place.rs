//! Messages about the files of a chart.

use std::{collections::BTreeSet, path::Path};

use super::{
    files::{self, Files},
    find::relative,
    ignore,
    request::{ChartRequest, VALUES_FILE, YAML_LIMIT},
    values::Unfilled,
    yaml::YamlFault,
};
use crate::model::error::{Error, Result};

/// How many tokens without a value one message names.
const UNFILLED_LIMIT: usize = 50;

/// Where a chart is, for messages.
pub(super) struct ChartPlace<'r> {
    /// The service that the chart belongs to.
    pub service: &'r str,
    folder: String,
}

impl<'r> ChartPlace<'r> {
    /// The place of the chart that was found in `folder`.
    pub(super) fn new(request: &'r ChartRequest, folder: &Path) -> Self {
        Self {
            service: &request.service,
            folder: relative(&request.source, folder),
        }
    }

    /// A file of the chart, as messages name it.
    pub(super) fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// Takes the text of a YAML file out of the chart.
    ///
    /// # Errors
    /// Work: a file that is too large or not UTF-8.
    pub(super) fn text(&self, files: &mut Files, name: &str) -> Result<Option<String>> {
        let Some(bytes) = files.remove(name) else {
            return Ok(None);
        };
        if bytes.len() > YAML_LIMIT {
            return Err(self.refused(files::FileRefusal::File(
                name.into(),
                "is larger than 1 MiB",
            )));
        }
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| self.refused(files::FileRefusal::File(name.into(), "is not UTF-8")))
    }

    /// Something wrong at a place of a file.
    pub(super) fn fault(&self, file: &str, fault: &YamlFault) -> Error {
        Error::work(format!("{}: {}:{fault}", self.service, self.file(file)))
    }

    /// A file that cannot be part of the chart.
    pub(super) fn refused(&self, refusal: files::FileRefusal) -> Error {
        match refusal {
            files::FileRefusal::File(name, what) => {
                Error::work(format!("{}: {} {what}", self.service, self.file(&name)))
            }
            files::FileRefusal::Link(name) => Error::work(format!(
                "{}: {} is a symlink, and what it names is not in config/ or charts/ of the service",
                self.service,
                self.file(&name)
            ))
            .hint("replace the link with a copy of the file: from a change elsewhere flota would not see that the chart changed"),
            files::FileRefusal::Helm(name, what) => {
                Error::work(format!("{}: {} {what}", self.service, self.file(&name)))
            }
            files::FileRefusal::Ignore(fault) => self.fault(ignore::FILE, &fault),
            files::FileRefusal::Io(name, error) => Error::unavailable(format!(
                "{}: cannot read {}",
                self.service,
                self.file(&name)
            ))
            .because(error),
        }
    }

    /// Charts that this one depends on and does not bring along.
    pub(super) fn without(&self, missing: &[String]) -> Error {
        Error::work(format!(
            "{}: the chart depends on {}, and {} has no such chart",
            self.service,
            missing.join(", "),
            self.file("charts")
        ))
        .hint(format!(
            "helm dependency update {}, and commit its charts/",
            self.folder
        ))
    }

    /// Tokens that nothing fills.
    pub(super) fn unfilled(&self, tokens: &[Unfilled]) -> Error {
        let values = self.file(VALUES_FILE);
        let mut named: Vec<_> = tokens
            .iter()
            .take(UNFILLED_LIMIT)
            .map(|token| format!("{values}:{}: XX_{}_XX", token.line, token.name))
            .collect();
        if tokens.len() > UNFILLED_LIMIT {
            named.push(format!("and {} more", tokens.len() - UNFILLED_LIMIT));
        }
        let message = format!(
            "{}: tokens without a value: {}",
            self.service,
            named.join(", ")
        );
        let names: BTreeSet<_> = tokens.iter().map(|token| token.name.as_str()).collect();
        names
            .into_iter()
            .take(UNFILLED_LIMIT)
            .fold(Error::misuse(message), |error, name| {
                error.hint(match name {
                    "REGISTRY" => "flota.toml: [image] registry = \"…\"".to_owned(),
                    _ => format!("flota.toml: [chart.tokens] {name} = \"…\", or --token {name}=…"),
                })
            })
    }
}
