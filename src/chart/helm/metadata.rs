//! `Chart.yaml` as Helm reads it: the types of its fields (`Metadata`, `Maintainer` and `Dependency` in Helm 4's `pkg/chart/v2`),
//! and what their `Validate` asks for.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use serde_json::{Map, Value};

/// What Go's reader of JSON, and of YAML made into JSON, takes for a field. A field without a value is absent.
#[derive(Clone, Copy)]
enum FieldType {
    /// A string; a number or a boolean counts as its text.
    Text,
    /// A boolean, and no text.
    Flag,
    /// A list of anything.
    List,
    /// A list of texts.
    Texts,
    /// A mapping of texts.
    TextMap,
    /// A list of mappings with these fields.
    Records(Fields, NullRecords),
}

/// Whether an item without a value is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NullRecords {
    Refused,
    Allowed,
}

type Fields = &'static [(&'static str, FieldType)];

use FieldType::{Flag, List, Records, Text, TextMap, Texts};

const MAINTAINER: Fields = &[("name", Text), ("email", Text), ("url", Text)];

const DEPENDENCY: Fields = &[
    ("name", Text),
    ("version", Text),
    ("repository", Text),
    ("condition", Text),
    ("tags", Texts),
    ("enabled", Flag),
    ("import-values", List),
    ("alias", Text),
];

const METADATA: Fields = &[
    ("name", Text),
    ("home", Text),
    ("sources", Texts),
    ("version", Text),
    ("description", Text),
    ("keywords", Texts),
    ("maintainers", Records(MAINTAINER, NullRecords::Refused)),
    ("icon", Text),
    ("apiVersion", Text),
    ("condition", Text),
    ("tags", Text),
    ("appVersion", Text),
    ("deprecated", Flag),
    ("annotations", TextMap),
    ("kubeVersion", Text),
    ("dependencies", Records(DEPENDENCY, NullRecords::Refused)),
    ("type", Text),
];

const LOCK: Fields = &[
    ("generated", Text),
    ("digest", Text),
    ("dependencies", Records(DEPENDENCY, NullRecords::Allowed)),
];

/// Helm's form of an alias.
static ALIAS: LazyLock<Regex> = LazyLock::new(|| pattern("^[a-zA-Z0-9_-]+$"));
/// The versions that Helm takes from charts inside: it adds what is missing, and takes a `v` (Masterminds/semver, `NewVersion`).
static LOOSE_VERSION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^v?\d+(\.\d+)?(\.\d+)?(-([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$",
    )
});
/// RFC 3339, as Go reads a time.
static TIME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)$"));

#[expect(clippy::expect_used, reason = "the patterns are constants")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are constants")
}

/// Something in a file that Helm does not take: the field, where there is one, and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::chart) struct Rejection {
    pub field: Option<&'static str>,
    pub what: String,
}

/// What the checks of other files need of a `Chart.yaml`.
#[derive(Debug, Default)]
pub(in crate::chart) struct ChartFacts {
    pub name: String,
    /// The names of the charts that this one depends on.
    pub dependencies: Vec<String>,
}

