//! `flota update`

use super::{
    table::table,
    words::{counts, short},
};
use crate::{
    model::{
        leftover::Pruned,
        sync::{Followed, Move, SyncOutcome, Synced},
    },
    output::{service_names::ServiceNames, text},
};

/// `flota update`: what is not as it was, then the numbers.
pub(crate) fn updated(synced: &[Synced], pruned: Option<&[Pruned]>) -> String {
    let removed = pruned.map_or_else(String::new, removed);
    // Where nothing was to be updated, there is nothing to say of it.
    if synced.is_empty() && pruned.is_some() {
        return removed;
    }
    let separator = if removed.is_empty() { "" } else { "\n" };
    brought(synced) + separator + &removed
}

/// `--prune`
fn removed(pruned: &[Pruned]) -> String {
    if pruned.is_empty() {
        return "Nothing is left of services that are not in the fleet.\n".to_owned();
    }
    let rows = pruned
        .iter()
        .map(|one| vec![text::name(one.path.as_ref()), one.outcome().to_owned()]);
    table(&["NOT IN THE FLEET", "RESULT"], rows)
}

fn brought(synced: &[Synced]) -> String {
    let names = ServiceNames::of(synced.iter().map(|synced| &synced.path));
    let rows = synced
        .iter()
        .filter(|synced| !matches!(synced.outcome, SyncOutcome::Current))
        .map(|synced| {
            let pin = synced.pin.map_or("in conflict".to_owned(), short);
            let pin = match &synced.outcome {
                SyncOutcome::Moved { from } => format!("{} → {pin}", short(*from)),
                // HEAD has more than the pin.
                SyncOutcome::Rebased { from, to } | SyncOutcome::Merged { from, to } => {
                    format!("{} → {}", short(*from), short(*to))
                }
                _ => pin,
            };
            let result = text::line(synced.outcome.name());
            vec![names.at(&synced.path), pin, result]
        });
    let rows: Vec<_> = rows.collect();
    let table = match rows.is_empty() {
        true => String::new(),
        false => table(&["SERVICE", "PIN", "RESULT"], rows) + "\n",
    };
    format!(
        "{table}{}\n",
        counts(synced.iter().map(|one| one.outcome.name()))
    )
}

/// `flota update --remote`: the pins that move, and what they bring; then the numbers.
pub(crate) fn followed(followed: &Followed) -> String {
    let names = ServiceNames::of(followed.moves.iter().map(|one| &one.path));
    let all_are_known = followed
        .synced
        .iter()
        .all(|one| one.outcome.error().is_none());
    let mut out = match followed.moves.is_empty() {
        true if all_are_known => "The pins are at the tips of their branches.\n".to_owned(),
        true => "No pin moves; not all of them could be looked at.\n".to_owned(),
        false => table(
            &["SERVICE", "PIN", "BRANCH", "COMMITS"],
            followed.moves.iter().map(|one| move_row(one, &names)),
        ),
    };
    if !followed.synced.is_empty() {
        out += &format!(
            "\n{}\n",
            counts(followed.synced.iter().map(|one| one.outcome.name()))
        );
    }
    if let Some(commit) = followed.commit {
        out += &format!("Committed as {}.\n", short(commit));
    }
    out
}

fn move_row(one: &Move, names: &ServiceNames<'_>) -> Vec<String> {
    let branch = one.branch.as_ref();
    let commits = match (&one.gained, &one.lost) {
        (Some(gained), Some(lost)) => match (gained.count, lost.count) {
            (new, 0) => format!("{new} new"),
            (0, gone) => format!("rollback, {gone} gone"),
            (new, gone) => format!("{new} new, {gone} gone"),
        },
        _ => String::new(),
    };
    vec![
        names.at(&one.path),
        format!("{} → {}", short(one.from), short(one.to)),
        branch.map_or_else(String::new, |branch| text::name(branch.as_ref())),
        commits,
    ]
}
