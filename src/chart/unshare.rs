//! Aliases of what an edit changes: each gets the value that it had, so that the edit stays where it was made.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    request::YAML_LIMIT,
    tokens::occurrences,
    yaml::{Kind, NewValue, Node, NodeTag, YamlFault, edit::Editor},
};

/// The values that anchors had before the edit, by the anchors' numbers.
pub(super) struct Anchors(BTreeMap<usize, Node>);

impl Anchors {
    /// Of a document that nobody has edited.
    pub(super) fn of(root: Option<&Node>) -> Self {
        let mut anchors = BTreeMap::new();
        if let Some(root) = root {
            root.walk(&mut |node| {
                if node.anchor != 0 {
                    anchors.insert(node.anchor, node.clone());
                }
            });
        }
        Self(anchors)
    }

    /// Writes the old value wherever an alias refers to something that was edited. The lines of those aliases that stood for a
    /// whole mapping.
    ///
    /// # Errors
    /// An old value that cannot be written there: with a tag or a token, or larger than any chart's values.
    pub(super) fn unshare(
        &self,
        editor: &mut Editor<'_>,
        root: &mut Node,
    ) -> Result<Vec<usize>, YamlFault> {
        let mut edited = BTreeSet::new();
        root.walk(&mut |node| {
            if node.anchor != 0 && is_edited(node) {
                edited.insert(node.anchor);
            }
        });
        if edited.is_empty() {
            return Ok(Vec::new());
        }
        let mut mappings = Vec::new();
        let mut room = YAML_LIMIT;
        root.walk_aliases_mut(&mut |alias| {
            let Kind::Alias(anchor) = alias.kind else {
                return Ok(());
            };
            let Some(old) = self.0.get(&anchor).filter(|_| edited.contains(&anchor)) else {
                return Ok(());
            };
            if matches!(old.kind, Kind::Mapping { .. }) {
                mappings.push(alias.line);
            }
            let new = self.copy(editor, old, &edited, &mut room).map_err(|what| {
                alias.fault(format!("the value of this alias is edited where its anchor is, and {what}; write it in full here"))
            })?;
            editor.replace_alias(alias, new);
            Ok(())
        })?;
        Ok(mappings)
    }

    /// The old value, in one line.
    fn copy(
        &self,
        editor: &Editor<'_>,
        old: &Node,
        edited: &BTreeSet<usize>,
        room: &mut usize,
    ) -> Result<NewValue, &'static str> {
        if old.tag == Some(NodeTag::Other) {
            return Err("has a tag");
        }
        let new = match &old.kind {
            Kind::Alias(anchor) if edited.contains(anchor) => {
                let target = self.0.get(anchor).ok_or("has no value")?;
                self.copy(editor, target, edited, room)?
            }
            Kind::Alias(_) => NewValue {
                raw: editor.raw(old).to_owned(),
                kind: old.kind.clone(),
            },
            Kind::Scalar { .. } if occurrences(editor.raw(old)).next().is_some() => {
                return Err("has a token");
            }
            Kind::Scalar { text, .. } => match old.string() {
                Some(text) => NewValue::string(text),
                None if old.is_null() => NewValue::plain("null"),
                None => NewValue::plain(text),
            },
            Kind::Sequence(items) => {
                let mut copies = Vec::new();
                for item in items {
                    copies.push(self.copy(editor, item, edited, room)?);
                }
                NewValue::flow_sequence(copies)
            }
            Kind::Mapping { entries, .. } => {
                let mut copies = Vec::new();
                for (key, value) in entries {
                    let key = match (&key.kind, key.string()) {
                        (_, Some(text)) => NewValue::key(text),
                        (Kind::Scalar { .. }, None) => self.copy(editor, key, edited, room)?,
                        _ => return Err("has a key that is no scalar"),
                    };
                    copies.push((key, self.copy(editor, value, edited, room)?));
                }
                NewValue::flow_pairs(copies)
            }
        };
        *room = room.checked_sub(new.raw.len()).ok_or("is too large")?;
        Ok(new)
    }
}

fn is_edited(node: &Node) -> bool {
    let mut edited = false;
    node.walk(&mut |node| edited |= node.edited);
    edited
}
