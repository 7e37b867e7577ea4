//! Names of gates.

use super::text::{only, refuse};
use crate::model::error::Result;

/// A gate's name: a part of the name of a file.
pub fn gate_name(text: &str) -> Result<()> {
    let fits = (1..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && only(text, |byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
        });
    if fits {
        return Ok(());
    }
    refuse(
        "gate",
        text,
        "has a name that no gate can have",
        "use a-z, 0-9 and `-`, at most 63, as in name = \"scan\"",
    )
}

#[cfg(test)]
mod tests {
    use super::{super::text::check, *};

    #[test]
    fn gate_names() {
        let (most, more) = ("a".repeat(63), "a".repeat(64));
        check(
            gate_name,
            &["scan", "helm-lint", "2nd", &most],
            &["", "-x", "Scan", "a b", "a/b", "a.b", "..", "é", &more],
        );
    }
}
