//! Results as Markdown, for release notes. What comes from services is text there, and nothing else: no heading, no link to an issue
//! of the fleet's, and nobody is called by `@name`.

use std::fmt::Write as _;

use bstr::{BStr, ByteSlice};
use gix::ObjectId;

use super::text;
use crate::model::{
    change::{Direction, ServiceChange},
    diff::ServiceDiff,
    log::{Between, LoggedCommits, ServiceLog},
};

/// `flota log`: a section for each service, its commits as a list.
pub(crate) fn log(log: &Between<ServiceLog>) -> String {
    let mut out = title(log);
    for one in &log.services {
        out += &section(&one.service);
        out += &listed("", &one.gained);
        out += &listed("Gone:\n\n", &one.lost);
    }
    out
}

/// `flota diff`: a section for each service, with its patch.
pub(crate) fn diff(diffs: &Between<ServiceDiff>) -> String {
    let mut out = title(diffs);
    for one in &diffs.services {
        out += &section(&one.service);
        let numbers = one.numbers;
        if one.service.to.is_some() {
            let files = text::plural(numbers.files, "file");
            let (added, removed) = (numbers.added, numbers.removed);
            let _ = writeln!(out, "{files}, +{added} -{removed} lines\n");
        }
        if !one.patch.is_empty() {
            out += &fenced(&one.patch);
        }
    }
    out
}

fn title<T>(between: &Between<T>) -> String {
    let end = |rev: &str| format!("`{}`", text::line(rev).replace('`', ""));
    let base = match between.base.commit {
        Some(_) => end(&between.base.rev),
        None => "the beginning".to_owned(),
    };
    let head = end(&between.head.rev);
    let mut out = format!("## Changes from {base} to {head}\n\n");
    if between.services.is_empty() && between.unread.is_empty() {
        out += "No service moved.\n";
    }
    for unread in &between.unread {
        let _ = writeln!(out, "**Not read:** {}\n", inert(&unread.to_string()));
    }
    out
}

fn section(service: &ServiceChange) -> String {
    let mut out = format!("### {}\n\n", inert_bytes(service.name.as_ref()));
    let pin = |id: ObjectId| format!("`{}`", id.to_hex_with_len(7));
    let moved = match (service.from, service.to) {
        (Some(from), Some(to)) => format!("{} → {}", pin(from), pin(to)),
        (None, Some(to)) => format!("New in the fleet, at {}", pin(to)),
        (Some(from), None) => format!("No longer in the fleet, last at {}", pin(from)),
        (None, None) => String::new(),
    };
    let direction = match service.direction {
        Some(Direction::Rollback) => " (rollback)",
        Some(Direction::Diverged) => " (diverged)",
        _ => "",
    };
    let _ = writeln!(out, "{moved}{direction}\n");
    out
}

fn listed(heading: &str, commits: &LoggedCommits) -> String {
    if commits.count == 0 {
        return String::new();
    }
    let mut out = heading.to_owned();
    for commit in &commits.newest {
        let subject = inert_bytes(commit.subject.as_ref());
        let author = inert_bytes(commit.author.as_ref());
        let id = commit.id.to_hex_with_len(7);
        let _ = writeln!(out, "- {subject} (`{id}`, {author})");
    }
    let more = commits.count - commits.newest.len();
    if more > 0 {
        let _ = writeln!(out, "- … and {more} more");
    }
    out + "\n"
}

/// A patch in a code block whose fence is longer than any row of backticks in it.
fn fenced(patch: &[u8]) -> String {
    let patch = text::escape(&patch.to_str_lossy());
    let mut longest = 0;
    let mut row = 0;
    for c in patch.chars() {
        row = if c == '`' { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if patch.ends_with('\n') { "" } else { "\n" };
    format!("{fence}diff\n{patch}{end}{fence}\n\n")
}

fn inert_bytes(bytes: &BStr) -> String {
    inert(&bytes.to_str_lossy())
}

/// Text that Markdown shows as it is: punctuation is escaped (<https://spec.commonmark.org/0.31.2/#backslash-escapes>), and what forges
/// make links of (`@name`, `#1`, `!1`) is divided by an empty comment.
fn inert(text: &str) -> String {
    let mut out = String::new();
    let line = text::line(text);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if "\\`*_{}[]<>()#+-!|~&@$".contains(c) {
            out.push('\\');
        }
        out.push(c);
        let begins = |next: &char| next.is_alphanumeric();
        if "@#!".contains(c) && chars.peek().is_some_and(begins) {
            out.push_str("<!-- -->");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_services_say_is_text() {
        for (said, want) in [
            ("Fix it", "Fix it"),
            ("Fixes #12 by @you", "Fixes \\#<!-- -->12 by \\@<!-- -->you"),
            ("# [a](b) <b>", "\\# \\[a\\]\\(b\\) \\<b\\>"),
            ("`x` *y* _z_", "\\`x\\` \\*y\\* \\_z\\_"),
            ("a\nb", "a\\\\nb"),
        ] {
            assert_eq!(inert(said), want);
        }
    }

    #[test]
    fn a_patch_cannot_end_its_block() {
        let block = fenced(b"+```\n+````\n");
        assert!(block.starts_with("`````diff\n"), "{block}");
        assert!(block.ends_with("\n`````\n\n"), "{block}");
        assert!(fenced(b"+x").starts_with("```diff\n"));
    }
}
