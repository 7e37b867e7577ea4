//! The result of reading one submodule.

use crate::{
    fleet::changed::fetched::FetchRequest,
    model::change::{ServiceChange, Unread, Warning},
};

/// What came of looking into one submodule.
pub(super) enum ReadSubmodule {
    /// It could be read.
    Read(Box<ServiceChange>, Vec<Warning>),
    /// The commit it should be at cannot be fetched.
    Unread(Unread),
    /// It has to be fetched first.
    Lacking(FetchRequest),
}
