//! When each part of a build ran.

use serde::{Deserialize, Serialize};

use crate::model::timing::{Phase, PhaseEnding, PhaseTime, Timing};

/// When the job of a service ran. All times are seconds from the start of the build.
#[derive(Debug, Serialize, Deserialize)]
pub struct TimingV1 {
    /// Which of the job slots it had, counted from 0.
    pub slot: usize,
    /// When it began.
    pub start: f64,
    /// What it did, one after the other.
    #[serde(default)]
    pub phases: Vec<PhaseV1>,
}

/// When a part of a job ran.
#[derive(Debug, Serialize, Deserialize)]
pub struct PhaseV1 {
    /// Which part.
    pub phase: Phase,
    /// When it began.
    pub start: f64,
    /// How long it took.
    pub seconds: f64,
    /// How it ended.
    pub ending: PhaseEnding,
}

impl From<&Timing> for TimingV1 {
    fn from(timing: &Timing) -> Self {
        Self {
            slot: timing.slot,
            start: timing.start.as_secs_f64(),
            phases: timing.phases.iter().map(PhaseV1::from).collect(),
        }
    }
}

impl From<&PhaseTime> for PhaseV1 {
    fn from(time: &PhaseTime) -> Self {
        Self {
            phase: time.phase,
            start: time.start.as_secs_f64(),
            seconds: time.took.as_secs_f64(),
            ending: time.ending,
        }
    }
}
