//! `flota templates`

use std::fmt::Write as _;

use crate::{
    model::template::{Question, TemplateManifest},
    output::{text, theme},
};

/// `flota templates`
pub(crate) fn templates(templates: &[(String, TemplateManifest)]) -> String {
    let mut out = String::new();
    for (name, manifest) in templates {
        let name = theme::heading(text::line(name));
        // Writing to memory cannot fail.
        let _ = writeln!(out, "{name}: {}", text::line(&manifest.description));
        for question in &manifest.questions {
            let _ = writeln!(out, "  {}", asked(question));
        }
    }
    out
}

fn asked(question: &Question) -> String {
    let mut line = format!("{}: {}", question.name, question.ask);
    if !question.choices.is_empty() {
        line += &format!(" ({})", question.choices.join(", "));
    }
    if let Some(default) = &question.default {
        line += &format!(" [{default}]");
    }
    text::line(&line)
}
