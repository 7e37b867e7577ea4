//! What a run has to say on its page: Markdown that GitHub, Azure Pipelines and Buildkite show.
//!
//! Names, paths and messages are written as HTML entities inside `<code>`, digit and letter apart from every character that
//! Markdown, HTML or an automatic link could begin with: they are text to every reader.

use std::fmt::Write as _;

use bstr::{BStr, ByteSlice};

use crate::{
    model::{
        change::Action,
        report::{BuildReport, BuiltService, Status},
    },
    output::{human, service_names::ServiceNames, text},
};

/// GitHub takes a MiB for each step (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>),
/// Buildkite for each annotation (<https://buildkite.com/docs/agent/cli/reference/annotate>).
pub(crate) const LIMIT: usize = 1 << 20;
/// What is left for the last line.
const RESERVED: usize = 256;
/// How much of an error is worth showing.
const MESSAGE: usize = 500;

/// `flota build`: a table of at most `limit` bytes, failures first.
pub(crate) fn build(report: &BuildReport, limit: usize) -> String {
    let mut out = format!("### flota build: {}\n\n", human::outcome(report));
    if report.services.is_empty() {
        out.push_str("Nothing to build.\n");
        return out;
    }
    out.push_str(
        "| service | action | status | result | time |\n| --- | --- | --- | --- | --- |\n",
    );
    let (failed, others): (Vec<_>, Vec<_>) = report
        .services
        .iter()
        .partition(|service| service.status == Status::Failed);
    let steps = report.services.iter().map(|service| &service.step);
    let names = ServiceNames::of_named(steps.map(|step| (step.name.as_ref(), &step.path)));
    let all: Vec<_> = failed.into_iter().chain(others).collect();
    for (shown, service) in all.iter().enumerate() {
        let row = row(service, &names);
        if out.len() + row.len() + RESERVED > limit {
            let _ = writeln!(out, "\n… and {} more: see build.json.", all.len() - shown);
            break;
        }
        out.push_str(&row);
    }
    out
}

fn row(service: &BuiltService, names: &ServiceNames<'_>) -> String {
    let step = &service.step;
    let called = names.called(step.name.as_ref(), &step.path);
    let name = code(&called.to_str_lossy());
    let url = step.url.as_ref().and_then(|url| link(url.as_ref()));
    let name = url.map_or(name.clone(), |url| format!("<a href=\"{url}\">{name}</a>"));
    let action = match step.action {
        Action::Chart => "chart",
        _ => "image",
    };
    let mark = match service.status {
        Status::Built => "✅",
        Status::Reused => "♻️",
        Status::Planned => "📝",
        Status::Failed => "❌",
        Status::Cancelled => "⏭️",
    };
    let status = human::status_word(service.status);
    let took = match service.took.is_zero() {
        true => String::new(),
        false => text::duration(service.took),
    };
    format!(
        "| {name} | {action} | {mark} {status} | {} | {took} |\n",
        result(service)
    )
}

fn result(service: &BuiltService) -> String {
    if let Some(error) = &service.error {
        let message: String = error.to_string().chars().take(MESSAGE).collect();
        return code(&message);
    }
    let image = service.image.as_ref().map(|image| code(&image.reference));
    let chart = service
        .chart
        .as_ref()
        .map(|chart| code(&format!("{}-{}.tgz", chart.name, chart.version)));
    let both: Vec<_> = image.into_iter().chain(chart).collect();
    both.join("<br>")
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", inert(text))
}

/// Letters, digits and spaces as they are, all else as entities (<https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references>:
/// they stand for text and never for structure); what could steer a terminal or reorder a line as escapes.
fn inert(text: &str) -> String {
    let mut out = String::new();
    for c in text::line(text).chars() {
        match c {
            ' ' => out.push(c),
            _ if c.is_alphanumeric() => out.push(c),
            _ => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
        }
    }
    out
}

/// A URL that is fit for a link: https, and nothing but what addresses are made of.
fn link(url: &BStr) -> Option<String> {
    let url = url.to_str().ok()?;
    let rest = url.strip_prefix("https://")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:".contains(c);
    let is_link = !rest.is_empty() && rest.chars().all(is_plain);
    is_link.then(|| inert_url(url.strip_suffix(".git").unwrap_or(url)))
}

/// Neither `_` nor `~` nor `:` ends the attribute, but Markdown need not see them.
fn inert_url(url: &str) -> String {
    url.replace('_', "&#95;").replace('~', "&#126;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_and_nothing_else() {
        for name in super::super::log_commands::tests::HOSTILE {
            let shown = code(name);
            let inside = shown
                .strip_prefix("<code>")
                .unwrap()
                .strip_suffix("</code>")
                .unwrap();
            let is_text = |c: char| c.is_alphanumeric() || " &#;".contains(c);
            assert!(inside.chars().all(is_text), "{inside}");
            // Every # is one of an entity's, and so is every & and ;.
            let entities = inside.matches("&#").count();
            assert_eq!(inside.matches('#').count(), entities, "{inside}");
            assert_eq!(inside.matches(';').count(), entities, "{inside}");
        }
    }

    #[test]
    fn only_plain_addresses_are_links() {
        let of = |url: &str| link(url.into());
        assert_eq!(
            of("https://host/a/b.git").as_deref(),
            Some("https://host/a/b")
        );
        for url in [
            "http://host/x",
            "javascript:alert(1)",
            "https://",
            "https://host/\" onclick=\"x",
            "https://host/a b",
            "https://host/<b>",
            "https://host/|x",
            "https://user@host/x",
            "../api",
        ] {
            assert_eq!(of(url), None, "{url}");
        }
    }
}