/// Checks the types of a `Chart.yaml` or `requirements.yaml` and the charts it depends on; what is in it.
///
/// # Errors
/// The first field that Helm refuses.
pub(super) fn facts(chart: &Value) -> Result<ChartFacts, Rejection> {
    let empty = Map::new();
    let fields = check_fields(chart, METADATA)?.unwrap_or(&empty);
    let dependencies = match field(fields, "dependencies") {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    let mut keys = BTreeSet::new();
    let mut names = Vec::new();
    for item in dependencies.iter().filter_map(Value::as_object) {
        let (name, alias) = (text(item, "name"), text(item, "alias"));
        let refuse = |what: String| {
            Err(Rejection {
                field: Some("dependencies"),
                what,
            })
        };
        if !alias.is_empty() && !ALIAS.is_match(&alias) {
            return refuse(format!(
                "the alias `{alias}` of `{name}` has other characters than letters, digits, `_` and `-`"
            ));
        }
        let key = if alias.is_empty() { &name } else { &alias };
        if !keys.insert(key.clone()) {
            return refuse(format!(
                "two dependencies have the name or alias `{key}`: give one of them an `alias`"
            ));
        }
        names.push(name);
    }
    Ok(ChartFacts {
        name: text(fields, "name"),
        dependencies: names,
    })
}

/// Checks the `Chart.yaml` of a chart inside, whose version may be looser than that of the chart that flota packages.
///
/// # Errors
/// The first field that Helm refuses.
pub(super) fn inside(chart: &Value) -> Result<ChartFacts, Rejection> {
    let facts = facts(chart)?;
    let empty = Map::new();
    let fields = chart.as_object().unwrap_or(&empty);
    let refuse = |field, what: &str| {
        Err(Rejection {
            field: Some(field),
            what: what.into(),
        })
    };
    if facts.name.is_empty() {
        return refuse("name", "there is no `name`");
    }
    if matches!(&*facts.name, "." | "..") || facts.name.contains('/') {
        return refuse("name", "`name` is a path");
    }
    let version = text(fields, "version");
    if !is_loose_version(&version) {
        return refuse("version", "`version` is no version such as 1.2.3");
    }
    if !matches!(&*text(fields, "type"), "" | "application" | "library") {
        return refuse("type", "`type` is neither application nor library");
    }
    Ok(facts)
}

/// Checks a `Chart.lock` or `requirements.lock`.
///
/// # Errors
/// The first field that Helm refuses.
pub(super) fn lock(lock: &Value) -> Result<(), Rejection> {
    let Some(fields) = check_fields(lock, LOCK)? else {
        return Ok(());
    };
    match field(fields, "generated") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(time)) if TIME.is_match(time) => Ok(()),
        Some(_) => Err(Rejection {
            field: Some("generated"),
            what: "`generated` is no time such as 2024-01-31T12:00:00Z".into(),
        }),
    }
}

fn is_loose_version(version: &str) -> bool {
    let Some(parts) = LOOSE_VERSION.captures(version) else {
        return false;
    };
    let pre_release = parts.get(4).map_or("", |found| found.as_str());
    pre_release.split('.').all(|part| {
        part.len() < 2 || !part.starts_with('0') || !part.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Go matches the names of fields without regard to case.
fn field<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let found = || {
        fields
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    fields.get(name).or_else(|| Some(found()?.1))
}

/// A field of type [`FieldType::Text`]; empty where it is absent.
fn text(fields: &Map<String, Value>, name: &str) -> String {
    match field(fields, name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The fields of a mapping, each of its type; none of a file without content.
fn check_fields(value: &Value, fields: Fields) -> Result<Option<&Map<String, Value>>, Rejection> {
    let map = match value {
        Value::Null => return Ok(None),
        Value::Object(map) => map,
        other => {
            return Err(Rejection {
                field: None,
                what: format!("is {}, where a mapping is expected", kind(other)),
            });
        }
    };
    for (name, expected) in fields {
        let of_field = map.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        for (_, value) in of_field {
            check_type(value, *expected).map_err(|what| Rejection {
                field: Some(name),
                what: format!("`{name}` {what}"),
            })?;
        }
    }
    Ok(Some(map))
}

fn check_type(value: &Value, expected: FieldType) -> Result<(), String> {
    let is_text = |value: &Value| !value.is_array() && !value.is_object();
    let wrong = |wanted: &str| Err(format!("is {}, where {wanted} is expected", kind(value)));
    match (expected, value) {
        (_, Value::Null) | (List, Value::Array(_)) | (Flag, Value::Bool(_)) => Ok(()),
        (Text, value) if is_text(value) => Ok(()),
        (Text, _) => wrong("a string"),
        (Flag, _) => wrong("true or false"),
        (List, _) => wrong("a list"),
        (Texts, Value::Array(items)) if items.iter().all(is_text) => Ok(()),
        (Texts, _) => wrong("a list of strings"),
        (TextMap, Value::Object(map)) if map.values().all(is_text) => Ok(()),
        (TextMap, _) => wrong("a mapping of strings"),
        (Records(fields, null), Value::Array(items)) => items.iter().try_for_each(|item| {
            if item.is_null() && null == NullRecords::Refused {
                return Err("has an item without a value".to_owned());
            }
            check_fields(item, fields).map(drop).map_err(|inner| {
                if inner.field.is_none() {
                    format!("has an item that {}", inner.what)
                } else {
                    format!("has an item whose {}", inner.what)
                }
            })
        }),
        (Records(..), _) => wrong("a list of mappings"),
    }
}

/// What a value is, for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
