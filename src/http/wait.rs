//! Waits that end when their time is over or a signal arrives.

use std::{
    io,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use ureq::{Timeout, unversioned::transport::NextTimeout};

use crate::interrupt;

/// How often a wait looks for a signal.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// A wait for one thing.
pub(super) struct Wait {
    began: Instant,
    longest: Duration,
    reason: Timeout,
    is_interrupted: fn() -> bool,
}

impl Wait {
    /// It begins now, and may take as long as `limit` says.
    pub(super) fn new(limit: NextTimeout) -> Self {
        Self {
            began: Instant::now(),
            longest: *limit.after,
            reason: limit.reason,
            is_interrupted: || interrupt::pending().is_some(),
        }
    }

    /// Something happened: the time begins anew.
    pub(super) fn restart(&mut self) {
        self.began = Instant::now();
    }

    /// # Errors
    /// Why there is no more waiting: the time is over, or flota is interrupted.
    pub(super) fn check(&self) -> Result<(), ureq::Error> {
        if (self.is_interrupted)() {
            // Not `ErrorKind::Interrupted`: readers and TLS try again after that.
            return Err(io::Error::other("interrupted").into());
        }
        match self.began.elapsed() < self.longest {
            true => Ok(()),
            false => Err(ureq::Error::Timeout(self.reason)),
        }
    }

    /// Does what cannot be broken off, such as asking the system for a host's addresses, on a thread of its own. The thread
    /// is left behind when there is no more waiting.
    pub(super) fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ureq::Error> + Send + 'static,
    ) -> Result<T, ureq::Error> {
        let (sender, done) = mpsc::sync_channel(1);
        thread::Builder::new().spawn(move || {
            // Nobody listens any more to what comes too late.
            let _ = sender.send(work());
        })?;
        loop {
            self.check()?;
            match done.recv_timeout(TICK) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other("the thread ended early").into());
                }
            }
        }
    }
}

/// What `work` gives, done on a thread of its own; none when a signal arrives before that, or there is no thread to be had.
pub(crate) fn unless_interrupted<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let endless = Wait::new(NextTimeout::default());
    endless.on_a_thread(|| Ok(work())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(longest: Duration, is_interrupted: fn() -> bool) -> Wait {
        Wait {
            began: Instant::now(),
            longest,
            reason: Timeout::Resolve,
            is_interrupted,
        }
    }

    /// What stands for a system call that takes an hour.
    fn hang() -> Result<(), ureq::Error> {
        thread::sleep(Duration::from_secs(3600));
        Ok(())
    }

    #[test]
    fn work_is_left_behind_when_its_time_is_over_or_a_signal_arrives() {
        let began = Instant::now();
        let impatient = wait(Duration::from_millis(1), || false);
        let ended = impatient.on_a_thread(hang);
        assert!(matches!(ended, Err(ureq::Error::Timeout(Timeout::Resolve))));
        let interrupted = wait(Duration::from_secs(3600), || true);
        let ended = interrupted.on_a_thread(hang);
        assert!(matches!(ended, Err(ureq::Error::Io(_))));
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn what_the_work_gives_comes_through() {
        let patient = wait(Duration::from_secs(3600), || false);
        assert_eq!(patient.on_a_thread(|| Ok(7)).unwrap(), 7);
        let failed = patient.on_a_thread::<()>(|| Err(ureq::Error::HostNotFound));
        assert!(matches!(failed, Err(ureq::Error::HostNotFound)));
    }
}
