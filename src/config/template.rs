//! `template.toml`: what a template asks for; `.flota-template.toml`: what a service was created from.

use gix::ObjectId;
use serde::Serialize;

use super::reader::{Keys, TomlDocument, Value, list, map, text};
use crate::model::{
    error::{Error, Result},
    name,
    settings::valid::{self, shown},
    template::{MODULE, NAME, Origin, Pattern, Question, Record, TemplateManifest, Values},
};

/// What is above a record in its file.
const RECORD_HEADER: &str = "\
# What this service was created from. `flota template update` reads it and rewrites it; flota build does not look at it.
";

/// Reads a template's manifest. `origin` is what messages call it.
///
/// # Errors
/// Misuse (exit 2), `origin:line:column:` first, as for `flota.toml`.
pub fn parse_manifest(bytes: &[u8], origin: &str) -> Result<TemplateManifest> {
    let document = TomlDocument::new(bytes, origin)?;
    let tree = document.parse()?;
    let root = Value::root(&document, &tree);
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
    Ok(TemplateManifest {
        description: root.required(description, r#"description = "A web service""#)?,
        questions,
    })
}

/// Reads what a service was created from. `origin` is what messages call the file.
///
/// # Errors
/// Misuse (exit 2), `origin:line:column:` first. The file comes out of a repository: what it names is checked as such.
pub fn parse_record(bytes: &[u8], origin: &str) -> Result<Record> {
    let document = TomlDocument::new(bytes, origin)?;
    let tree = document.parse()?;
    let root = Value::root(&document, &tree);
    let (mut template, mut version, mut service, mut answers) = (None, None, None, None);
    let (mut folder, mut url, mut rev, mut commit) = (None, None, None, None);
    root.table(|keys| {
        keys.read("template", &mut template, text(a_line))?;
        keys.read("folder", &mut folder, text(a_line))?;
        keys.read("url", &mut url, text(a_line))?;
        keys.read("rev", &mut rev, text(a_line))?;
        keys.read("commit", &mut commit, object_id)?;
        keys.read("version", &mut version, object_id)?;
        keys.read("name", &mut service, text(name::check))?;
        keys.read("answers", &mut answers, map(question_name, text(a_line)))
    })?;
    let origin = match (folder, url) {
        (Some(folder), None) => {
            Origin::Folder(Some(folder).filter(|path: &String| !path.is_empty()))
        }
        (None, Some(url)) => Origin::Git {
            url,
            rev,
            commit: root.required(commit, "commit = \"…\"")?,
        },
        (None, None) => Origin::Embedded,
        (Some(_), Some(_)) => {
            return Err(root
                .fault("names a directory and a URL")
                .hint("remove one of the two"));
        }
    };
    Ok(Record {
        template: root.required(template, "template = \"static\"")?,
        origin,
        version: root.required(version, "version = \"…\"")?,
        name: root.required(service, "name = \"web\"")?,
        answers: answers.unwrap_or_default(),
    })
}

/// The file's tables, in order.
#[derive(Serialize)]
struct RecordView<'a> {
    template: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rev: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    version: String,
    name: &'a str,
    answers: &'a Values,
}

/// The text of `.flota-template.toml`, which [`parse_record`] reads back.
///
/// # Errors
/// Work: it cannot be written as TOML.
pub fn write_record(record: &Record) -> Result<String> {
    let mut view = RecordView {
        template: &record.template,
        folder: None,
        url: None,
        rev: None,
        commit: None,
        version: record.version.to_string(),
        name: &record.name,
        answers: &record.answers,
    };
    match &record.origin {
        Origin::Embedded => {}
        Origin::Folder(path) => view.folder = Some(path.as_deref().unwrap_or_default()),
        Origin::Git { url, rev, commit } => {
            view.url = Some(url);
            view.rev = rev.as_deref();
            view.commit = Some(commit.to_string());
        }
    }
    let text = toml::to_string(&view).map_err(|err| {
        Error::work("cannot write what the service was created from").because(err)
    })?;
    Ok(format!("{RECORD_HEADER}{text}"))
}

fn object_id(value: &Value) -> Result<ObjectId> {
    value.checked(|text| {
        ObjectId::from_hex(text.as_bytes()).map_err(|_| {
            Error::misuse(format!("`{}` is not an object id", shown(text)))
                .hint("git writes it with 40 hexadecimal digits")
        })
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
        let fault = format!("a question cannot be called `{}`", shown(name));
        return Err(Error::misuse(fault).hint("use a-z, 0-9 and `_`, a letter first"));
    }
    if [NAME, MODULE].contains(&name) {
        return Err(
            Error::misuse(format!("`{name}` has a value without a question"))
                .hint("it comes from the service's name"),
        );
    }
    Ok(())
}

fn a_line(text: &str) -> Result<()> {
    valid::value(text)?;
    match text.contains('\n') {
        true => Err(Error::misuse("the value has more than one line").hint("write it in one line")),
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
    fn records_name_an_embedded_template_a_folder_or_a_commit() {
        const ID: &str = "e76acff4d8acacdcde22a8b5ca510680d7cb849c";
        let read = |more: &str| {
            let text = format!("template = \"t\"\nname = \"web\"\nversion = \"{ID}\"\n{more}");
            parse_record(text.as_bytes(), "record")
        };
        assert_eq!(
            read("[answers]\nport = \"80\"").unwrap().answers["port"],
            "80"
        );
        assert_eq!(read("").unwrap().origin, Origin::Embedded);
        assert_eq!(read("folder = \"\"").unwrap().origin, Origin::Folder(None));
        let url = "url = \"https://host/t.git\"\nrev = \"v1\"";
        let git = read(&format!("{url}\ncommit = \"{ID}\"")).unwrap();
        assert!(matches!(git.origin, Origin::Git { rev: Some(rev), .. } if rev == "v1"));
        for refused in [
            url,
            "folder = \"x\"\nurl = \"y\"",
            "commit = \"--upload-pack=x\"",
            "answer = 1",
            "[answers]\n\"../x\" = \"1\"",
        ] {
            assert!(read(refused).is_err(), "{refused}");
        }
        let named = format!("template = \"t\"\nname = \"../web\"\nversion = \"{ID}\"");
        assert!(parse_record(named.as_bytes(), "record").is_err());
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let id = ObjectId::from_bytes_or_panic(&[7; 20]);
        let git = |rev: Option<&str>| Origin::Git {
            url: "https://host/t.git".into(),
            rev: rev.map(Into::into),
            commit: id,
        };
        for origin in [
            Origin::Embedded,
            Origin::Folder(None),
            Origin::Folder(Some("templates/ours".into())),
            git(None),
            git(Some("v1")),
        ] {
            let record = Record {
                template: "ours".into(),
                origin,
                version: id,
                name: "web".into(),
                answers: Values::from([("zone".into(), "a \"b\" = 'c' # [d]".into())]),
            };
            let text = write_record(&record).unwrap();
            assert_eq!(parse_record(text.as_bytes(), "record").unwrap(), record);
        }
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
                "a question cannot be called `Port`",
            ),
            (
                "description = \"x\"\n[question.name]\nask = \"?\"",
                "a value without a question",
            ),
            (
                "description = \"x\"\n[question.a]\nask = \"?\"\npattern = \"[\"",
                "template.toml:4:11: `[` is not a valid regular expression",
            ),
            ("description = \"a\\nb\"", "more than one line"),
        ] {
            let error = error(text);
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
