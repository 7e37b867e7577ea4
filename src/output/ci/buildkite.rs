//! Buildkite.
//!
//! A plan is a list of steps for `buildkite-agent pipeline upload --no-interpolation`, at most 500 of them
//! (<https://buildkite.com/docs/agent/v3/cli-pipeline>). Each runs `.buildkite/flota-build`, which `flota ci buildkite` writes.

use std::fmt::Write;

use super::division::{Division, JobVariables, quoted};
use crate::model::error::{Error, Result};

/// What one upload may hold.
const LIMIT: usize = 500;

/// The steps.
///
/// # Errors
/// There are more than one upload may hold.
pub(crate) fn plan(division: &Division<'_>) -> Result<String> {
    if division.legs.len() > LIMIT {
        return Err(Error::work(format!(
            "{} jobs are too many for one upload to Buildkite: the limit is {LIMIT}",
            division.legs.len()
        ))
        .hint(format!(
            "let services share jobs: flota plan --format buildkite --legs {LIMIT}"
        )));
    }
    let mut yaml = "---\n# Steps, by flota plan --format buildkite.\nenv:\n".to_owned();
    for (name, value) in division.retire_variables("Buildkite")? {
        let _ = writeln!(yaml, "  {name}: {}", quoted(&value));
    }
    yaml.push_str("steps:\n");
    if division.legs.is_empty() {
        // It needs no agent, and a list without steps is refused.
        yaml.push_str("  - wait\n");
    }
    for leg in division.legs {
        let told = JobVariables::of(leg, division);
        let _ = writeln!(
            yaml,
            "  - label: {}\n    key: {}\n    command: .buildkite/flota-build\n    env:",
            quoted(&format!("{} ({})", told.name, told.action)),
            quoted(&format!("flota_{}", leg.id)),
        );
        for (name, value) in told.variables() {
            let _ = writeln!(yaml, "      {name}: {}", quoted(&value));
        }
    }
    Ok(yaml)
}
