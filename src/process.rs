//! The one place that starts children: git, docker, helm, a user's own command.
//!
//! A child gets no shell, no terminal it was not promised, and none of the variables that point at a repository. It may
//! print without end, ignore SIGTERM or leave daemons behind: memory stays bounded, and when its time is up, or flota is
//! interrupted or killed, its whole tree is stopped.

mod capture;
mod command;
mod filter;
mod lookup;
mod mask;
mod members;
mod output;
mod pump;
mod supervise;
#[cfg(test)]
mod tests;
mod times;
mod trace;
mod tree;
mod variables;
pub mod watchdog;

pub use command::Command;
pub use lookup::{find, find_all};
pub use mask::{mask_secret, masked};
pub use output::Output;
pub use supervise::wants_terminal;
pub use tree::kill_all;
pub use variables::settle_environment;
