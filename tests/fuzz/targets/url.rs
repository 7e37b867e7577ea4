//! The URL of a submodule; before it, and a NUL, that of the fleet it may be relative to.

#![no_main]

use bstr::ByteSlice;
use flota::git::{network::clone, url::properties};
use libfuzzer_sys::fuzz_target;

const FLEET: &[u8] = b"https://example.com/shop/fleet.git";

fuzz_target!(|input: &[u8]| {
    let (fleet, url) = input.split_once_str("\0").unwrap_or((FLEET, input));
    let resolved = properties::relative(fleet.as_bstr(), url.as_bstr());
    for url in resolved.iter().map(AsRef::as_ref).chain([url.as_bstr()]) {
        if let Some("http" | "https") = properties::address(url) {
            clone::properties::server(url);
        }
    }
});
