//! Hostile texts for tests: assembled at random from pieces, and the same in every run.

use bstr::BString;

/// Texts of 1 to `most` of the `pieces` each, without end.
pub(super) fn texts<'a>(pieces: &'a [&'a [u8]], most: usize) -> impl Iterator<Item = BString> + 'a {
    let mut state: u64 = 0x5eed;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    std::iter::repeat_with(move || {
        let count = 1 + random(most);
        let chosen = (0..count).map(|_| pieces[random(pieces.len())]);
        chosen.collect::<Vec<_>>().concat().into()
    })
}
