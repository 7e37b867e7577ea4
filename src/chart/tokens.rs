//! `XX_NAME_XX` tokens: their names, their values, and what fills them.

use std::{collections::BTreeMap, ops::Range};

use super::request::ChartRequest;
use crate::model::{
    error::{Error, Result},
    settings::TokenValue,
};

const OPEN: &str = "XX_";
const CLOSE: &str = "_XX";
/// The longest name, so that hostile text is searched in linear time.
const NAME_LIMIT: usize = 64;

/// Splits `NAME=VALUE` as given to `--token`; see [`TokenValue::infer`] for the value's type.
///
/// # Errors
/// Misuse when there is no `=`, or the name is none that a token can have.
pub fn parse_argument(argument: &str) -> Result<(String, TokenValue)> {
    let (name, value) = argument.split_once('=').ok_or_else(|| {
        Error::misuse(format!("--token {argument}: no `=` in it")).hint("--token NAME=VALUE")
    })?;
    check_name(name)?;
    Ok((name.into(), TokenValue::infer(value)))
}

/// Fails unless `name` can stand between `XX_` and `_XX`.
///
/// # Errors
/// Misuse: a name is words of `A-Z0-9` joined by single `_`, at most 64 characters, without `_XX` inside.
pub fn check_name(name: &str) -> Result<()> {
    let token = format!("{OPEN}{name}{CLOSE}");
    if occurrences(&token)
        .next()
        .is_some_and(|(_, found)| found == name)
    {
        return Ok(());
    }
    Err(Error::misuse(format!("`{name}` is not a valid token name"))
        .hint("a token name is words of A-Z and 0-9 joined by `_`, as in ENVIRONMENT_NAME"))
}

/// The tokens of a text: where they stand, and their names. Of two readings the shortest name wins, so that
/// `XX_A_XX_XX_B_XX` is two tokens joined by `_`.
pub(super) fn occurrences(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(at) = text[from..].find(OPEN) {
            let start = from + at;
            let body = &text[start + OPEN.len()..];
            let length = body
                .bytes()
                .take(NAME_LIMIT + CLOSE.len())
                .take_while(is_name_byte)
                .count();
            if let Some(end) = body[..length]
                .find(CLOSE)
                .filter(|end| is_name(&body[..*end]))
            {
                from = start + OPEN.len() + end + CLOSE.len();
                return Some((start..from, &body[..end]));
            }
            from = start + 1;
        }
        None
    })
}

fn is_name_byte(byte: &u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')
}

fn is_name(text: &str) -> bool {
    text.split('_')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| is_name_byte(&byte)))
}

/// The values at hand for one chart: the request's own, and those the request implies.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<String, TokenValue>);

impl Tokens {
    /// `SERVICENAME`, `REGISTRY` (if there is one), `IMAGE` (the repository without the registry), `TAG`, `DIGEST` (if
    /// known), `CHARTVERSION` and `COMMIT`; the request's own values win over these.
    ///
    /// # Errors
    /// Misuse: a value that no chart can hold, or a name that no token has.
    pub(super) fn new(request: &ChartRequest, chart_version: &str) -> Result<Self> {
        let image = request.image.as_ref();
        let implied = [
            ("SERVICENAME", Some(request.service.as_str())),
            (
                "REGISTRY",
                image.and_then(|image| image.registry.as_deref()),
            ),
            ("IMAGE", image.map(|image| image.repository.as_str())),
            ("TAG", image.map(|image| image.tag.as_str())),
            ("DIGEST", image.and_then(|image| image.digest.as_deref())),
            ("CHARTVERSION", Some(chart_version)),
            ("COMMIT", Some(request.commit.as_str())),
        ];
        let mut values: BTreeMap<_, _> = implied
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), TokenValue::String(text?.into()))))
            .collect();
        for (name, value) in &request.tokens {
            check_name(name)?;
            if !value.is_finite() {
                return Err(Error::misuse(format!(
                    "token {name}: {value} is not a number that a chart can hold"
                ))
                .hint(format!(
                    "flota.toml: [chart.tokens] {name} = \"{value}\" is a string"
                )));
            }
            values.insert(name.clone(), value.clone());
        }
        Ok(Self(values))
    }

    /// The value of a token.
    pub(super) fn get(&self, name: &str) -> Option<&TokenValue> {
        self.0.get(name)
    }

    /// The text with its tokens filled, each value passed through `escape`. Values are not searched for tokens again.
    pub(super) fn fill(&self, text: &str, escape: impl Fn(&str) -> String) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (range, name) in occurrences(text) {
            if let Some(value) = self.get(name) {
                out.push_str(&text[at..range.start]);
                out.push_str(&escape(&value.to_string()));
                at = range.end;
            }
        }
        out.push_str(&text[at..]);
        out
    }
}

#[cfg(test)]
impl FromIterator<(String, TokenValue)> for Tokens {
    fn from_iter<I: IntoIterator<Item = (String, TokenValue)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        occurrences(text).map(|(_, name)| name).collect()
    }

    #[test]
    fn tokens_are_found_whole_and_inside() {
        assert_eq!(names("XX_ENVNAME_XX-XX_BUILDID_XX"), ["ENVNAME", "BUILDID"]);
        assert_eq!(names("vXX_A_B2_XX.x"), ["A_B2"]);
        assert_eq!(names("XX_A_XXXX_B_XX"), ["A", "B"]);
        assert_eq!(names("XX_A_XX_XX_B_XX"), ["A", "B"]);
        assert_eq!(names("é XXXX_A_XX é"), ["A"]);
    }

    #[test]
    fn what_only_looks_like_a_token_is_none() {
        for text in [
            "XX_",
            "XX__XX",
            "XX_a_XX",
            "XX_A__B_XX",
            "XX__A_XX",
            "XX_A_X",
            "XX A_XX",
            "xx_A_xx",
        ] {
            assert!(names(text).is_empty(), "{text}");
        }
        assert!(names(&format!("XX_{}_XX", "A".repeat(65))).is_empty());
        assert_eq!(names(&format!("XX_{}_XX", "A".repeat(64))).len(), 1);
    }

    #[test]
    fn hostile_text_is_searched_in_linear_time() {
        let started = std::time::Instant::now();
        assert_eq!(occurrences(&"XX_A".repeat(250_000)).count(), 0);
        assert!(started.elapsed().as_secs() < 60);
    }

    #[test]
    fn arguments_have_types() {
        let value = |text: &str| parse_argument(text).unwrap().1;
        assert_eq!(value("A=3"), TokenValue::Integer(3));
        assert_eq!(value("A=-7"), TokenValue::Integer(-7));
        assert_eq!(value("A=0.5"), TokenValue::Float(0.5));
        assert_eq!(value("A=true"), TokenValue::Bool(true));
        for text in [
            "1e5",
            "007",
            "+3",
            "inf",
            "NaN",
            "yes",
            "",
            "a=b",
            "1.",
            "99999999999999999999",
        ] {
            assert_eq!(value(&format!("A={text}")), TokenValue::String(text.into()));
        }
        for text in ["A", "a=1", "=1", "A-B=1", "A_XX_B=1"] {
            assert!(parse_argument(text).is_err(), "{text}");
        }
    }
}
