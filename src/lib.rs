//! flota
pub mod chart;
pub mod container;
pub mod model;
/// run
pub fn run(_args: std::env::ArgsOs) -> model::exit::Exit {
    model::exit::Exit::Done
}
