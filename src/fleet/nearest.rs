//! "Did you mean": what a mistyped word was most likely meant to be.

/// The one of `known` that `word` differs from least, if that is little enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let by_distance = known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(known, word), known));
    let (distance, nearest) = by_distance.min_by_key(|(distance, _)| *distance)?;
    let is_slip = distance <= 2.max(nearest.len() / 3);
    is_slip.then_some(nearest)
}
