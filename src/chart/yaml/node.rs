//! The tree of a YAML file, and errors at a place in it.

use std::{fmt, ops::Range};

use granit_parser::{Marker, ScalarStyle, ScanError};

use super::scalar;

/// Something wrong at one place of a YAML file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YamlFault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub what: String,
}

impl YamlFault {
    pub(super) fn at(mark: Marker, what: impl Into<String>) -> Self {
        Self {
            line: mark.line(),
            column: mark.col() + 1,
            what: what.into(),
        }
    }
}

impl fmt::Display for YamlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what)
    }
}

impl From<ScanError> for YamlFault {
    fn from(error: ScanError) -> Self {
        Self::at(*error.marker(), error.info())
    }
}

/// A node with its place in the source.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its bytes. Of a block scalar the content only; of a block collection only the start counts.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The number of its anchor; 0 without one.
    pub anchor: usize,
    /// Its explicit tag.
    pub tag: Option<NodeTag>,
    /// Whether an edit has set it already.
    pub edited: bool,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A scalar: its text after unescaping and folding.
    Scalar {
        /// The text; empty for a plain scalar that is not there at all (`key:`).
        text: String,
        /// How it is written.
        style: ScalarStyle,
        /// The indentation of a block scalar's content, in spaces.
        indent: usize,
    },
    /// `*name`, by the number of the anchor.
    Alias(usize),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the file's order.
    Mapping {
        /// Keys and values.
        entries: Vec<(Node, Node)>,
        /// `{…}` rather than lines.
        flow: bool,
    },
}

/// An explicit tag, as far as editing cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeTag {
    /// `!!str`, or `!`, which forces a scalar to be a string just as well.
    Str,
    /// Any other.
    Other,
}

impl Node {
    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that is a string whatever YAML version reads it.
    pub(crate) fn string(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, style, .. } => {
                let string = *style != ScalarStyle::Plain
                    || self.tag == Some(NodeTag::Str)
                    || scalar::is_string(text);
                string.then_some(text)
            }
            _ => None,
        }
    }

    /// Whether it is null: nothing at all, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        let plain = matches!(
            self.kind,
            Kind::Scalar {
                style: ScalarStyle::Plain,
                ..
            }
        );
        plain
            && self.tag.is_none()
            && matches!(self.text(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// The entries of a mapping; none for anything else.
    pub(crate) fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            Kind::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    /// The value of a mapping's key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(k, _)| k.text() == Some(key))
            .map(|(_, value)| value)
    }

    /// A mapping's key and its value, for editing.
    pub(crate) fn entry_mut(&mut self, key: &str) -> Option<(&Node, &mut Node)> {
        let Kind::Mapping { entries, .. } = &mut self.kind else {
            return None;
        };
        let (key, value) = entries.iter_mut().find(|(k, _)| k.text() == Some(key))?;
        Some((key, value))
    }

    /// The fault of this node.
    pub(crate) fn fault(&self, what: impl Into<String>) -> YamlFault {
        YamlFault {
            line: self.line,
            column: self.column,
            what: what.into(),
        }
    }

    /// Calls `visit` with this node and everything below it, keys too, in the file's order.
    pub(crate) fn walk<'n>(&'n self, visit: &mut impl FnMut(&'n Node)) {
        visit(self);
        match &self.kind {
            Kind::Sequence(items) => items.iter().for_each(|item| item.walk(visit)),
            Kind::Mapping { entries, .. } => entries.iter().for_each(|(key, value)| {
                key.walk(visit);
                value.walk(visit);
            }),
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }

    /// Like [`Node::walk`] for scalars only, and they may be changed.
    pub(crate) fn walk_scalars_mut(
        &mut self,
        visit: &mut impl FnMut(&mut Node) -> Result<(), YamlFault>,
    ) -> Result<(), YamlFault> {
        match &mut self.kind {
            Kind::Scalar { .. } => visit(self),
            Kind::Alias(_) => Ok(()),
            Kind::Sequence(items) => items
                .iter_mut()
                .try_for_each(|item| item.walk_scalars_mut(visit)),
            Kind::Mapping { entries, .. } => entries.iter_mut().try_for_each(|(key, value)| {
                key.walk_scalars_mut(visit)?;
                value.walk_scalars_mut(visit)
            }),
        }
    }

    /// Calls `visit` with every alias that is a value, in the file's order; it may be changed.
    pub(crate) fn walk_aliases_mut(
        &mut self,
        visit: &mut impl FnMut(&mut Node) -> Result<(), YamlFault>,
    ) -> Result<(), YamlFault> {
        match &mut self.kind {
            Kind::Alias(_) => visit(self),
            Kind::Scalar { .. } => Ok(()),
            Kind::Sequence(items) => items
                .iter_mut()
                .try_for_each(|item| item.walk_aliases_mut(visit)),
            Kind::Mapping { entries, .. } => entries
                .iter_mut()
                .try_for_each(|(_, value)| value.walk_aliases_mut(visit)),
        }
    }
}

/// A file's one document.
#[derive(Clone, Debug)]
pub(crate) struct YamlDocument {
    /// The tree; none when the file has nothing but comments.
    pub root: Option<Node>,
    /// Where the document ends in the source: before `...`, else at the end of the file.
    pub end: usize,
}
