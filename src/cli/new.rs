//! `flota new`

use clap::{Args, ValueEnum};

use super::ResultFormat;

/// Arguments of `flota new`.
#[derive(Args, Debug)]
pub struct New {
    /// The service's name: a DNS label, so that it is one for Git, OCI, Kubernetes and Helm too.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// What to start from: a name of `flota templates`, a folder, or URL[@REV].
    #[arg(short, long, value_name = "TEMPLATE")]
    pub template: Option<String>,
    /// An answer to a question of the template; may be given again.
    #[arg(long = "answer", value_name = "NAME=VALUE")]
    pub answers: Vec<String>,
    /// Take the template's defaults without asking.
    #[arg(long)]
    pub defaults: bool,
    /// The service's repository: an empty one, or a folder to make one in [default: beside the fleet's].
    #[arg(long, value_name = "URL", conflicts_with = "create")]
    pub remote: Option<String>,
    /// Have the forge's own program (gh, glab, az) make the repository, private, beside the fleet's.
    #[arg(long, value_enum, value_name = "FORGE")]
    pub create: Option<Forge>,
    /// The branch that work goes to, beside main.
    #[arg(long, value_name = "BRANCH", default_value = "development")]
    pub branch: String,
    /// Commit the link in the fleet instead of staging it.
    #[arg(long)]
    pub commit: bool,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}

/// Whose program makes a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Forge {
    /// gh repo create
    Github,
    /// glab repo create
    Gitlab,
    /// az repos create
    Azure,
}
