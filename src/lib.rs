//! flota
pub mod container;
pub mod model;
pub mod registry;
/// run
pub fn run(_args: std::env::ArgsOs) -> model::exit::Exit {
    model::exit::Exit::Done
}
