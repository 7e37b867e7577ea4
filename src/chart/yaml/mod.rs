//! YAML as a tree whose scalars know their bytes, so that a file can be edited without being rewritten.
//!
//! A parsed document is one [`Node`] tree. [`edit::Editor`] collects byte-range replacements while the tree is changed
//! in step, and at the end parses the new text: the result must be exactly the intended tree.

mod compare;
pub(super) mod edit;
mod new_value;
mod node;
mod parse;
pub(super) mod scalar;

pub(super) use new_value::NewValue;
pub(super) use node::{Kind, Node, NodeTag, YamlDocument, YamlFault};
pub(super) use parse::parse;
