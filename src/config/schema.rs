//! A JSON Schema of `flota.toml`, for editors: made by the reader itself while it reads the reference, and explained by the
//! reference's comments.
//!
//! It says no more than what all tools understand in the same way (types, names, choices, limits). Rules of another kind, such as
//! the grammar of a registry's name, are the reader's alone: what the schema refuses flota refuses too, and not the reverse.
//!
//! Only words that JSON Schema has since draft 4 are used, since that is what the editors' server for TOML promises
//! (<https://taplo.tamasfe.dev/configuration/developing-schemas.html>).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{
    parse,
    reader::{Form, Recorder, TomlDocument, Value},
    reference::REFERENCE,
};
use crate::model::error::Result;

/// The schema's name, beside `flota.toml`.
pub const SCHEMA_FILE: &str = "flota.schema.json";

/// Stands in a path for a name that the user chooses.
const ANY: &str = "*";

/// The schema's text.
///
/// # Errors
/// Misuse: the reference cannot be read, which a test holds.
pub fn schema() -> Result<String> {
    let document = TomlDocument::new(REFERENCE.as_bytes(), "the reference")?;
    let tree = document.parse()?;
    let recorder = Recorder::new();
    parse::read(&Value::root(&document, &tree).recorded_by(recorder.clone()))?;
    let comments = Comments::of(REFERENCE);
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("http://json-schema.org/draft-07/schema#"),
    );
    schema.insert("title".to_owned(), json!("flota.toml"));
    schema.extend(described(&recorder, &comments, &mut Vec::new()));
    Ok(format!("{:#}\n", Json::Object(schema)))
}

/// The schema of the value at `path`.
fn described(
    recorder: &Recorder,
    comments: &Comments,
    path: &mut Vec<&'static str>,
) -> Map<String, Json> {
    let noted = recorder.shape(|shape| (shape.form.clone(), shape.required.clone()));
    let (form, required) = noted.unwrap_or_default();
    let mut below = |part: &Recorder, name: Option<&'static str>| {
        path.extend(name);
        let schema = described(part, comments, path);
        path.truncate(path.len() - usize::from(name.is_some()));
        Json::Object(schema)
    };
    // A table of the user's names is explained where the first of them stands.
    let is_map = matches!(form, Form::Map(_));
    let kind = match form {
        Form::Unread => json!({}),
        Form::Text => json!({ "type": "string" }),
        Form::Choice(words) => json!({ "type": "string", "enum": words }),
        Form::BooleanOrText => json!({ "type": ["boolean", "string"] }),
        Form::Boolean => json!({ "type": "boolean" }),
        Form::Integer { least, most } => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Form::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Form::List(items) => {
            // What is said above the key is said of the list.
            let mut items = below(&items, None);
            if let Some(items) = items.as_object_mut() {
                items.remove("description");
            }
            json!({ "type": "array", "items": items })
        }
        Form::Map(entries) => {
            json!({ "type": "object", "additionalProperties": below(&entries, Some(ANY)) })
        }
        Form::Table(keys) => {
            let keys: Map<_, _> = keys
                .iter()
                .map(|(key, part)| ((*key).to_owned(), below(part, Some(key))))
                .collect();
            json!({ "type": "object", "properties": keys, "additionalProperties": false })
        }
    };
    let mut schema = match kind {
        Json::Object(schema) => schema,
        _ => Map::new(),
    };
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    path.extend(is_map.then_some(ANY));
    let of_name = comments.at(path);
    path.truncate(path.len() - usize::from(is_map));
    if let Some(comment) = comments.at(path).or(of_name) {
        schema.insert("description".to_owned(), json!(comment));
    }
    schema
}

/// What the reference says above each key and each table, by the path.
struct Comments(BTreeMap<Vec<String>, String>);

impl Comments {
    fn of(reference: &str) -> Self {
        let mut comments = BTreeMap::new();
        let (mut table, mut above) = (Vec::new(), Vec::new());
        for line in reference.lines() {
            if let Some(comment) = line.strip_prefix('#') {
                above.extend(Some(comment.trim()).filter(|comment| !comment.is_empty()));
                continue;
            }
            let path = match line.strip_prefix('[') {
                Some(header) => {
                    let header = header.trim_matches(['[', ']']);
                    table = header.split('.').map(str::to_owned).collect();
                    Some(table.clone())
                }
                None => line.split_once(" = ").map(|(key, _)| {
                    let key = std::iter::once(key.to_owned());
                    table.iter().cloned().chain(key).collect()
                }),
            };
            // Where a line is empty, the comment is about the file.
            let path = path.unwrap_or_default();
            if !above.is_empty() {
                comments.entry(path).or_insert_with(|| above.join(" "));
            }
            above.clear();
        }
        Self(comments)
    }

