//! YAML as a tree whose scalars know their bytes, so that a file can be edited without being rewritten.
//!
//! A parsed document is one [`Node`] tree. [`edit::Editor`] collects byte-range replacements while the tree is changed
//! in step, and in the end reads the new text again: it has to give the very tree that was meant.

mod compare;
pub(super) mod edit;
mod new_value;
mod node;
mod parse;
pub(super) mod scalar;

pub(super) use new_value::NewValue;
pub(super) use node::{Kind, Node, NodeTag, YamlDocument, YamlFault};
pub(super) use parse::parse;
