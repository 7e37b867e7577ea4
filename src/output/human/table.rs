//! Tables: aligned on a terminal and in a file.

use comfy_table::{ContentArrangement, Table, presets};
use console::Style;

/// Between two columns of a table.
const GAP: u16 = 2;

/// A table without lines, as wide as the terminal allows; one that gives no width, as some CI systems' do, limits nothing.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
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
