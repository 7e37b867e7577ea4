//! The `flota` program: everything is in the library, which returns the exit code.

fn main() -> std::process::ExitCode {
    flota::run(std::env::args_os()).into()
}
