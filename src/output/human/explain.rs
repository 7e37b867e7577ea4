//! `flota explain`

use std::fmt::Write;

use gix::ObjectId;

use super::words::{because, ends, kebab, pins};
use crate::{
    model::{
        change::Part,
        explanation::{Explanation, ShownCommand},
        rules::Rule,
        success::Exceptions,
    },
    output::{text, theme},
};

/// `flota explain`
pub(crate) fn explanation(explanation: &Explanation) -> String {
    let mut out = ends(
        Some(&explanation.base),
        &explanation.head,
        &Exceptions::new(),
    );
    match &explanation.service {
        Some(service) => {
            let rows = [
                ("service", text::name(service.path.as_ref())),
                ("change", kebab(&service.change)),
                ("pin", pins(service)),
                ("code", part(&service.code)),
                ("config", part(&service.config)),
                ("action", kebab(&service.action)),
                ("reason", because(service)),
            ];
            for (label, value) in rows {
                let _ = writeln!(out, "{}  {value}", theme::dim(format!("{label:<7}")));
            }
        }
        None => {
            let _ = writeln!(
                out,
                "{} did not change.",
                text::name(explanation.asked.as_ref())
            );
        }
    }
    if !explanation.gates.is_empty() {
        let gates = explanation.gates.iter();
        let gates: Vec<_> = gates
            .map(|(name, per)| format!("{name} ({})", per.word()))
            .collect();
        let label = theme::dim(format!("{:<7}", "gates"));
        let _ = writeln!(out, "{label}  {}", gates.join(", "));
    }
    let Rule { number, text } = explanation.rule;
    let _ = writeln!(
        out,
        "\nRule {number}: {text}.\n\nThe same by git, at the root of this repository:"
    );
    let mut title = "";
    for ShownCommand { shows, line } in &explanation.commands {
        if *shows != title {
            title = shows;
            let _ = writeln!(out, "  {}", theme::dim(format!("# {shows}")));
        }
        let _ = writeln!(out, "  {}", text::line(line));
    }
    out
}

/// A part's content id at both ends, whole: to be compared with git's.
fn part(part: &Part) -> String {
    let id = |id: Option<ObjectId>| id.map_or("none".to_owned(), |id| id.to_string());
    if part.changed() {
        format!("{} → {}", id(part.from), id(part.to))
    } else {
        format!("{} at both ends", id(part.to))
    }
}
