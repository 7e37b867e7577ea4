//! `flota changed`: what changed inside the services between two commits. Many commands ask the same question, so the answer
//! is in the floor below.

pub(crate) use crate::fleet::changed::{ChangedOptions, changed};
