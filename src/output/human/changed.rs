//! `flota changed`

use std::fmt::Write;

use super::{
    table::table,
    words::{action_word, because, ends, kebab, nothing, pins},
};
use crate::{
    model::change::{Changed, FileChange, FileStatus, ServiceChange},
    output::{service_names::ServiceNames, text, theme},
};

/// How many of the fleet's own files a table lists.
const OWN_FILES_SHOWN: usize = 10;

/// `flota changed`
pub(crate) fn changed(changed: &Changed) -> String {
    let mut out = ends(Some(&changed.base), &changed.head, &changed.exceptions);
    if changed.services.is_empty() {
        out.push_str(nothing(&changed.unread, "No service changed."));
        out.push('\n');
    } else {
        let names = names_of(changed);
        let rows = changed.services.iter();
        let rows = rows.map(|service| changed_row(service, &names));
        out.push_str(&table(
            &["SERVICE", "CHANGE", "PIN", "ACTION", "REASON"],
            rows,
        ));
    }
    for service in &changed.services {
        if let Some(files) = service.files.as_ref().filter(|files| !files.is_empty()) {
            let _ = writeln!(
                out,
                "\n{}",
                theme::heading(text::name(service.path.as_ref()))
            );
            out.extend(files.iter().map(|file| format!("  {}\n", file_line(file))));
        }
    }
    out.push_str(&own_files(&changed.paths));
    out
}

/// The files outside of every service, as many as a person wants to see.
fn own_files(files: &[FileChange]) -> String {
    let mut out = String::new();
    if !files.is_empty() {
        out.push_str("\nOther files that differ:\n");
    }
    for file in files.iter().take(OWN_FILES_SHOWN) {
        let _ = writeln!(out, "  {}", file_line(file));
    }
    if let Some(more) = files
        .len()
        .checked_sub(OWN_FILES_SHOWN)
        .filter(|more| *more > 0)
    {
        let _ = writeln!(out, "  … and {more} more; --format json lists all");
    }
    out
}

/// `flota changed --format names`
pub(crate) fn changed_names(changed: &Changed, null: bool) -> Vec<u8> {
    let names = names_of(changed);
    let services = changed.services.iter();
    let services = services.map(|service| (service.name.as_ref(), &service.path));
    names.list(services, null)
}

fn names_of(changed: &Changed) -> ServiceNames<'_> {
    let services = changed.services.iter();
    ServiceNames::of_named(services.map(|service| (service.name.as_ref(), &service.path)))
}

fn changed_row(service: &ServiceChange, names: &ServiceNames<'_>) -> Vec<String> {
    let mut name = names.cell(service.name.as_ref(), &service.path);
    if let Some(previous) = &service.previous_path {
        name = format!("{name} (was {})", text::name(previous.as_ref()));
    }
    vec![
        theme::heading(name).to_string(),
        theme::change(service.change)
            .apply_to(kebab(&service.change))
            .to_string(),
        pins(service),
        theme::action(service.action)
            .apply_to(action_word(service.action))
            .to_string(),
        because(service),
    ]
}

fn file_line(file: &FileChange) -> String {
    format!(
        "{} {}",
        file_letter(file.status),
        text::name(file.path.as_ref())
    )
}

fn file_letter(status: FileStatus) -> char {
    match status {
        FileStatus::Added => 'A',
        FileStatus::Removed => 'D',
        FileStatus::Modified => 'M',
    }
}
