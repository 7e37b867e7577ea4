//! GitLab CI/CD.
//!
//! A plan is a child pipeline, to be kept as an artifact and started by `trigger: include: artifact`, which takes at most 5 MB and
//! no pipeline without jobs (<https://docs.gitlab.com/ci/pipelines/downstream_pipelines/>). Its jobs extend `.flota-build`, which
//! the repository's `.gitlab/flota.yml` defines: `flota ci gitlab` writes it.

use std::fmt::Write;

use super::division::{Division, JobVariables, quoted, too_large};
use crate::model::error::Result;

/// What GitLab takes of a generated configuration, in bytes.
const LIMIT: usize = 5_000_000;

/// How many jobs to share when a plan is too large: any would do that is well below what one pipeline may have.
const SHARED: usize = 500;

/// The child pipeline.
///
/// # Errors
/// It is larger than GitLab takes.
pub(crate) fn plan(division: &Division<'_>) -> Result<String> {
    let (base, head) = division.ends();
    // Without rules a pipeline below a merge request's would have no jobs.
    let mut yaml = format!(
        "---\n# A child pipeline, by flota plan --format gitlab.\nworkflow:\n  rules:\n    - when: always\n\n\
         variables:\n  FLOTA_BASE: {}\n  FLOTA_HEAD: {}\n",
        quoted(&base),
        quoted(&head)
    );
    for (name, value) in division.retire_variables("GitLab")? {
        let _ = writeln!(yaml, "  {name}: {}", quoted(&value));
    }
    yaml.push('\n');
    if division.legs.is_empty() {
        yaml.push_str("\"nothing to build\":\n  script:\n    - \"true\"\n");
        return Ok(yaml);
    }
    yaml.push_str("include:\n  - local: /.gitlab/flota.yml\n");
    for leg in division.legs {
        let _ = writeln!(
            yaml,
            "\n\"build {}\":\n  extends: .flota-build\n  variables:",
            leg.id
        );
        let of_this_leg = JobVariables::of(leg, division)
            .variables()
            .into_iter()
            .filter(|(name, _)| !["FLOTA_BASE", "FLOTA_HEAD"].contains(name));
        for (name, value) in of_this_leg {
            let _ = writeln!(yaml, "    {name}: {}", quoted(&value));
        }
    }
    match yaml.len() > LIMIT {
        true => Err(too_large(division, "GitLab", "gitlab", LIMIT, SHARED)),
        false => Ok(yaml),
    }
}
