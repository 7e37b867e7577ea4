//! `[chart]`: what a chart gets, and where in it.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

use super::template::VersionTemplate;
use crate::model::error::{Error, Result};

/// `[chart]`, with `[service.NAME.chart]` laid over it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartSettings {
    /// Where charts are pushed, `host[:port][/path]`; beside the images, in `charts/`, when absent.
    pub registry: Option<String>,
    /// The packaged chart's version.
    pub version: VersionTemplate,
    /// The `appVersion` that the packaged chart gets.
    pub app_version: AppVersion,
    /// Where `values.yaml` says which image the chart runs; found by the shape of the values when absent.
    pub image: Option<ValuePath>,
    /// Values with which the chart can be rendered to be checked: a file, relative to the chart's folder.
    pub check_values: Option<PathBuf>,
    /// Values for the chart's tokens, by name; a service's are added to the global ones and win over them.
    pub tokens: BTreeMap<String, TokenValue>,
}

impl Default for ChartSettings {
    #[allow(clippy::expect_used, reason = "the default version is a template")]
    fn default() -> Self {
        let version = "{version}-g{id}".parse();
        Self {
            registry: None,
            version: version.expect("the default version is a template"),
            app_version: AppVersion::Tag,
            image: None,
            check_values: None,
            tokens: BTreeMap::new(),
        }
    }
}

/// What becomes of a chart's `appVersion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppVersion {
    /// It stays as `Chart.yaml` has it.
    Keep,
    /// It becomes the image's identity tag.
    Tag,
}

impl AppVersion {
    /// The words of `app_version`.
    pub const NAMES: [(&'static str, Self); 2] = [("keep", Self::Keep), ("tag", Self::Tag)];
}

/// A token's value, in the type the file gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenValue {
    /// Text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
}

impl TokenValue {
    /// Reads the value of `--token NAME=VALUE`: `true` and `false` are booleans, decimal numbers in the one form they
    /// are written back in (`3`, `0.5`, not `1e5` or `007`) are numbers, all else is a string.
    pub fn infer(text: &str) -> Self {
        let forms = [
            text.parse().ok().map(Self::Bool),
            text.parse().ok().map(Self::Integer),
            text.parse().ok().map(Self::Float),
        ];
        let decimal = |value: &Self| value.to_string() == text && !text.contains('e');
        forms
            .into_iter()
            .flatten()
            .find(|value| matches!(value, Self::Bool(_)) || decimal(value) && value.is_finite())
            .unwrap_or_else(|| Self::String(text.into()))
    }

    /// Whether YAML and JSON can say it: a float that is no number or infinite cannot be given to a chart.
    pub fn is_finite(&self) -> bool {
        !matches!(self, Self::Float(value) if !value.is_finite())
    }
}

impl fmt::Display for TokenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            // Debug keeps the point of `3.0`.
            Self::Float(value) => write!(f, "{value:?}"),
            Self::String(value) => value.fmt(f),
        }
    }
}

/// The longest path, in keys and in bytes: values nest less deeply, and hostile text stays short.
const LONGEST_PATH: (usize, usize) = (16, 512);

/// A path in `values.yaml`: keys joined by dots, as in `controller.image`. A dot inside a key is written `\.`, as for `helm --set`.
#[derive(Clone, PartialEq, Eq)]
pub struct ValuePath(Vec<String>);

impl ValuePath {
    /// The keys, from the root; there is at least one.
    pub fn keys(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for ValuePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut keys = vec![String::new()];
        let mut escaped = false;
        for c in text.chars() {
            match c {
                '\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                '.' if !escaped => keys.push(String::new()),
                _ => keys.last_mut().into_iter().for_each(|key| key.push(c)),
            }
            escaped = false;
        }
        let fits = |key: &String| {
            !key.is_empty() && !key.contains(|c: char| c.is_control() || "[]{}".contains(c))
        };
        let (most, longest) = LONGEST_PATH;
        if escaped || keys.len() > most || text.len() > longest || !keys.iter().all(fits) {
            return Err(Error::misuse(format!("`{}` is no path in values.yaml", super::valid::shown(text)))
                .hint(r#"write its keys, joined by dots: image = "controller.image" (no entries of lists)"#));
        }
        Ok(Self(keys))
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self
            .0
            .iter()
            .map(|key| key.replace('\\', "\\\\").replace('.', "\\."))
            .collect();
        f.write_str(&keys.join("."))
    }
}

impl fmt::Debug for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValuePath({:?})", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_values_is_keys_joined_by_dots() {
        let keys = |text: &str| text.parse::<ValuePath>().unwrap().keys().join("|");
        assert_eq!(keys("image"), "image");
        assert_eq!(keys("controller.image"), "controller|image");
        assert_eq!(keys(r"a\.b.c\\d"), r"a.b|c\d");
        for text in ["image", r"a\.b.c\\d"] {
            assert_eq!(text.parse::<ValuePath>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            r"a\",
            "a[0].b",
            "{a}",
            "a\nb",
            &"a.".repeat(20),
        ] {
            assert!(bad.parse::<ValuePath>().is_err(), "{bad}");
        }
    }
}
