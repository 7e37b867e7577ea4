//! `flota worktree`

use std::path::Path;

use super::{
    table::table,
    words::{counts, short},
};
use crate::{
    model::{
        sync::Synced,
        worktree::{FleetWorktree, Removal},
    },
    output::text,
};

/// `flota worktree add`
pub(crate) fn worktree_added(directory: &Path, synced: &[Synced]) -> String {
    let counts = counts(synced.iter().map(|one| one.outcome.name()));
    format!("Added the worktree {}: {counts}\n", shown(directory))
}

/// `flota worktree list`
pub(crate) fn worktrees(worktrees: &[FleetWorktree]) -> String {
    let row = |one: &FleetWorktree| {
        let branch = match (&one.branch, one.head) {
            (Some(branch), _) => text::name(branch.as_ref()),
            (None, Some(_)) => "detached".to_owned(),
            (None, None) => String::new(),
        };
        let services = one.services.map(|(here, all)| format!("{here} of {all}"));
        vec![
            shown(&one.directory),
            one.kind.name().to_owned(),
            branch,
            one.head.map_or_else(String::new, short),
            services.unwrap_or_default(),
        ]
    };
    let header = ["DIRECTORY", "KIND", "BRANCH", "COMMIT", "SERVICES"];
    table(&header, worktrees.iter().map(row))
}

/// `flota worktree remove`
pub(crate) fn worktree_removed(removal: &Removal) -> String {
    let directory = shown(&removal.directory);
    match removal.obstacles.is_empty() {
        true => format!("Removed the worktree {directory}\n"),
        false => format!("Left the worktree {directory} as it is: work would be lost\n"),
    }
}

fn shown(directory: &Path) -> String {
    text::line(&directory.to_string_lossy())
}
