//! When a busy server wants to be asked again (RFC 9110, 10.2.3, `Retry-After`).

use std::time::{Duration, SystemTime};

use jiff::{
    civil::DateTime,
    fmt::{rfc2822, strtime},
    tz::TimeZone,
};
use ureq::http::{HeaderMap, header};

/// The longest wait that a server is granted.
const LONGEST: Duration = Duration::from_secs(30);

/// How long `headers` ask to wait, never longer than half a minute; none when they do not say.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    retry_after_value(headers.get(header::RETRY_AFTER)?.to_str().ok()?)
}

/// The same of the header's value alone, for answers that somebody else got.
pub(crate) fn retry_after_value(value: &str) -> Option<Duration> {
    wait(value, SystemTime::now())
}

/// Seconds, or a date, of which those that are over mean no time at all.
fn wait(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let asked = if is_number {
        // What does not fit is longer than any wait.
        value.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        date(value)?.duration_since(now).unwrap_or_default()
    };
    Some(asked.min(LONGEST))
}

/// A date in one of the three forms that recipients must accept (RFC 9110, 5.6.7).
fn date(value: &str) -> Option<SystemTime> {
    if let Ok(date) = rfc2822::parse(value) {
        return Some(date.timestamp().into());
    }
    let obsolete = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let date: DateTime = obsolete.iter().find_map(|form| {
        let parsed = strtime::parse(form, value).ok()?;
        parsed.to_datetime().ok()
    })?;
    let date = date.to_zoned(TimeZone::UTC).ok()?;
    Some(date.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        // 1994-11-06, 08:49:30.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        for (value, want) in [
            ("0", Some(0)),
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("3600", Some(30)),
            ("99999999999999999999999", Some(30)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(7)),
            ("Sun Nov  6 08:49:37 1994", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:49:37 GMT", Some(30)),
            ("", None),
            ("soon", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1, 2", None),
            ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ] {
            let told = wait(value, now).map(|told| told.as_secs());
            assert_eq!(told, want, "{value}");
        }
    }

    #[test]
    fn a_header_that_is_missing_or_no_text_says_nothing() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(header::RETRY_AFTER, b"\xff"[..].try_into().unwrap());
        assert_eq!(retry_after(&headers), None);
        headers.insert(header::RETRY_AFTER, "3".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(3)));
    }
}
