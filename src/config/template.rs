//! `template.toml`: what a template asks for.

use super::reader::{Document, Keys, Value, list, text};
use crate::model::{
    error::{Error, Result},
    settings::valid::{self, shown},
    template::{MODULE, Manifest, NAME, Pattern, Question},
};

/// Reads a template's manifest. `origin` is what messages call it.
///
/// # Errors
/// Misuse (exit 2), `origin:line:column:` first, as for `flota.toml`.
pub fn parse_manifest(bytes: &[u8], origin: &str) -> Result<Manifest> {
    let document = Document::new(bytes, origin)?;
    let tree = document.parse()?;
    let root = document.root(&tree);
    let (mut description, mut questions) = (None, Vec::new());
    root.table(|keys| {
        keys.read("description", &mut description, text(a_line))?;
        match keys.get("question") {
            Some(value) => {
                questions = value.in_order(question_name, question)?;
                Ok(())
            }
            None => Ok(()),
        }
    })?;
    Ok(Manifest {
        description: root.required(description, r#"description = "A web service""#)?,
        questions,
    })
}

fn question(name: &str, value: &Value) -> Result<Question> {
    let (mut ask, mut default, mut pattern, mut choices) = (None, None, None, Vec::new());
    value.table(|keys: &mut Keys| {
        keys.read("ask", &mut ask, text(a_line))?;
        keys.read("default", &mut default, text(a_line))?;
        keys.read("pattern", &mut pattern, |value| value.checked(Pattern::new))?;
        keys.read("choices", &mut choices, list(text(a_line)))
    })?;
    Ok(Question {
        name: name.to_owned(),
        ask: value.required(ask, r#"ask = "Port the server listens on""#)?,
        default,
        pattern,
        choices,
    })
}

/// The name of a value in a template.
fn question_name(name: &str) -> Result<()> {
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_word {
        let fault = format!("no question can be called `{}`", shown(name));
        return Err(Error::misuse(fault).hint("use a-z, 0-9 and `_`, a letter first"));
    }
    if [NAME, MODULE].contains(&name) {
        return Err(
            Error::misuse(format!("`{name}` is known without a question"))
                .hint("it comes from the service's name"),
        );
    }
    Ok(())
}

fn a_line(text: &str) -> Result<()> {
    valid::value(text)?;
    match text.contains('\n') {
        true => Err(Error::misuse("the value has more than one line").hint("one line has to do")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse_manifest(text.as_bytes(), "template.toml")
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn questions_keep_their_order() {
        let manifest = parse_manifest(
            br#"description = "A service"
[question.zone]
ask = "Zone"
choices = ["a", "b"]
[question.area]
ask = "Area"
default = "[[ zone ]]-1"
pattern = "[a-z]-[0-9]"
"#,
            "template.toml",
        )
        .unwrap();
        let names: Vec<_> = manifest.questions.iter().map(|q| q.name.as_str()).collect();
        assert_eq!(names, ["zone", "area"]);
        assert_eq!(manifest.questions[0].choices, ["a", "b"]);
        assert_eq!(
            manifest.questions[1].default.as_deref(),
            Some("[[ zone ]]-1")
        );
        manifest.questions[1].check("b-7").unwrap();
    }

    #[test]
    fn what_cannot_be_meant_is_an_error_with_its_place() {
        for (text, want) in [
            ("", "lacks the key `description`"),
            (
                "description = \"x\"\nquestions = 1",
                "template.toml:2:1: unknown key `questions`: did you mean `question`?",
            ),
            (
                "description = \"x\"\n[question.port]\nask = \"?\"\ndefalt = \"1\"",
                "did you mean `default`?",
            ),
            (
                "description = \"x\"\n[question.port]\ndefault = \"1\"",
                "lacks the key `ask`",
            ),
            (
                "description = \"x\"\n[question.port]\nask = \"?\"\ndefault = 1",
                "expects a string",
            ),
            (
                "description = \"x\"\n[question.Port]\nask = \"?\"",
                "no question can be called `Port`",
            ),
            (
                "description = \"x\"\n[question.name]\nask = \"?\"",
                "known without a question",
            ),
            (
                "description = \"x\"\n[question.a]\nask = \"?\"\npattern = \"[\"",
                "template.toml:4:11: `[` is no regular expression",
            ),
            ("description = \"a\\nb\"", "more than one line"),
        ] {
            let error = error(text);
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
