//! Floor 3: the work of each command. Features return values and emit events; they never print.

pub mod changed;
pub mod ends;
pub mod plan;
