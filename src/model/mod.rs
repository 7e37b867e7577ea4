//! Floor 1: pure data and rules, no IO.

pub mod bump;
pub mod cache;
pub mod change;
pub mod commits;
pub mod error;
pub mod event;
pub mod exit;
pub mod explanation;
pub mod fleet;
pub mod foreach;
pub mod identity;
pub mod leg;
pub mod name;
pub mod plan;
pub mod range;
pub mod record;
pub mod reference;
pub mod report;
pub mod resolve;
pub mod rules;
pub mod settings;
pub mod status;
pub mod step_id;
pub mod success;
pub mod sync;
pub mod template;
