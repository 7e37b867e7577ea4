//! What a build may read without keeping it, and what it attaches to an image.

use std::path::PathBuf;

/// Where a secret of a build comes from: its value stands in no file of the fleet, in no argument and in no image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of flota's environment.
    Env(String),
    /// A file of this machine.
    File(PathBuf),
}

/// `sbom`: an image that lists what is in another one, as BuildKit's protocol for scanners has it
/// (<https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sbom {
    /// BuildKit's own choice.
    Default,
    /// The image of this name.
    By(String),
}

impl Sbom {
    /// The scanner's image, where one is named.
    pub fn generator(&self) -> Option<&str> {
        match self {
            Self::Default => None,
            Self::By(image) => Some(image),
        }
    }
}

/// `provenance` (<https://docs.docker.com/build/metadata/attestations/slsa-provenance/>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// What was built from what, without build arguments.
    Min,
    /// With every step, source file and build argument.
    Max,
}

impl Provenance {
    /// The words of `provenance`.
    pub const NAMES: [(&'static str, Option<Self>); 3] = [
        ("none", None),
        ("min", Some(Self::Min)),
        ("max", Some(Self::Max)),
    ];

    /// BuildKit's word.
    pub fn mode(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}
