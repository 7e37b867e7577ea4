//! Results as tables that a person reads at a glance.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets};
use console::Style;
use gix::ObjectId;

use super::{text, theme};
use crate::model::{
    change::{Action, Base, BaseKind, Direction, End, Reason, ServiceChange, Unread},
    status::Standing,
    success::Exceptions,
};

mod build;
mod bump;
mod cache;
mod changed;
mod ci;
mod explain;
mod foreach;
mod init;
mod new;
mod plan;
mod record;
mod resolve;
mod status;
mod switch;
mod template;
mod templates;
mod update;

pub use build::{build, outcome, status_word};
pub use bump::bumps;
pub use cache::caches;
pub use changed::{changed, names};
pub use ci::pipelines;
pub use explain::explanation;
pub use foreach::{foreach, ran};
pub use init::{after_init, initialised};
pub use new::{after_new, new};
pub use plan::plan;
pub use record::recorded;
pub use resolve::conflicts;
pub use status::status;
pub use switch::switched;
pub use template::{drift, template_updated};
pub use templates::templates;
pub use update::{cloned, followed, updated};

/// Between two columns of a table.
const GAP: u16 = 2;

/// That nothing is there to show means nothing while something could not be read.
fn nothing<'a>(unread: &[Unread], line: &'a str) -> &'a str {
    if unread.is_empty() {
        line
    } else {
        "Nothing that could be read."
    }
}

/// The first line of a comparison: its two ends, and who is compared with something else.
fn ends(base: Option<&Base>, head: &End, exceptions: &Exceptions) -> String {
    let end = |rev: &str, commit: ObjectId| match is_id(rev, commit) {
        true => short(commit),
        false => format!("{} ({})", text::line(rev), short(commit)),
    };
    let head = end(&head.rev, head.commit);
    let Some(base) = base else {
        return format!("All services at {head}\n\n");
    };
    let from = match (base.commit, base.kind) {
        (None, _) => "nothing".to_owned(),
        (Some(commit), BaseKind::MergeBase) => {
            let with = text::line(&base.rev);
            format!("{}, the merge base with {with},", short(commit))
        }
        (Some(commit), BaseKind::Approximate) => {
            format!("{}, the nearest commit still known,", short(commit))
        }
        (Some(commit), BaseKind::Exact | BaseKind::Empty) => end(&base.rev, commit),
    };
    let mut out = format!("From {from} to {head}\n");
    for (path, since) in exceptions {
        let path = text::name(path.as_ref());
        let line = match since {
            Some(commit) => format!("{path} from {}, where it last succeeded\n", short(*commit)),
            None => format!("{path} from nothing: it never succeeded\n"),
        };
        out.push_str(&line);
    }
    out.push('\n');
    out
}

/// Whether `rev` names the commit by its id, abbreviated or not.
fn is_id(rev: &str, commit: ObjectId) -> bool {
    commit.to_string().starts_with(rev)
}

/// `old → new`; a rollback and a divergence say so.
fn pins(service: &ServiceChange) -> String {
    let pin = |id: Option<ObjectId>| id.map_or("–".to_owned(), short);
    if service.from == service.to {
        return pin(service.to);
    }
    let moved = format!("{} → {}", pin(service.from), pin(service.to));
    match service.direction {
        None | Some(Direction::Forward) => moved,
        Some(direction) => {
            format!(
                "{moved} {}",
                theme::direction(direction).apply_to(kebab(&direction))
            )
        }
    }
}

/// The reason as a phrase.
fn because(service: &ServiceChange) -> String {
    let phrase = match &service.reason {
        Reason::Added => "new in the fleet",
        Reason::Removed => "no longer in the fleet",
        Reason::CodeChanged => "its code differs",
        Reason::ConfigChanged => "only its configuration differs",
        Reason::CodeAndConfigChanged => "its code and configuration differ",
        Reason::OtherPaths => "only other files differ",
        Reason::SameContent => "the content is the same",
        Reason::Renamed => "another path, the same pin",
        Reason::UrlChanged => "another URL, the same pin",
        Reason::Plain => "a submodule, but no service",
        Reason::BaseUnavailable => "its old commit cannot be had",
        Reason::Requested => "asked for",
        Reason::Fanout(_) | Reason::DependsOn(_) => return text::line(&service.reason.word()),
    };
    phrase.to_owned()
}

/// HEAD seen from the pin, in words.
fn standing(standing: Standing) -> String {
    match standing {
        Standing::InStep => "in step".to_owned(),
        Standing::Ahead { ahead } => format!("{ahead} ahead"),
        Standing::Behind { behind } => format!("{behind} behind"),
        Standing::Diverged { ahead, behind } => format!("{ahead} ahead, {behind} behind"),
        Standing::PinMissing => "not fetched".to_owned(),
        Standing::Unknown => "no commit".to_owned(),
    }
}

/// A table without lines, as wide as the terminal allows; one that gives no width, as some CI systems' do, limits nothing.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let titles = header
        .iter()
        .map(|title| Style::new().dim().apply_to(title).to_string());
    let rows: Vec<Vec<String>> = std::iter::once(titles.collect()).chain(rows).collect();
    let is_limited = console::user_attended() && Table::new().width() != Some(0);
    let lines = match is_limited {
        true => wrapped(rows),
        false => aligned(&rows),
    };
    let lines = lines.iter().map(|line| line.trim_end());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The lines of a table on a terminal, where long cells are wrapped.
fn wrapped(rows: Vec<Vec<String>>) -> Vec<String> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table.lines().collect()
}

/// The same in a pipe or a file, where nothing is wrapped: the table's own way there takes longer than all else that a run does.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let rows: Vec<_> = rows.iter().flat_map(|row| in_lines(row)).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cells_wide(cell)).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns)
        .map(|column| width(column) + usize::from(GAP))
        .collect();
    let line = |row: &Vec<&str>| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cells_wide(cell)));
        }
        line
    };
    rows.iter().map(line).collect()
}

/// A row as rows of one line: where a cell has further lines, the other cells have empty ones.
fn in_lines(row: &[String]) -> impl Iterator<Item = Vec<&str>> {
    let height = row.iter().map(|cell| cell.lines().count()).max();
    (0..height.unwrap_or_default()).map(|at| {
        let cells = row.iter().map(|cell| cell.lines().nth(at));
        cells.map(Option::unwrap_or_default).collect()
    })
}

/// How many cells of a terminal a text takes.
fn cells_wide(text: &str) -> usize {
    let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plain {
        text.len()
    } else {
        console::measure_text_width(text)
    }
}

/// The word JSON uses for a unit variant, so that people and programs read the same.
fn kebab(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn action_word(action: Action) -> String {
    if action == Action::None {
        "–".into()
    } else {
        kebab(&action)
    }
}

/// `2 moved, 5 current`
fn counts<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *by_name.entry(name).or_default() += 1;
    }
    let parts: Vec<_> = by_name
        .into_iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    match parts.is_empty() {
        true => "no submodules".to_owned(),
        false => parts.join(", "),
    }
}

fn short(id: ObjectId) -> String {
    id.to_hex_with_len(7).to_string()
}
