//! `flota ci`

use clap::{Args, ValueEnum};

use super::shared::ResultFormat;

/// Arguments of `flota ci`.
#[derive(Args, Debug)]
pub struct Ci {
    /// The CI system.
    #[arg(value_enum, value_name = "SYSTEM")]
    pub system: CiSystem,
    /// Write nothing, and exit with 1 if a file is not up to date.
    #[arg(long, conflicts_with = "force")]
    pub check: bool,
    /// Overwrite files that flota did not write.
    #[arg(long)]
    pub force: bool,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}

/// The CI systems for which flota writes pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CiSystem {
    /// GitHub Actions: .github/workflows/flota.yml.
    Github,
    /// Azure Pipelines: azure-pipelines.yml.
    Azure,
    /// GitLab CI/CD: .gitlab-ci.yml and .gitlab/flota.yml.
    Gitlab,
    /// Buildkite: .buildkite/.
    Buildkite,
    /// Jenkins: Jenkinsfile.
    Jenkins,
}

impl CiSystem {
    /// Its name on the command line, which is that of its templates too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Azure => "azure",
            Self::Gitlab => "gitlab",
            Self::Buildkite => "buildkite",
            Self::Jenkins => "jenkins",
        }
    }
}
