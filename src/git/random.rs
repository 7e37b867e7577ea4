//! Hostile texts for tests: assembled at random from pieces.

use bstr::BString;

/// Texts of 1 to `most` of the `pieces` each, without end, and the same in every run.
pub(super) fn texts<'a>(pieces: &'a [&'a [u8]], most: usize) -> impl Iterator<Item = BString> + 'a {
    seeded(0x5eed, pieces, most)
}

/// The same, others for each `seed`.
pub(super) fn seeded<'a>(
    seed: u64,
    pieces: &'a [&'a [u8]],
    most: usize,
) -> impl Iterator<Item = BString> + 'a {
    let mut state = seed;
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
