//! Work spread over threads, with results in the order of the input whatever the number of threads.

use std::{
    num::NonZeroUsize,
    panic::resume_unwind,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::model::error::{Error, Result};

/// The number of threads when nobody says: one for each core.
pub(crate) fn default_jobs() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// A pool of `jobs` threads.
pub(crate) fn pool(jobs: NonZeroUsize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.get())
        .build()
        .map_err(|err| cannot_start(jobs.get(), err))
}

fn cannot_start(threads: usize, err: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::unavailable(format!("cannot start {threads} threads")).because(err)
}

/// Lets a number of threads in at a time: for work that takes more of the machine than a thread that waits.
pub(crate) struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A thread that was let in; it leaves when this is dropped.
pub(crate) struct Entered<'a>(&'a Gate);

impl Gate {
    /// For `places` threads.
    pub(crate) fn new(places: NonZeroUsize) -> Self {
        Self {
            free: Mutex::new(places.get()),
            freed: Condvar::new(),
        }
    }

    /// Waits for a place.
    pub(crate) fn enter(&self) -> Entered<'_> {
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
pub(crate) fn map<T: Sync, R: Send>(
    jobs: NonZeroUsize,
    items: &[T],
    each: impl Fn(&T) -> R + Sync + Send,
) -> Result<Vec<R>> {
    // This thread works too: starting another costs more than reading a service or two.
    let threads = match items.len() {
        0..3 => 1,
        several => jobs.get().min(several),
    };
    let helpers = threads - 1;
    if helpers == 0 {
        return Ok(items.iter().map(each).collect());
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let taken = std::iter::from_fn(|| {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, each(item)))
        });
        taken.collect::<Vec<_>>()
    };
    // Plain threads: a pool of a thousand takes seconds to find out that there is nothing left to do.
    let mut done = std::thread::scope(|scope| {
        let mut started = Vec::with_capacity(helpers);
        for _ in 0..helpers {
            match std::thread::Builder::new().spawn_scoped(scope, work) {
                Ok(thread) => started.push(thread),
                Err(err) => {
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(cannot_start(threads, err));
                }
            }
        }
        let mut done = work();
        for thread in started {
            done.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        Ok(done)
    })?;
    done.sort_unstable_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for jobs in [1, 2, 7, 2000] {
            let jobs = NonZeroUsize::new(jobs).unwrap();
            for count in [0, 1, 2, 3, 1000] {
                let doubled = map(jobs, &items[..count], |item| item * 2).unwrap();
                assert!(doubled.iter().copied().eq((0..count).map(|item| item * 2)));
            }
        }
    }

    #[test]
    fn no_more_are_at_work_than_jobs() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        // The first three wait for each other: they are at work at a time.
        let (begun, meeting) = (AtomicUsize::new(0), std::sync::Barrier::new(3));
        map(NonZeroUsize::new(3).unwrap(), &[(); 60], |()| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            if begun.fetch_add(1, Ordering::SeqCst) < 3 {
                meeting.wait();
            }
            std::thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
        })
        .unwrap();
        assert_eq!(most.into_inner(), 3);
    }
}
