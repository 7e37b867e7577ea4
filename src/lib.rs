//! flota
pub mod container;
pub mod interrupt;
pub mod model;
pub mod process;
/// run
pub fn run(_args: std::env::ArgsOs) -> model::exit::Exit {
    model::exit::Exit::Done
}
