//! `flota resolve`

use gix::ObjectId;

use super::{table::table, words::short};
use crate::{
    model::{
        commits::Commits,
        resolve::{Conflict, Verdict},
    },
    output::{service_names::ServiceNames, text},
};

/// `flota resolve`: where each pin goes; then, of those that stay open, what each side has alone.
pub(crate) fn conflicts(conflicts: &[Conflict]) -> String {
    if conflicts.is_empty() {
        return "No pin is in conflict.\n".to_owned();
    }
    let names = ServiceNames::of(conflicts.iter().map(|conflict| &conflict.path));
    let mut out = table(
        &["SERVICE", "OURS", "THEIRS", "PIN"],
        conflicts.iter().map(|conflict| row(conflict, &names)),
    );
    for conflict in conflicts {
        if let Verdict::Diverged { ours, theirs, .. } = &conflict.verdict {
            out += &format!("\n{}\n", text::name(conflict.path.as_ref()));
            out += &listed('<', ours);
            out += &listed('>', theirs);
        }
    }
    out
}

fn row(conflict: &Conflict, names: &ServiceNames<'_>) -> Vec<String> {
    let side = |id: Option<ObjectId>| id.map_or("–".to_owned(), short);
    let pin = match conflict.pin() {
        Some(pin) if Some(pin) == conflict.ours => format!("{}, ours", short(pin)),
        Some(pin) => format!("{}, theirs", short(pin)),
        None => "in conflict".to_owned(),
    };
    vec![
        names.at(&conflict.path),
        side(conflict.ours),
        side(conflict.theirs),
        pin,
    ]
}

/// As `git log --left-right --oneline` and `git submodule summary` mark them.
fn listed(mark: char, commits: &Commits) -> String {
    let mut out = String::new();
    for commit in &commits.newest {
        let subject = text::name(commit.subject.as_ref());
        out += &format!("  {mark} {} {subject}\n", short(commit.id));
    }
    match commits.count - commits.newest.len() {
        0 => out,
        more => out + &format!("  {mark} … and {more} more\n"),
    }
}
