//! `flota graph`

use clap::{Args, ValueEnum};

use super::shared::Ends;

/// Arguments of `flota graph`.
#[derive(Args, Debug)]
pub struct Graph {
    /// Also show what this range calls for. A..B compares these two commits, A...B compares their merge base with B; a missing side is HEAD.
    #[arg(value_name = "RANGE", conflicts_with = "base")]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Fetch nothing, and name what is missing.
    #[arg(long)]
    pub offline: bool,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: GraphFormat,
}

/// Formats of `flota graph`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// A table of the services that need others, or are touched.
    Human,
    /// A flowchart for Mermaid, which GitHub and GitLab draw in Markdown.
    Mermaid,
    /// A digraph for Graphviz.
    Dot,
    /// `flota.graph/v1`.
    Json,
}
