//! What a template is filled with: the service's name, and the answers to its questions.

use std::collections::BTreeMap;

use crate::{
    model::{
        error::{Error, Result},
        name,
        nearest::nearest,
        template::{MODULE, NAME, Question, Values},
    },
    templates::Template,
};

/// Asks somebody, who is offered the default; none when there is nobody to ask.
pub type Ask<'a> = &'a mut dyn FnMut(&Question, Option<&str>) -> Result<Option<String>>;

/// The values for the service `name`: `given` answers, else those of `ask`, else the defaults.
///
/// # Errors
/// Misuse: an answer breaks its question's rule, answers no question, or is missing.
pub fn values(
    template: &Template,
    name: &str,
    given: &BTreeMap<String, String>,
    ask: Ask<'_>,
) -> Result<Values> {
    let questions = &template.manifest.questions;
    let known: Vec<&str> = questions.iter().map(|one| one.name.as_str()).collect();
    if let Some(unknown) = given.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(no_question(template, unknown, &known));
    }
    let mut values = Values::from([
        (NAME.to_owned(), name.to_owned()),
        (MODULE.to_owned(), name::module(name)),
    ]);
    for question in questions {
        let answer = match given.get(&question.name) {
            Some(answer) => answer.clone(),
            None => {
                let default = question.default.as_deref();
                let default = default.map(|text| template.default_answer(text, &values));
                let default = default.transpose()?;
                let asked = ask(question, default.as_deref())?;
                asked.or(default).ok_or_else(|| missing(question))?
            }
        };
        question.check(&answer)?;
        values.insert(question.name.clone(), answer);
    }
    Ok(values)
}

/// Reads `NAME=VALUE` arguments.
///
/// # Errors
/// Misuse: an argument is not valid.
pub fn given(arguments: &[String]) -> Result<BTreeMap<String, String>> {
    let pair = |argument: &String| {
        let (name, value) = argument.split_once('=').ok_or_else(|| {
            Error::misuse(format!("`{argument}` is not an answer"))
                .hint("write the question's name and the answer: --answer port=8080")
        })?;
        Ok((name.to_owned(), value.to_owned()))
    };
    arguments.iter().map(pair).collect()
}

fn missing(question: &Question) -> Error {
    Error::misuse(format!(
        "no answer for `{}`: {}",
        question.name, question.ask
    ))
    .hint(format!("answer it: --answer {}=…", question.name))
}

fn no_question(template: &Template, unknown: &str, known: &[&str]) -> Error {
    let error = Error::misuse(format!(
        "the template `{}` does not ask for `{unknown}`",
        template.name
    ));
    match nearest(unknown, known.iter().copied()) {
        _ if known.is_empty() => error.hint("it asks for nothing"),
        Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
        None => error.hint(format!("it asks for {}", known.join(", "))),
    }
}
