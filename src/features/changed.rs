//! `flota changed`: what changed inside the services between two commits. Half of the commands ask the same, so that the answer
//! is the floor's below.

pub(crate) use crate::fleet::changed::{ChangedOptions, changed};
