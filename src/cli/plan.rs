//! `flota plan`

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};

use super::shared::{COMPARED, Ends, Reading};

/// Arguments of `flota plan`.
#[derive(Args, Debug)]
pub struct Plan {
    /// A..B compares these two commits, A...B compares their merge base with B; a missing side is HEAD.
    #[arg(value_name = "RANGE", conflicts_with_all = ["base", "all"])]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Plan every service at HEAD, changed or not.
    #[arg(long, conflicts_with = "base", help_heading = COMPARED)]
    pub all: bool,
    /// Shared with changed.
    #[command(flatten)]
    pub reading: Reading,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: PlanFormat,
    /// End names with NUL and do not escape them (with --format names).
    #[arg(short = 'z')]
    pub null: bool,
    /// At most N jobs of a CI system; if there are more services than that, they share jobs [default: one job per service].
    #[arg(long, value_name = "N")]
    pub legs: Option<NonZeroUsize>,
}

/// Formats of `flota plan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// A table.
    Human,
    /// `flota.plan/v1`.
    Json,
    /// The names of the services to build, one per line.
    Names,
    /// A matrix, written to the file in GITHUB_OUTPUT if that is set (and the table is printed).
    Github,
    /// A matrix, as logging commands.
    Azure,
    /// A child pipeline.
    Gitlab,
    /// Steps for buildkite-agent pipeline upload --no-interpolation.
    Buildkite,
    /// JSON for the parallel step of a scripted pipeline.
    Jenkins,
    /// JSON for docker buildx bake: the images, from the pinned commits at their servers.
    Bake,
}
