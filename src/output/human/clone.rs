//! `flota clone`

use std::path::Path;

use super::words::counts;
use crate::{model::sync::Synced, output::text};

/// `flota clone`
pub(crate) fn cloned(directory: &Path, synced: &[Synced]) -> String {
    let directory = text::line(&directory.to_string_lossy());
    format!(
        "Cloned into {directory}: {}\n",
        counts(synced.iter().map(|one| one.outcome.name()))
    )
}
