//! A pack that a server sends, without the checksum at its end.

#![no_main]

use flota::git::network::clone::properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|objects: &[u8]| {
    properties::pack(objects);
});
