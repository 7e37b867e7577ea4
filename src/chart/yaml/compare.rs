//! Whether an edited text parses to the intended tree: by values, whatever the quoting.

use super::node::{Kind, Node, YamlFault};

/// Fails at the first node that does not read as it was meant.
pub(super) fn compare(meant: &Node, read: &Node) -> Result<(), YamlFault> {
    let same = meant.anchor == read.anchor && meant.tag == read.tag;
    match (&meant.kind, &read.kind) {
        (Kind::Scalar { .. }, Kind::Scalar { .. })
            if same
                && meant.text() == read.text()
                && meant.string().is_some() == read.string().is_some() =>
        {
            Ok(())
        }
        (Kind::Alias(anchor), Kind::Alias(other)) if same && anchor == other => Ok(()),
        (Kind::Sequence(items), Kind::Sequence(others)) if same && items.len() == others.len() => {
            let mut pairs = items.iter().zip(others);
            pairs.try_for_each(|(item, other)| compare(item, other))
        }
        (
            Kind::Mapping { entries, .. },
            Kind::Mapping {
                entries: others, ..
            },
        ) if same && entries.len() == others.len() => {
            let mut pairs = entries.iter().zip(others);
            pairs.try_for_each(|((key, value), (other_key, other))| {
                compare(key, other_key)?;
                compare(value, other)
            })
        }
        _ => Err(misread(meant.line, meant.column)),
    }
}

/// The fault of a place that does not read as it was meant.
pub(super) fn misread(line: usize, column: usize) -> YamlFault {
    YamlFault {
        line,
        column,
        what: "an edit would change the meaning here; put this value in double quotes".into(),
    }
}
