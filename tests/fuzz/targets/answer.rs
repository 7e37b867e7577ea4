//! What a server answers, to either of the two questions it is asked.

#![no_main]

use flota::git::network::clone::properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    properties::refs(answer);
    properties::framed_pack(answer);
});
