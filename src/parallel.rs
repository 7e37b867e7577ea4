//! Work spread over threads, with results in the order of the input whatever the number of threads.

use std::num::NonZeroUsize;

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
