//! flota
pub mod cli;
pub mod ci;
pub mod container;
pub mod git;
pub mod model;
pub mod output;
/// run
pub fn run(_args: std::env::ArgsOs) -> model::exit::Exit {
    model::exit::Exit::Done
}
