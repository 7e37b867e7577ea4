//! The template engine, as reports use it.

use minijinja::{AutoEscape, Environment, escape_formatter, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

/// A page of flota's own filled with `values`, each of which is escaped. The ending of `name` (`.html`, `.xml`) says how.
#[allow(clippy::expect_used, reason = "the templates are fixed text")]
pub(super) fn render(name: &str, template: &str, values: &impl Serialize) -> String {
    let mut environment = Environment::new();
    // The delimiters of all templates of flota.
    let syntax = SyntaxConfig::builder()
        .variable_delimiters("[[", "]]")
        .block_delimiters("[%", "%]")
        .comment_delimiters("[#", "#]")
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("the delimiters differ");
    environment.set_syntax(syntax);
    // As the engine does it, but for `/`, which means nothing in a page or a file: logs are full of it.
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if *state.auto_escape() == AutoEscape::Html && !value.is_safe() => out
            .write_str(&escaped(text))
            .map_err(minijinja::Error::from),
        _ => escape_formatter(out, state, value),
    });
    let template = environment.template_from_named_str(name, template);
    let page = template
        .expect("the templates are fixed text")
        .render(Serde(values));
    page.expect("the values are plain data")
}

/// Text for HTML and for XML, in an element or in an attribute in quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
