//! Lengths of time, as people write them.

use std::time::Duration;

use super::text::shown;
use crate::model::error::{Error, Result};

/// The units, with how many seconds each has.
const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86400)];

/// More would overflow the clocks that a deadline is computed with.
const MOST: u64 = u32::MAX as u64;

/// A whole number and its unit: `90s`, `10m`, `24h`, `7d`.
pub fn duration(text: &str) -> Result<Duration> {
    let seconds = UNITS.iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(*unit)?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = number.parse().ok().filter(|_| is_plain)?;
        number.checked_mul(*seconds)
    });
    match seconds {
        Some(seconds @ 1..=MOST) => Ok(Duration::from_secs(seconds)),
        _ => Err(
            Error::misuse(format!("`{}` is not a length of time", shown(text)))
                .hint("write a whole number and its unit: 90s, 10m, 24h, 7d"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("24h", 86400), ("7d", 604_800)] {
            assert_eq!(duration(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in [
            "",
            "0s",
            "10",
            "m",
            "-1h",
            "+1h",
            "1.5h",
            "1 h",
            "1w",
            "24H",
            "99999999999d",
            "1h30m",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
