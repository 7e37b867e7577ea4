//! What CI systems read: plans in each one's own form.
//!
//! Names and paths come from repositories. Here they are spelled as [`inert`] spells them, letters, digits and `._/-%`, so that
//! nothing in them is an expression, a command, an option or markup to any system or shell; `flota build --step` reads them back.

use bstr::BStr;
use serde::Serialize;

use crate::model::{
    error::{Error, Result},
    leg::Leg,
    plan::Plan,
    step_id::{StepId, inert},
};

pub mod azure;
pub mod buildkite;
pub mod github;
pub mod gitlab;
pub mod jenkins;
pub mod summary;

/// A plan, and its division among jobs.
pub struct Division<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What each job builds.
    pub legs: &'a [Leg<'a>],
}

impl Division<'_> {
    /// How many builds the plan has.
    fn count(&self) -> usize {
        self.plan.builds().count()
    }

    /// The fleet's commits; the base is empty where everything was asked for or is new.
    fn ends(&self) -> (String, String) {
        let base = self.plan.base.as_ref().and_then(|base| base.commit);
        let base = base.map(|commit| commit.to_string());
        (base.unwrap_or_default(), self.plan.head.commit.to_string())
    }
}

/// What a job is told of its leg.
#[derive(Serialize)]
struct Told {
    /// For people: `cart`, or `cart and 2 more`.
    name: String,
    action: &'static str,
    /// For `flota build --step`.
    steps: String,
    /// The fleet's older commit, or nothing.
    base: String,
    /// The fleet's newer commit.
    head: String,
    #[serde(flatten)]
    only: Option<Only>,
}

/// What there is to say of a leg with one service.
#[derive(Serialize)]
struct Only {
    service: String,
    path: String,
    commit: String,
}

impl Told {
    fn of(leg: &Leg<'_>, division: &Division<'_>) -> Self {
        let (base, head) = division.ends();
        let service = |name: &BStr| inert(name);
        let first = service(leg.steps[0].name.as_ref());
        let only = leg.only().map(|step| Only {
            service: service(step.name.as_ref()),
            path: inert(step.path.as_ref()),
            commit: leg.words[0].commit.to_string(),
        });
        Self {
            name: match leg.steps.len() - 1 {
                0 => first,
                more => format!("{first} and {more} more"),
            },
            action: StepId::action_word(leg.action()),
            steps: leg.joined(),
            base,
            head,
            only,
        }
    }

    /// The same as environment variables: `FLOTA_STEPS` and so on.
    fn variables(self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("FLOTA_NAME", self.name),
            ("FLOTA_ACTION", self.action.to_owned()),
            ("FLOTA_STEPS", self.steps),
            ("FLOTA_BASE", self.base),
            ("FLOTA_HEAD", self.head),
        ];
        if let Some(only) = self.only {
            all.extend([
                ("FLOTA_SERVICE", only.service),
                ("FLOTA_PATH", only.path),
                ("FLOTA_PIN", only.commit),
            ]);
        }
        all
    }
}

/// What a system takes of matrices handed from one job to another.
struct MatrixLimits {
    system: &'static str,
    format: &'static str,
    /// Legs of one matrix.
    legs: usize,
    /// Bytes of one matrix.
    matrix: usize,
    /// How many of them.
    matrices: usize,
    /// Bytes of all that is handed over, in `unit` a character.
    all: usize,
    unit: usize,
}

/// What one job hands to later ones: names, and values without line breaks. `matrix` when it may be one, else `matrix_0`, `matrix_1` and
/// so on; `matrices` says how many.
///
/// # Errors
/// The system does not take as much.
fn outputs(
    division: &Division<'_>,
    limits: &MatrixLimits,
    matrix: impl Fn(&[Leg<'_>]) -> String,
) -> Result<Vec<(String, String)>> {
    let mut matrices = Vec::new();
    for legs in division.legs.chunks(limits.legs) {
        matrices.append(&mut split(legs, limits.matrix, &matrix)?);
    }
    let count_of_matrices = matrices.len().max(1);
    let (base, head) = division.ends();
    let count = division.count();
    let mut outputs: Vec<_> = [
        ("count", count.to_string()),
        ("has_changes", (count > 0).to_string()),
        ("legs", division.legs.len().to_string()),
        ("matrices", count_of_matrices.to_string()),
        ("base", base),
        ("head", head),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if matrices.len() < 2 {
        let whole = matrices.pop().unwrap_or_else(|| matrix(&[]));
        outputs.push(("matrix".to_owned(), whole));
    } else {
        let numbered = matrices.into_iter().enumerate();
        outputs.extend(numbered.map(|(number, matrix)| (format!("matrix_{number}"), matrix)));
    }
    let size: usize = outputs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size * limits.unit > limits.all || count_of_matrices > limits.matrices {
        return Err(too_large(
            division,
            limits.system,
            limits.format,
            limits.all,
            limits.legs,
        ));
    }
    Ok(outputs)
}

/// Divides the legs evenly, into as many matrices as it takes for each to be small enough.
fn split(
    legs: &[Leg<'_>],
    most: usize,
    matrix: &impl Fn(&[Leg<'_>]) -> String,
) -> Result<Vec<String>> {
    let mut parts = matrix(legs).len().div_ceil(most);
    loop {
        let share = legs.len().div_ceil(parts);
        let matrices: Vec<_> = legs.chunks(share.max(1)).map(matrix).collect();
        if matrices.iter().all(|matrix| matrix.len() <= most) {
            return Ok(matrices);
        }
        if share < 2 {
            let is_too_large = |leg: &&Leg<'_>| matrix(std::slice::from_ref(*leg)).len() > most;
            let leg = legs.iter().find(is_too_large).unwrap_or(&legs[0]);
            return Err(Error::work(format!(
                "the leg of {} is too large for one job: {} services",
                leg.steps[0].path,
                leg.steps.len()
            ))
            .hint("take more legs: a higher --legs"));
        }
        parts += 1;
    }
}

/// That nothing is left out in silence: the plan is refused, with what can be done.
fn too_large(
    division: &Division<'_>,
    system: &str,
    format: &str,
    bytes: usize,
    legs: usize,
) -> Error {
    let builds = division.count();
    let error = Error::work(format!(
        "a plan of {builds} builds in {} jobs is more than {system} takes: {bytes} bytes",
        division.legs.len()
    ));
    let error = match division.legs.len() > legs {
        true => error.hint(format!(
            "let services share jobs: flota plan --format {format} --legs {legs}"
        )),
        false => error,
    };
    error.hint("or build all of them in one job: flota build")
}

/// Double-quoted for YAML: every value here is made of characters that stand for themselves in it.
fn quoted(value: &str) -> String {
    debug_assert!(!value.contains(['"', '\\', '\n']));
    format!("\"{value}\"")
}

pub mod log_commands;
#[cfg(test)]
mod tests;
