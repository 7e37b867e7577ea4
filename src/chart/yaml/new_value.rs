//! Values that an edit inserts: their text and their parsed form.

use granit_parser::ScalarStyle;

use super::{
    node::{Kind, Node},
    scalar,
};

/// A value that an edit brings in.
#[derive(Clone, Debug)]
pub(crate) struct NewValue {
    /// As it is written.
    pub raw: String,
    /// As it reads.
    pub kind: Kind,
}

impl NewValue {
    /// A string in double quotes.
    pub(crate) fn string(text: &str) -> Self {
        Self {
            raw: scalar::double_quoted(text),
            kind: scalar_node(text, ScalarStyle::DoubleQuoted).kind,
        }
    }

    /// A string as a key.
    pub(crate) fn key(text: &str) -> Self {
        Self {
            raw: scalar::key(text),
            kind: key(text).kind,
        }
    }

    /// A plain scalar that is no string, as it is written.
    pub(crate) fn plain(text: &str) -> Self {
        Self {
            raw: text.into(),
            kind: scalar_node(text, ScalarStyle::Plain).kind,
        }
    }

    /// `[item, …]`.
    pub(crate) fn flow_sequence(items: Vec<Self>) -> Self {
        let raw: Vec<_> = items.iter().map(|item| item.raw.as_str()).collect();
        Self {
            raw: format!("[{}]", raw.join(", ")),
            kind: Kind::Sequence(items.into_iter().map(|item| node(item.kind)).collect()),
        }
    }

    /// `{key: value, …}`.
    pub(crate) fn flow_pairs(pairs: Vec<(Self, Self)>) -> Self {
        let raw: Vec<_> = pairs
            .iter()
            .map(|(key, value)| format!("{}: {}", key.raw, value.raw))
            .collect();
        let entry = |(key, value): (Self, Self)| (node(key.kind), node(value.kind));
        Self {
            raw: format!("{{{}}}", raw.join(", ")),
            kind: Kind::Mapping {
                entries: pairs.into_iter().map(entry).collect(),
                flow: true,
            },
        }
    }

    /// `{key: "text", …}`, below the keys of `path`: `{first: {second: {key: "text", …}}}`.
    pub(crate) fn flow_mapping(path: &[&str], strings: &[(&str, &str)]) -> Self {
        let entries: Vec<_> = strings
            .iter()
            .map(|(key, text)| format!("{}: {}", scalar::key(key), scalar::double_quoted(text)))
            .collect();
        let mut raw = format!("{{{}}}", entries.join(", "));
        for key in path.iter().rev() {
            raw = format!("{{{}: {raw}}}", scalar::key(key));
        }
        Self {
            raw,
            kind: nested(path, strings, true),
        }
    }

    /// A key with this value, as a mapping has it.
    pub(crate) fn into_entry((name, new): (&str, Self)) -> (Node, Node) {
        (key(name), node(new.kind))
    }
}

/// A mapping of strings, below the keys of `path`.
pub(super) fn nested(path: &[&str], strings: &[(&str, &str)], flow: bool) -> Kind {
    let entries = match path.split_first() {
        Some((first, rest)) => vec![(key(first), node(nested(rest, strings, flow)))],
        None => strings
            .iter()
            .map(|(name, text)| (key(name), node(NewValue::string(text).kind)))
            .collect(),
    };
    Kind::Mapping { entries, flow }
}

/// A key, plain where that is safe.
fn key(text: &str) -> Node {
    let style = if scalar::is_plain_safe(text) {
        ScalarStyle::Plain
    } else {
        ScalarStyle::DoubleQuoted
    };
    scalar_node(text, style)
}

/// A scalar that an edit makes.
pub(super) fn scalar_node(text: &str, style: ScalarStyle) -> Node {
    node(Kind::Scalar {
        text: text.into(),
        style,
        indent: 0,
    })
}

/// A node that an edit makes: it has no place in the source.
pub(super) fn node(kind: Kind) -> Node {
    Node {
        kind,
        span: 0..0,
        line: 1,
        column: 1,
        anchor: 0,
        tag: None,
        edited: true,
    }
}
