//! URLs of submodules that follow what `.gitmodules` lists.

use bstr::BString;

use super::{error::Error, exit::Exit};

/// A submodule whose clone, or whose configuration in the fleet, has another URL than `.gitmodules`.
#[derive(Debug)]
pub struct Relocation {
    /// Where it sits, from the fleet's root.
    pub path: BString,
    /// The URL that it has, without credentials.
    pub from: BString,
    /// The URL that is listed, without credentials.
    pub to: BString,
    /// Why it does not follow.
    pub error: Option<Error>,
}

/// The exit code of a run.
pub fn exit(all: &[Relocation]) -> Exit {
    Exit::worst(all.iter().map(|one| match &one.error {
        Some(error) => error.exit(),
        None => Exit::Done,
    }))
}
