//! The program as its users meet it: arguments in; stdout, stderr and exit code out. One file a command.

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod changed;
mod check;
mod explain;
mod plan;
mod sandbox;
