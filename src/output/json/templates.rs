//! `flota.templates/v1`

use serde::Serialize;

use super::render::render;
use crate::model::template::{Question, TemplateManifest};

/// `flota.templates/v1`
pub(crate) fn templates(templates: &[(String, TemplateManifest)]) -> String {
    let views = templates
        .iter()
        .map(|(name, manifest)| TemplateV1::new(name, manifest));
    render(&TemplatesV1 {
        schema: "flota.templates/v1",
        templates: views.collect(),
    })
}

#[derive(Serialize)]
struct TemplatesV1<'a> {
    schema: &'static str,
    templates: Vec<TemplateV1<'a>>,
}

#[derive(Serialize)]
struct TemplateV1<'a> {
    name: &'a str,
    description: &'a str,
    questions: Vec<QuestionV1<'a>>,
}

impl<'a> TemplateV1<'a> {
    fn new(name: &'a str, manifest: &'a TemplateManifest) -> Self {
        Self {
            name,
            description: &manifest.description,
            questions: manifest.questions.iter().map(QuestionV1::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct QuestionV1<'a> {
    name: &'a str,
    ask: &'a str,
    default: Option<&'a str>,
    pattern: Option<&'a str>,
    choices: &'a [String],
}

impl<'a> From<&'a Question> for QuestionV1<'a> {
    fn from(question: &'a Question) -> Self {
        Self {
            name: &question.name,
            ask: &question.ask,
            default: question.default.as_deref(),
            pattern: question
                .pattern
                .as_ref()
                .map(|pattern| pattern.source.as_str()),
            choices: &question.choices,
        }
    }
}
