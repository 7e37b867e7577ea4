//! When each part of a build ran.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When the job of a service ran. All times count from the start of the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Which job slot it had, counted from 0: a slot runs one job at a time. There are `-j` of them, and as many as are needed where
    /// buildx builds images at the same time.
    pub slot: usize,
    /// When it began.
    pub start: Duration,
    /// What it did, one after the other.
    pub phases: Vec<PhaseTime>,
}

/// When a part of a job ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseTime {
    /// Which part.
    pub phase: Phase,
    /// When it began.
    pub start: Duration,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub ending: PhaseEnding,
}

/// A part of the job of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Building the image, or giving its names to one that is there.
    Image,
    /// Pushing the image.
    PushImage,
    /// The gates that judge what was made, before it is pushed.
    Gate,
    /// Packaging the chart, and checking it.
    Chart,
    /// Pushing the chart.
    PushChart,
}

/// How a part of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseEnding {
    /// It did its work.
    Done,
    /// What it would have made was there already.
    Reused,
    /// It failed, and the job with it.
    Failed,
}
