//! The questions of a template, asked on the terminal.

use crate::{
    model::{error::Result, template::Question},
    output::prompt,
};

/// Asks for answers on the terminal, or does not.
pub(super) fn asking(
    is_asked: bool,
) -> impl FnMut(&Question, Option<&str>) -> Result<Option<String>> {
    move |question, default| match is_asked {
        true => ask(question, default).map(Some),
        false => Ok(None),
    }
}

fn ask(question: &Question, default: Option<&str>) -> Result<String> {
    if question.choices.is_empty() {
        return prompt::line(&question.ask, default, |answer| question.check(answer));
    }
    let is_default = |choice: &String| Some(choice.as_str()) == default;
    let default = question.choices.iter().position(is_default);
    let chosen = prompt::choice(&question.ask, &question.choices, default)?;
    Ok(question.choices[chosen].clone())
}
