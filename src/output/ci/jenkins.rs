//! Jenkins.
//!
//! A plan is JSON for a scripted `parallel` (<https://www.jenkins.io/doc/book/pipeline/syntax/#parallel>): `legs` is a map of a
//! branch's name to what it is told.

use std::collections::BTreeMap;

use serde::Serialize;

use super::division::{Division, JobVariables};
use crate::model::error::Result;

#[derive(Serialize)]
struct Parallel<'a> {
    count: usize,
    has_changes: bool,
    has_retires: bool,
    retires: Vec<String>,
    base: String,
    head: String,
    legs: BTreeMap<&'a str, JobVariables>,
}

/// The branches of a `parallel`. Jenkins sets no limit: never an error.
#[allow(clippy::expect_used, reason = "legs are plain data")]
pub(crate) fn plan(division: &Division<'_>) -> Result<String> {
    let (base, head) = division.ends();
    let legs = division.legs.iter();
    let retires = division.retires();
    let parallel = Parallel {
        count: division.count(),
        has_changes: division.count() > 0,
        has_retires: !retires.is_empty(),
        retires,
        base,
        head,
        legs: legs
            .map(|leg| (leg.id.as_str(), JobVariables::of(leg, division)))
            .collect(),
    };
    let json = serde_json::to_string_pretty(&parallel).expect("legs are plain data");
    Ok(json + "\n")
}
