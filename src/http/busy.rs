//! Busy servers (RFC 9110, 10.2.3, `Retry-After`): nothing in this run asks again before the time that they give.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bstr::{BStr, BString};
use ureq::http::{Response, StatusCode};

use super::retry_after::retry_after;
use crate::interrupt;

/// The servers that want to be left alone, and until when.
pub(crate) struct BusyServers {
    until: Mutex<HashMap<BString, Instant>>,
    /// The longest wait.
    patience: Duration,
}

impl BusyServers {
    /// None so far. No wait is longer than `patience`.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            until: Mutex::default(),
            patience,
        }
    }

    /// Waits until `server` may be asked; `false` when flota is interrupted meanwhile.
    pub(crate) fn wait(&self, server: &BStr) -> bool {
        let until = self.lock().get(server).copied();
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        left.is_none_or(interrupt::pause)
    }

    /// Whether `server` asked, by this answer, to be asked again later, and not before a time of its own.
    pub(crate) fn note<T>(&self, server: &BStr, answer: &Response<T>) -> bool {
        let is_busy = matches!(
            answer.status(),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        let told = retry_after(answer.headers()).filter(|_| is_busy);
        if let Some(told) = told {
            let until = Instant::now() + told.min(self.patience);
            self.lock().insert(server.to_owned(), until);
        }
        told.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BString, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
