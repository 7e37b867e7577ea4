//! Azure Pipelines.
//!
//! Output variables are set by logging commands on stdout, and a matrix is an object of objects whose values are strings: each
//! becomes a variable of the leg's job, and the environment variable of that name in capitals
//! (<https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands>,
//! <https://learn.microsoft.com/en-us/azure/devops/pipelines/yaml-schema/jobs-job-strategy>). Hence the prefix: `path` would be
//! PATH. No value holds what the agent expands, `$(…)`.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use super::{
    division::{Division, JobVariables, VARIABLE},
    matrix::{MatrixLimits, outputs},
};
use crate::model::{error::Result, leg::Leg, pipeline::AZURE_MATRICES};

/// An output variable is an environment variable of the later steps of its job too, and Linux takes 128 KiB for one, 2 MiB for
/// all of them (execve(2)).
const LIMITS: MatrixLimits = MatrixLimits {
    system: "Azure Pipelines",
    format: "azure",
    legs: 256,
    matrix: VARIABLE,
    matrices: AZURE_MATRICES,
    all: 1_000_000,
    unit: 1,
    // Whether `%AZP25` is read as `%` depends on the agent and its DECODE_PERCENTS; JSON's own escape does not.
    escape: |json| json.replace('%', r"\u0025"),
};

/// The logging commands that set the plan's output variables.
///
/// # Errors
/// The plan is larger than a job's environment may be.
#[allow(clippy::expect_used, reason = "legs are plain data")]
pub(crate) fn plan(division: &Division<'_>) -> Result<String> {
    let matrix = |legs: &[Leg<'_>]| {
        let legs: BTreeMap<_, BTreeMap<_, _>> = legs
            .iter()
            .map(|leg| {
                (
                    &leg.id,
                    JobVariables::of(leg, division)
                        .variables()
                        .into_iter()
                        .collect(),
                )
            })
            .collect();
        serde_json::to_string(&legs).expect("legs are plain data")
    };
    let mut lines = String::new();
    for (name, value) in outputs(division, &LIMITS, matrix)? {
        let (name, value) = (property(&name), data(&value));
        let _ = writeln!(
            lines,
            "##vso[task.setvariable variable={name};isOutput=true]{value}"
        );
    }
    Ok(lines)
}

/// The logging command that shows a file on the run's page.
pub(crate) fn summary(file: &Path) -> String {
    format!(
        "##vso[task.uploadsummary]{}",
        data(&file.display().to_string())
    )
}

/// What stands behind the bracket of a logging command.
pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%AZP25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// What stands inside of it.
pub(crate) fn property(text: &str) -> String {
    data(text).replace(']', "%5D").replace(';', "%3B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_command() {
        assert_eq!(data("a%0A;]\r\n"), "a%AZP250A;]%0D%0A");
        assert_eq!(property("a%0A;]\r\n"), "a%AZP250A%3B%5D%0D%0A");
    }
}
