//! `flota ci`

use clap::{Args, ValueEnum};

use super::ResultFormat;

/// Arguments of `flota ci`.
#[derive(Args, Debug)]
pub struct Ci {
    /// The system to write pipelines for.
    #[arg(value_enum, value_name = "SYSTEM")]
    pub system: CiSystem,
    /// Write nothing: exit 1 unless the files are as they would be written.
    #[arg(long, conflicts_with = "force")]
    pub check: bool,
    /// Write over files that flota did not write.
    #[arg(long)]
    pub force: bool,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}

/// The systems that there are pipelines for.
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
    /// Its word on the command line, which its templates go by.
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
