//! A `.gitmodules`, and, behind a NUL and each on a line, the symbolic links beside it.

#![no_main]

use bstr::ByteSlice;
use flota::git::{gitmodules, vet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (text, symlinks) = input.split_once_str("\0").unwrap_or((input, b""));
    gitmodules::properties::reading(text);
    let symlinks: Vec<_> = symlinks.lines().map(Into::into).collect();
    vet::properties::listing(text, &symlinks);
});
