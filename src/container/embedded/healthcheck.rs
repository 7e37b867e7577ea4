//! `HEALTHCHECK`, which is Docker's own extension of the configuration.

use parse_dockerfile::{Command, HealthcheckArguments, HealthcheckInstruction};
use serde_json::{Map, Value, json};

use super::{
    dockerfile::{InstructionPlace, Places},
    options,
};
use crate::model::error::Result;

/// What the configuration says of the `HEALTHCHECK` at `place`.
pub(super) fn read(
    places: &Places,
    place: &InstructionPlace,
    it: &HealthcheckInstruction,
) -> Result<Value> {
    let HealthcheckArguments::Cmd { arguments, .. } = &it.arguments else {
        return Ok(json!({ "Test": ["NONE"] }));
    };
    let test = match arguments {
        Command::Exec(words) if words.value.is_empty() => {
            return Err(place.misuse("there is no command"));
        }
        Command::Exec(words) => words
            .value
            .iter()
            .map(|word| word.value.to_string())
            .collect(),
        Command::Shell(text) => vec![places.command(place, text.value)?],
        _ => return Err(place.needs_engine("its form is not known here")),
    };
    let kind = if matches!(arguments, Command::Exec(_)) {
        "CMD"
    } else {
        "CMD-SHELL"
    };
    let mut check = Map::new();
    check.insert("Test".into(), [vec![kind.to_owned()], test].concat().into());

    let durations = [
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("start-period", "StartPeriod"),
        ("start-interval", "StartInterval"),
    ];
    let known = [
        "interval",
        "timeout",
        "start-period",
        "start-interval",
        "retries",
    ];
    let options = options::read(place, &it.options, &known)?;
    for (option, key) in durations {
        let Some(text) = options.value(place, option)? else {
            continue;
        };
        // Zero means "the default" there, as does absence.
        let duration = Some(nanoseconds(place, text)?).filter(|&duration| duration > 0);
        check.extend(duration.map(|duration| (key.to_owned(), duration.into())));
    }
    if let Some(text) = options.value(place, "retries")? {
        let retries = text
            .parse::<u32>()
            .map_err(|_| place.misuse(format!("`{text}` is not a number of retries")))?;
        // As with the durations: none is the default.
        check.extend((retries > 0).then(|| ("Retries".to_owned(), retries.into())));
    }
    Ok(Value::Object(check))
}

/// A duration in Go's notation (`1m30s`), which Docker keeps in nanoseconds.
fn nanoseconds(place: &InstructionPlace, text: &str) -> Result<i64> {
    let go = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b".hmsun".contains(&b));
    let duration = text.parse::<jiff::SignedDuration>().ok().filter(|_| go);
    let nanoseconds = duration.and_then(|duration| i64::try_from(duration.as_nanos()).ok());
    match nanoseconds.filter(|&nanoseconds| nanoseconds >= 1_000_000) {
        Some(nanoseconds) => Ok(nanoseconds),
        None if text == "0" || text == "0s" => Ok(0),
        None => {
            let why = format!("`{text}` is not a duration of at least 1ms");
            Err(place.misuse(why).hint("write `30s`, `1m30s` or `500ms`"))
        }
    }
}
