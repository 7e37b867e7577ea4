//! Work spread over threads, with results in the order of the input whatever the number of threads.

use std::{
    num::NonZeroUsize,
    sync::{Condvar, Mutex, PoisonError},
};

use rayon::prelude::*;

use crate::model::error::{Error, Result};

/// The number of threads when nobody says: one for each core.
pub fn default_jobs() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// A pool of `jobs` threads.
pub fn pool(jobs: NonZeroUsize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.get())
        .build()
        .map_err(|err| Error::environment(format!("cannot start {jobs} threads")).because(err))
}

/// Lets a number of threads in at a time: for work that takes more of the machine than a thread that waits.
pub struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A thread that was let in; it leaves when this is dropped.
pub struct Entered<'a>(&'a Gate);

impl Gate {
    /// For `places` threads.
    pub fn new(places: NonZeroUsize) -> Self {
        Self {
            free: Mutex::new(places.get()),
            freed: Condvar::new(),
        }
    }

    /// Waits for a place.
    pub fn enter(&self) -> Entered<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.freed.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Entered(self)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// `each` applied to every item, at most `jobs` at a time.
pub fn map<T: Sync, R: Send>(
    jobs: NonZeroUsize,
    items: &[T],
    each: impl Fn(&T) -> R + Sync + Send,
) -> Result<Vec<R>> {
    // Starting threads costs more than reading a service or two.
    if jobs.get() == 1 || items.len() < 3 {
        return Ok(items.iter().map(each).collect());
    }
    Ok(pool(jobs)?.install(|| items.par_iter().map(each).collect()))
}
