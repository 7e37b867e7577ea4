//! Matrices that one job hands to later ones, within what a system takes.

use super::division::{Division, too_large, too_many_retire};
use crate::model::{
    error::{Error, Result},
    leg::Leg,
};

/// What a system takes of matrices handed from one job to another.
pub(super) struct MatrixLimits {
    pub system: &'static str,
    pub format: &'static str,
    /// Legs of one matrix.
    pub legs: usize,
    /// Bytes of one matrix.
    pub matrix: usize,
    /// How many of them.
    pub matrices: usize,
    /// Bytes of all that is handed over, in `unit` a character.
    pub all: usize,
    pub unit: usize,
    /// What a value of JSON needs beyond JSON's own rules.
    pub escape: fn(String) -> String,
}

/// What one job hands to later ones: names, and values without line breaks. `matrix`, which the closure writes, when it may be one, else `matrix_0`, `matrix_1` and
/// so on; `matrices` says how many.
///
/// # Errors
/// The system does not take as much.
#[allow(clippy::expect_used, reason = "names are text")]
pub(super) fn outputs(
    division: &Division<'_>,
    limits: &MatrixLimits,
    matrix: impl Fn(&[Leg<'_>]) -> String,
) -> Result<Vec<(String, String)>> {
    let matrix = |legs: &[Leg<'_>]| (limits.escape)(matrix(legs));
    let retires = division.retires();
    let retires_json = (limits.escape)(serde_json::to_string(&retires).expect("names are text"));
    if retires_json.len() > limits.matrix {
        return Err(too_many_retire(retires.len(), limits.system, limits.matrix));
    }
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
        ("has_retires", (!retires.is_empty()).to_string()),
        ("retires", retires_json),
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
            .hint("use more legs: a higher --legs"));
        }
        parts += 1;
    }
}
