//! "Did you mean": the known name that is nearest to what somebody wrote.

/// What is much longer than every name is near none, and costs too much to compare.
const LONGEST: usize = 40;

/// The one of `known` that is nearest to `written`, if it is near: at most one slip in three letters. Of several equally near
/// ones the first by the alphabet.
pub fn nearest<S: AsRef<str> + Ord>(
    written: &str,
    known: impl IntoIterator<Item = S>,
) -> Option<S> {
    if written.len() > LONGEST {
        return None;
    }
    let distances = known.into_iter().map(|known| {
        let distance = strsim::damerau_levenshtein(written, known.as_ref());
        (distance, known)
    });
    let (distance, known) = distances.min()?;
    let longer = written.chars().count().max(known.as_ref().chars().count());
    (distance * 3 <= longer).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_one_slip_in_three_letters() {
        let known = ["checkout", "color", "web"];
        for (written, expected) in [
            ("chekcout", Some("checkout")),
            ("chckot", Some("checkout")),
            ("colour", Some("color")),
            ("wbe", Some("web")),
            ("wwebb", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
        assert_eq!(nearest("ac", ["abc", "aac"]), Some("aac"));
        assert_eq!(nearest("web", Vec::<String>::new()), None);
        let long = "w".repeat(LONGEST + 1);
        assert_eq!(nearest(&long, [&long]), None);
    }
}
