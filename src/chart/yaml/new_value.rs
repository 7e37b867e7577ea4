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

    /// `{key: "text", …}`.
    pub(crate) fn flow_mapping(strings: &[(&str, &str)]) -> Self {
        let entries: Vec<_> = strings
            .iter()
            .map(|(key, text)| format!("{key}: {}", scalar::double_quoted(text)))
            .collect();
        Self {
            raw: format!("{{{}}}", entries.join(", ")),
            kind: mapping(strings, true),
        }
    }

    /// A key with this value, as a mapping has it.
    pub(crate) fn into_entry((key, new): (&str, Self)) -> (Node, Node) {
        (scalar_node(key, ScalarStyle::Plain), node(new.kind))
    }
}

/// A mapping of strings.
pub(super) fn mapping(strings: &[(&str, &str)], flow: bool) -> Kind {
    let entry = |(key, text): &(&str, &str)| {
        (
            scalar_node(key, ScalarStyle::Plain),
            node(NewValue::string(text).kind),
        )
    };
    Kind::Mapping {
        entries: strings.iter().map(entry).collect(),
        flow,
    }
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
