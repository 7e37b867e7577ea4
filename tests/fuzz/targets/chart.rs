//! A `Chart.yaml`, or a `values.yaml`.

#![no_main]

use flota::chart::properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    properties::metadata(source);
    properties::values(source);
});
