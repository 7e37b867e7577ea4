//! The page of a run: where each system takes a summary from.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::run::System;
use crate::{
    files,
    model::error::{Error, Result},
    process::{self, Command},
};

/// Where GitHub reads a step's summary.
const GITHUB_FILE: &str = "GITHUB_STEP_SUMMARY";
/// The folder that Azure's agent empties after the job.
const AZURE_FOLDER: &str = "AGENT_TEMPDIRECTORY";
/// Buildkite's agent, which passes annotations on.
const AGENT: &str = "buildkite-agent";

/// A place for the run's summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SummaryPlace {
    /// A file that is read when the step ends.
    File(PathBuf),
    /// A folder for a file of its own, which a logging command then names.
    Folder(PathBuf),
    /// A program that takes it on its standard input.
    Agent,
}

impl SummaryPlace {
    /// Where `system` takes summaries; none where it has no such thing, or the run does not offer it.
    pub(crate) fn of(system: System, lookup: &dyn Fn(&str) -> Option<OsString>) -> Option<Self> {
        let path = |name| {
            lookup(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        match system {
            System::GitHub => path(GITHUB_FILE).map(Self::File),
            System::Azure => path(AZURE_FOLDER).map(Self::Folder),
            System::Buildkite => process::find(AGENT).ok().map(|_| Self::Agent),
            System::GitLab | System::Jenkins => None,
        }
    }

    /// How many bytes are taken there already.
    pub(crate) fn used(&self) -> usize {
        match self {
            Self::File(file) => file.metadata().map_or(0, |it| it.len() as usize),
            Self::Folder(_) | Self::Agent => 0,
        }
    }

    /// Hands `markdown` over; the file that a logging command still has to name.
    ///
    /// # Errors
    /// Unavailable: it is not accepted.
    pub(crate) fn hand_over(&self, markdown: &str, is_failure: bool) -> Result<Option<PathBuf>> {
        match self {
            Self::File(file) => append(file, markdown).map(|()| None),
            Self::Folder(folder) => make(folder, markdown).map(Some),
            Self::Agent => annotate(markdown, is_failure).map(|()| None),
        }
    }
}

fn append(file: &Path, markdown: &str) -> Result<()> {
    let write = || {
        let mut file = OpenOptions::new().append(true).create(true).open(file)?;
        file.write_all(markdown.as_bytes())
    };
    write().map_err(|err| files::cannot("write the summary to", file, err))
}

fn make(folder: &Path, markdown: &str) -> Result<PathBuf> {
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix("flota-")
            .suffix(".md")
            .tempfile_in(folder)?;
        file.write_all(markdown.as_bytes())?;
        let (_, path) = file.keep()?;
        Ok(path)
    };
    write().map_err(|err| files::cannot("write the summary to", folder, err))
}

fn annotate(markdown: &str, is_failure: bool) -> Result<()> {
    let style = if is_failure { "error" } else { "success" };
    Command::new(AGENT)
        .args(["annotate", "--append", "--context=flota-build"])
        .arg(format!("--style={style}"))
        .input(markdown)
        .run()?
        .check(|| Error::unavailable("buildkite-agent did not accept the summary"))?;
    Ok(())
}
