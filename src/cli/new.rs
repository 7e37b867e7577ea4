//! `flota new`

use clap::{Args, ValueEnum};

use super::shared::ResultFormat;

/// Arguments of `flota new`.
#[derive(Args, Debug)]
pub struct New {
    /// The name of the service: a DNS label, which Git, OCI, Kubernetes and Helm accept too.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// The template: a name that `flota templates` lists, a directory, or URL[@REV].
    #[arg(short, long, value_name = "TEMPLATE")]
    pub template: Option<String>,
    /// An answer to a question of the template; can be given several times.
    #[arg(long = "answer", value_name = "NAME=VALUE")]
    pub answers: Vec<String>,
    /// Use the template's defaults without asking.
    #[arg(long)]
    pub defaults: bool,
    /// The remote of the service: an empty repository, or a directory to create one in [default: next to the fleet's remote].
    #[arg(long, value_name = "URL", conflicts_with = "create")]
    pub remote: Option<String>,
    /// Create the remote with the forge's own program (gh, glab, az): a private repository next to the fleet's.
    #[arg(long, value_enum, value_name = "FORGE")]
    pub create: Option<Forge>,
    /// The branch for daily work, besides main.
    #[arg(long, value_name = "BRANCH", default_value = "development")]
    pub branch: String,
    /// Commit the submodule in the fleet instead of only staging it.
    #[arg(long)]
    pub commit: bool,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}

/// Whose program creates a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Forge {
    /// gh repo create
    Github,
    /// glab repo create
    Gitlab,
    /// az repos create
    Azure,
}
