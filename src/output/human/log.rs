//! `flota log`

use super::{
    table::table,
    words::{ends, moved_pins, nothing, short},
};
use crate::{
    model::{
        change::ServiceChange,
        log::{Between, LoggedCommit, LoggedCommits, ServiceLog},
    },
    output::{service_names::ServiceNames, text, theme},
};

/// `flota log`: of each service its commits, new ones after `>`, those that are gone after `<`.
pub(crate) fn logged(log: &Between<ServiceLog>) -> String {
    let mut out = ends(Some(&log.base), &log.head, &log.exceptions);
    if log.services.is_empty() {
        out.push_str(nothing(&log.unread, "No service moved."));
        out.push('\n');
        return out;
    }
    let services = log.services.iter().map(|one| &one.service);
    let names = ServiceNames::of_named(services.map(|one| (one.name.as_ref(), &one.path)));
    let rows = log.services.iter().flat_map(|one| rows(one, &names));
    let header = ["SERVICE", "PIN", "COMMIT", "DATE", "AUTHOR", "SUBJECT"];
    out.push_str(&table(&header, rows));
    out
}

/// The name of a service in a column, and the path it had before.
pub(super) fn moved_name(service: &ServiceChange, names: &ServiceNames<'_>) -> String {
    let name = names.cell(service.name.as_ref(), &service.path);
    let name = match &service.previous_path {
        Some(previous) => format!("{name} (was {})", text::name(previous.as_ref())),
        None => name,
    };
    theme::heading(name).to_string()
}

fn rows(log: &ServiceLog, names: &ServiceNames<'_>) -> Vec<Vec<String>> {
    let service = &log.service;
    let marked = [('>', &log.gained), ('<', &log.lost)];
    let mut rows: Vec<_> = marked
        .into_iter()
        .flat_map(|(mark, commits)| commit_rows(mark, commits))
        .collect();
    if rows.is_empty() {
        let why = match service.to {
            None => "no longer in the fleet",
            Some(_) => "no commits",
        };
        rows.push(["", "", "", why].map(str::to_owned).into());
    }
    let pins = moved_pins(service.from, service.to, service.direction);
    let first = [moved_name(service, names), pins];
    let firsts = std::iter::once(first).chain(std::iter::repeat_with(Default::default));
    let whole = |(first, row): ([String; 2], Vec<String>)| [&first[..], &row[..]].concat();
    firsts.zip(rows).map(whole).collect()
}

fn commit_rows(mark: char, commits: &LoggedCommits) -> Vec<Vec<String>> {
    let row = |commit: &LoggedCommit| {
        vec![
            format!("{mark} {}", short(commit.id)),
            commit.date.chars().take(DAY).collect(),
            text::name(commit.author.as_ref()),
            text::name(commit.subject.as_ref()),
        ]
    };
    let mut rows: Vec<_> = commits.newest.iter().map(row).collect();
    if commits.count > rows.len() {
        let more = format!("{mark} … and {} more", commits.count - rows.len());
        rows.push(vec![more]);
    }
    rows
}

/// The length of `YYYY-MM-DD`.
const DAY: usize = 10;
