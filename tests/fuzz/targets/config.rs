//! A `flota.toml`: it is read, or a message names the place.

#![no_main]

use flota::{config, model::exit::Exit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if let Err(error) = config::parse(text, "flota.toml") {
        assert_eq!(error.exit(), Exit::Misuse);
        assert!(error.to_string().starts_with("flota.toml:"), "{error}");
    }
});
