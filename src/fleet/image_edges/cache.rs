//! Which images the Dockerfiles at pins name, kept for later runs: they follow from the pin and the settings alone, so that
//! nothing here ever expires.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use gix::ObjectId;

use crate::{
    fleet::fact_file::{FactFile, IMAGES},
    git::repository::Repository,
    model::{digest, settings::ImageSettings},
};

/// Raised when other references are found in the same text.
const SCHEMA: u32 = 1;

/// From here on, what this run did not ask for is dropped.
const LIMIT: usize = 20_000;

/// The references by a hash over all that they follow from; read once a run and written with the first new fact.
pub(super) struct ReferenceCache {
    file: FactFile<Vec<String>>,
    new: Mutex<BTreeMap<String, Vec<String>>>,
}

impl ReferenceCache {
    pub(super) fn open(fleet: &Repository) -> Self {
        Self {
            file: FactFile::open(fleet, IMAGES),
            new: Mutex::default(),
        }
    }

    pub(super) fn find(&self, key: &str) -> Option<&Vec<String>> {
        self.file.facts.get(key)
    }

    pub(super) fn keep(&self, key: String, references: Vec<String>) {
        if let Ok(mut new) = self.new.lock() {
            new.insert(key, references);
        }
    }

    /// Writes what is new of `fleet`.
    pub(super) fn write(&mut self, fleet: &Repository, asked: &BTreeSet<String>) {
        let new = self.new.get_mut().map(std::mem::take).unwrap_or_default();
        if new.is_empty() {
            return;
        }
        let facts = &mut self.file.facts;
        if facts.len() + new.len() > LIMIT {
            facts.retain(|key, _| asked.contains(key));
        }
        facts.extend(new);
        self.file.write(fleet);
    }
}

/// What the references in a Dockerfile follow from: a pin, and a key of settings.
pub(super) fn key(pin: ObjectId, settings: &str) -> String {
    format!("{pin}-{settings}")
}

/// What they follow from beside the pin.
pub(super) fn settings_key(image: &ImageSettings) -> String {
    let mut fields = vec![
        format!("schema {SCHEMA}"),
        format!("dockerfile {}", image.dockerfile.display()),
        format!("target {}", image.target.as_deref().unwrap_or_default()),
        format!("platform {}", image.platforms.join(",")),
    ];
    let args = image.build_args.iter();
    fields.extend(args.map(|(name, value)| format!("arg {name}={value}")));
    digest::of_fields(fields, 16)
}
