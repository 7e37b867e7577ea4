//! One stage while its instructions are read: its variables, and the users that it names.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{dockerfile::InstructionPlace, image::Image, paths, shared::Shared, tree::Owner};
use crate::model::error::{Error, Result};

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

/// Numeric `user[:group]`; a user alone is its own group's number, as for Docker.
pub(super) fn owner(text: &str) -> Option<Owner> {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    let number = |text: &str| {
        text.parse()
            .ok()
            .filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
    };
    Some(Owner {
        uid: number(user)?,
        gid: number(group)?,
    })
}

/// A name stands in the image's own `/etc/passwd`, if anywhere.
pub(super) fn unknown_user(place: &InstructionPlace, user: &str) -> Error {
    place
        .needs_engine(format!("`{user}` is a name to be looked up in the image"))
        .hint("or write numbers, as in 65532:65532")
}