    /// A service's key without a comment of its own is explained where it holds for all services.
    fn at(&self, path: &[&str]) -> Option<&str> {
        let fits = |known: &&Vec<String>| {
            let mut pairs = known.iter().zip(path);
            known.len() == path.len() && pairs.all(|(known, part)| *part == ANY || known == part)
        };
        let own = self.0.keys().find(fits).and_then(|key| self.0.get(key));
        match path {
            _ if own.is_some() => own.map(String::as_str),
            ["service", ANY, rest @ ..] if !rest.is_empty() => self.at(rest),
            // A key that means the same as another may stand in a service's table alone.
            _ => {
                let of_a_service = |known: &&Vec<String>| {
                    known.first().is_some_and(|first| first == "service")
                        && known.iter().skip(2).eq(path)
                };
                let key = self.0.keys().find(of_a_service);
                key.and_then(|key| self.0.get(key)).map(String::as_str)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Visits every schema below, with the line of TOML that is a table of its kind: `[a.b]`, `[[a.b]]`.
    fn each(
        schema: &Json,
        path: &str,
        brackets: usize,
        visit: &mut impl FnMut(&Json, &str, usize),
    ) {
        visit(schema, path, brackets);
        let below = |name: &str| match path {
            "" => name.to_owned(),
            _ => format!("{path}.{name}"),
        };
        for (key, part) in schema["properties"].as_object().into_iter().flatten() {
            each(part, &below(key), 1, visit);
        }
        if schema["additionalProperties"].is_object() {
            each(&schema["additionalProperties"], &below("any"), 1, visit);
        }
        if schema["items"].is_object() {
            each(&schema["items"], path, 2, visit);
        }
    }

    fn whole() -> Json {
        serde_json::from_str(&schema().unwrap()).unwrap()
    }

    /// What the reader says of an unknown key names all that it knows.
    #[test]
    fn the_keys_are_those_that_the_reader_knows() {
        let mut tables = 0;
        each(&whole(), "", 1, &mut |schema, path, brackets| {
            let Some(keys) = schema["properties"].as_object() else {
                return;
            };
            let header = match path {
                "" => String::new(),
                _ => "[".repeat(brackets) + path + &"]".repeat(brackets),
            };
            let text = format!("{header}\nnosuchkeyanywhere = 1\n");
            let error = parse::parse(text.as_bytes(), "flota.toml").unwrap_err();
            let hint = error.hints().first().unwrap();
            let known: BTreeSet<_> = hint.split('`').skip(1).step_by(2).collect();
            let listed: BTreeSet<_> = keys.keys().map(String::as_str).collect();
            assert!(error.to_string().contains("nosuchkeyanywhere"), "{error}");
            assert_eq!(known, listed, "{hint}");
            tables += 1;
        });
        assert!(tables > 8, "{tables}");
    }

    /// The reference has every key, and a word about it.
    #[test]
    fn everything_has_a_type_and_is_explained() {
        each(&whole(), "", 1, &mut |schema, path, _| {
            assert!(
                schema["type"].is_string() || schema["type"].is_array(),
                "{path}"
            );
            for (key, part) in schema["properties"].as_object().into_iter().flatten() {
                let is_plain_table = part["properties"].is_object();
                assert!(
                    is_plain_table || part["description"].is_string(),
                    "{path}.{key}"
                );
            }
        });
    }

    #[test]
    fn a_services_key_is_explained_where_it_holds_for_all() {
        let whole = whole();
        let service = &whole["properties"]["service"]["additionalProperties"]["properties"];
        let of = |table: &Json| table["properties"]["platform"]["description"].clone();
        assert!(of(&whole["properties"]["image"]).is_string());
        assert_eq!(of(&service["image"]), of(&whole["properties"]["image"]));
        let own = |table: &Json| table["properties"]["build_args"]["description"].clone();
        assert_ne!(own(&service["image"]), own(&whole["properties"]["image"]));
    }
}
