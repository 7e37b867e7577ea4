//! `flota plan`

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};

use super::{COMPARED, Ends, Reading};

/// Arguments of `flota plan`.
#[derive(Args, Debug)]
pub struct Plan {
    /// A..B compares these two commits, A...B their merge base with B; a side left out is HEAD.
    #[arg(value_name = "RANGE", conflicts_with_all = ["base", "all"])]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Every service of HEAD, changed or not.
    #[arg(long, conflicts_with = "base", help_heading = COMPARED)]
    pub all: bool,
    /// Shared with changed.
    #[command(flatten)]
    pub reading: Reading,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: PlanFormat,
    /// At most N jobs of a CI system: services share them when there are more [default: one a service].
    #[arg(long, value_name = "N")]
    pub legs: Option<NonZeroUsize>,
}

/// Forms of `flota plan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// A table.
    Human,
    /// `flota.plan/v1`.
    Json,
    /// A matrix, in the file GITHUB_OUTPUT where that is set (the table is printed then).
    Github,
    /// A matrix, as logging commands.
    Azure,
    /// A child pipeline.
    Gitlab,
    /// Steps for buildkite-agent pipeline upload --no-interpolation.
    Buildkite,
    /// JSON for the parallel step of a scripted pipeline.
    Jenkins,
}
