//! One stage while its instructions are read: its variables, and the users that it names.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{dockerfile::InstructionPlace, image::Image, paths, shared::Shared, users::OwnerName};
use crate::model::error::Result;

/// One stage while its instructions are read.
pub(super) struct StageReader<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) index: usize,
    pub(super) image: Image,
    /// What the stage's instructions may refer to: arguments and environment, each as it was set last.
    pub(super) variables: BTreeMap<String, String>,
    pub(super) own_cmd: bool,
}

impl StageReader<'_> {
    /// What all stages share.
    pub(super) fn shared(&self) -> &Shared<'_> {
        self.shared
    }

    /// The stage's number.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// Where relative paths begin: the working directory, below the image's root.
    pub(super) fn workdir(&self) -> PathBuf {
        paths::join(Path::new(""), &self.image.workdir)
    }

    /// `word` with variables replaced and quotes taken off.
    pub(super) fn word(&self, place: &InstructionPlace, word: &str) -> Result<String> {
        let word = self.shared.expander.word(word, &|name| self.variable(name));
        word.map_err(|fault| place.fault(fault))
    }

    /// A here-document with variables replaced.
    pub(super) fn document(&self, place: &InstructionPlace, text: &str) -> Result<String> {
        let text = self
            .shared
            .expander
            .document(text, &|name| self.variable(name));
        text.map_err(|fault| place.fault(fault))
    }

    /// The variable's value, if it has one.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
}

/// Who `text` names.
pub(super) fn owner(place: &InstructionPlace, text: &str) -> Result<OwnerName> {
    OwnerName::parse(text).ok_or_else(|| {
        place
            .misuse(format!("`{text}` is no user"))
            .hint("write `user`, `user:group`, or numbers, as in 65532:65532")
    })
}
