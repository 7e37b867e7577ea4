//! GitHub Actions.
//!
//! Outputs go through the file that `GITHUB_OUTPUT` names, each behind a random delimiter (CVE-2020-15228 is what comes of
//! printing them). A matrix makes at most 256 jobs, a job's outputs are at most 1 MB, counted in UTF-16
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>, `jobs.<job_id>.outputs`,
//! `jobs.<job_id>.strategy.matrix`).

use std::{fmt::Write as _, fs::OpenOptions, io::Write as _, path::Path};

use serde::Serialize;

use super::{
    division::{Division, JobVariables},
    matrix::{MatrixLimits, outputs},
};
use crate::model::{
    error::{Error, Result},
    leg::Leg,
};

const LIMITS: MatrixLimits = MatrixLimits {
    system: "GitHub",
    format: "github",
    legs: 256,
    matrix: 1_000_000,
    matrices: usize::MAX,
    all: 1_000_000,
    unit: 2,
    escape: |json| json,
};

#[derive(Serialize)]
struct Matrix {
    include: Vec<JobVariables>,
}

/// What stands behind a workflow command (actions/toolkit, `escapeData`).
pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of one of its parameters (`escapeProperty` there).
pub(crate) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The lines for `GITHUB_OUTPUT`.
///
/// # Errors
/// The plan is larger than a job's outputs may be.
#[allow(clippy::expect_used, reason = "legs are plain data")]
pub(crate) fn plan(division: &Division<'_>) -> Result<String> {
    let matrix = |legs: &[Leg<'_>]| {
        let include = legs
            .iter()
            .map(|leg| JobVariables::of(leg, division))
            .collect();
        serde_json::to_string(&Matrix { include }).expect("legs are plain data")
    };
    let mut lines = String::new();
    for (name, value) in outputs(division, &LIMITS, matrix)? {
        let end = delimiter()?;
        // A guess that came true would be a line of its own: the values have no line breaks.
        let _ = writeln!(lines, "{name}<<{end}\n{value}\n{end}");
    }
    Ok(lines)
}

/// Appends to the file that the runner reads when the step has ended.
pub(crate) fn append(file: &Path, lines: &str) -> Result<()> {
    let mut open = OpenOptions::new();
    open.append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(|err| {
            Error::unavailable(format!(
                "cannot write to GITHUB_OUTPUT, `{}`",
                file.display()
            ))
            .because(err)
        })
}

/// A line that nobody can foresee.
fn delimiter() -> Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|err| Error::unavailable("the system gives no random bytes").because(err))?;
    Ok(random.iter().fold("flota_".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
