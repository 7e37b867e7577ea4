//! The beginning and the end of a text that may be very long.

/// What is kept of a text: all of it, or its two ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// How it begins; all of it where nothing is left out.
    pub first: Vec<u8>,
    /// How many bytes between the two are left out.
    pub left_out: u64,
    /// How it ends; empty where nothing is left out.
    pub last: Vec<u8>,
}
