//! The documents that one run writes and another reads: `flota.plan/v1`, `flota.build/v1`, `flota.evidence/v1`. Writer and reader share these types,
//! so that what is written can be read. They are views: the model beside them may change without breaking readers.

mod build;
mod bytes;
mod evidence;
mod failure;
mod parts;
mod plan;
mod timing;

pub use build::{BuildV1, BuiltV1};
pub use bytes::encode;
pub use evidence::{EvidenceV1, GateV1};
pub use failure::FailureV1;
pub use parts::{BaseV1, EndV1, ExceptionV1, Hex, PathV1, StepV1, UnreadV1, WarningV1, exceptions};
pub use plan::PlanV1;
pub use timing::{PhaseV1, TimingV1};

#[cfg(test)]
mod tests;
