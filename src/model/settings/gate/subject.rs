//! What gates judge.

use serde::{Deserialize, Serialize};

/// What a gate judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateSubject {
    /// An image.
    Image,
    /// A packaged chart.
    Chart,
}

impl GateSubject {
    /// The words of `per`.
    pub const NAMES: [(&'static str, Self); 2] = [("image", Self::Image), ("chart", Self::Chart)];

    /// With its article.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Image => "an image",
            Self::Chart => "a chart",
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Chart => "chart",
        }
    }
}
