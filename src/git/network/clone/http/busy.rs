//! Servers that ask for patience (RFC 9110, 10.2.3, `Retry-After`): nobody of this run comes back before the time they say.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use bstr::{BStr, BString};
use jiff::fmt::rfc2822;
use ureq::http::{HeaderMap, Response, StatusCode, header};

use crate::git::network::retry::pause;

/// The servers that want to be left alone, and until when.
pub(super) struct Busy {
    until: Mutex<HashMap<BString, Instant>>,
    /// The longest wait.
    patience: Duration,
}

impl Busy {
    pub fn new(patience: Duration) -> Self {
        Self {
            until: Mutex::default(),
            patience,
        }
    }

    /// Waits until `server` may be asked; `false` when flota is interrupted meanwhile.
    pub fn wait(&self, server: &BStr) -> bool {
        let until = self.lock().get(server).copied();
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        left.is_none_or(pause)
    }

    /// Whether `server` asked, by this answer, to be asked again later, and not before a time of its own.
    pub fn note<T>(&self, server: &BStr, answer: &Response<T>) -> bool {
        let is_busy = matches!(
            answer.status(),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        let told = retry_after(answer.headers(), SystemTime::now()).filter(|_| is_busy);
        if let Some(told) = told {
            let until = Instant::now() + told.min(self.patience);
            self.lock().insert(server.to_owned(), until);
        }
        told.is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<BString, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait: seconds, or a date, of which those that are over mean no time at all.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let said = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = said.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::parse(said).ok()?;
    let date = SystemTime::from(date.timestamp());
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        // 1994-11-06, 08:49:30.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        for (said, want) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, said.parse().unwrap());
            let told = retry_after(&headers, now).map(|told| told.as_secs());
            assert_eq!(told, want, "{said}");
        }
    }
}
