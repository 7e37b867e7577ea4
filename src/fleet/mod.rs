//! What several commands share: which commits are compared, what changed between them, which services are meant. It returns values
//! and emits events, as the features above it do, and knows none of them.

pub mod changed;
pub mod range;
pub mod select;
