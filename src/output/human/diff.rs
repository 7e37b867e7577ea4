//! `flota diff`

use bstr::ByteSlice;

use super::{
    log::moved_name,
    table::table,
    words::{ends, moved_pins, nothing},
};
use crate::{
    model::{diff::ServiceDiff, log::Between},
    output::{service_names::ServiceNames, text},
};

/// `flota diff`: how much differs in each service, then the patches.
pub(crate) fn diffs(diffs: &Between<ServiceDiff>) -> String {
    let mut out = ends(Some(&diffs.base), &diffs.head, &diffs.exceptions);
    if diffs.services.is_empty() {
        out.push_str(nothing(&diffs.unread, "No service moved."));
        out.push('\n');
        return out;
    }
    let services = diffs.services.iter().map(|one| &one.service);
    let names = ServiceNames::of_named(services.map(|one| (one.name.as_ref(), &one.path)));
    let rows = diffs.services.iter().map(|one| row(one, &names));
    let header = ["SERVICE", "PIN", "FILES", "LINES"];
    out.push_str(&table(&header, rows));
    for one in diffs.services.iter().filter(|one| !one.patch.is_empty()) {
        out.push('\n');
        out.push_str(&text::escape(&one.patch.to_str_lossy()));
    }
    out
}

fn row(one: &ServiceDiff, names: &ServiceNames<'_>) -> Vec<String> {
    let service = &one.service;
    let numbers = one.numbers;
    let (files, lines) = match service.to {
        None => (String::new(), "no longer in the fleet".to_owned()),
        Some(_) => (
            numbers.files.to_string(),
            format!("+{} -{}", numbers.added, numbers.removed),
        ),
    };
    vec![
        moved_name(service, names),
        moved_pins(service.from, service.to, service.direction),
        files,
        lines,
    ]
}
