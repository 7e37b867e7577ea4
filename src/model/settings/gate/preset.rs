//! Gates that are known by a name: each is an argument vector, and what its program's statuses mean.

use super::{finding::Finding, subject::GateSubject};

/// A gate that flota knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Vulnerabilities and secrets in an image.
    Trivy,
    /// Vulnerabilities in an image.
    Grype,
    /// A list of what is in an image, in the form of SPDX.
    Syft,
    /// Helm's own look at a chart.
    HelmLint,
    /// What a chart renders to, held against the schemas of Kubernetes.
    Kubeconform,
}

impl Preset {
    /// The words of `preset`.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("trivy", Self::Trivy),
        ("grype", Self::Grype),
        ("syft", Self::Syft),
        ("helm-lint", Self::HelmLint),
        ("kubeconform", Self::Kubeconform),
    ];

    /// What it judges.
    pub fn per(self) -> GateSubject {
        match self {
            Self::Trivy | Self::Grype | Self::Syft => GateSubject::Image,
            Self::HelmLint | Self::Kubeconform => GateSubject::Chart,
        }
    }

    /// The program and its arguments.
    pub fn run(self) -> &'static [&'static str] {
        match self {
            // Of two that run at a time one could not open the cache of layers: it is kept in memory. Whatever else fails ends with 1.
            Self::Trivy => &[
                "trivy",
                "image",
                "--exit-code",
                "10",
                "--severity",
                "CRITICAL",
                "--cache-backend",
                "memory",
                "--no-progress",
                "--input",
                "{archive}",
            ],
            Self::Grype => &[
                "grype",
                "docker-archive:{archive}",
                "--fail-on",
                "critical",
                "--quiet",
            ],
            Self::Syft => &[
                "syft",
                "scan",
                "docker-archive:{archive}",
                "--output",
                "spdx-json={output}",
                "--quiet",
            ],
            Self::HelmLint => &["helm", "lint", "{chart}"],
            Self::Kubeconform => &[
                "kubeconform",
                "-strict",
                "-ignore-missing-schemas",
                "-summary",
                "{manifests}",
            ],
        }
    }

    /// What tells that it found something.
    pub fn finding(self) -> Finding {
        let (statuses, words) = match self {
            // As --exit-code says.
            Self::Trivy => (vec![10], None),
            // grype: cmd/grype/cli/cli.go, the exit code of ErrAboveSeverityThreshold.
            Self::Grype => (vec![2], None),
            // It judges nothing.
            Self::Syft => (Vec::new(), None),
            // One status for what is wrong with the chart and for what is wrong with the program; only the former has these words.
            Self::HelmLint => (vec![1], Some("chart(s) failed")),
            Self::Kubeconform => (vec![1], Some(" is invalid: ")),
        };
        Finding {
            statuses: Some(statuses),
            words,
        }
    }
}
