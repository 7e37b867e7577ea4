//! Why a service is built, or is not.

use bstr::BString;

use super::{
    change::{Base, End, ServiceChange},
    rules::Rule,
    settings::GateSubject,
};

/// The answer for one service.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The older end.
    pub base: Base,
    /// The newer end.
    pub head: End,
    /// What was asked about, by path, name or glob.
    pub asked: BString,
    /// What happened to it; none when its pin is the same at both ends.
    pub service: Option<ServiceChange>,
    /// The rule that decided.
    pub rule: Rule,
    /// The gates that judge what is built for it: each runs, unless a result holds for the same content.
    pub gates: Vec<(String, GateSubject)>,
    /// What shows the same without flota, to be run at the fleet's root.
    pub commands: Vec<ShownCommand>,
}

/// A command line, quoted for a POSIX shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCommand {
    /// What it shows.
    pub shows: &'static str,
    /// The line.
    pub line: String,
}
