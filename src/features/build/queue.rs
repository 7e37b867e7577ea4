//! The order of a run: what others wait for first, then what takes longest.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// One job, as far as the order goes.
pub(super) struct QueuedJob {
    /// The numbers of the jobs that must end before it begins.
    pub after: Vec<usize>,
    /// How long it took last time; none where nobody knows.
    pub took: Option<Duration>,
}

/// The jobs that may begin, handed out one by one to whoever has time. A job is known by its number.
pub(super) struct Queue {
    state: Mutex<State>,
    ended: Condvar,
    /// For each job those that wait for it.
    waiting_for: Vec<Vec<usize>>,
    /// For each job how long it and what waits for it take.
    weights: Vec<Duration>,
}

struct State {
    /// For each job how many it still waits for.
    open: Vec<usize>,
    ready: BTreeSet<(Reverse<Duration>, usize)>,
    /// How many have not been handed out.
    left: usize,
}

impl Queue {
    /// For jobs without circles. Of jobs that weigh the same the one with the lower number goes first; one that nobody has
    /// timed goes before all others, since it may be the longest.
    pub(super) fn new(jobs: &[QueuedJob]) -> Self {
        let mut waiting_for = vec![Vec::new(); jobs.len()];
        for (number, job) in jobs.iter().enumerate() {
            for before in &job.after {
                waiting_for[*before].push(number);
            }
        }
        let weights = weights(jobs, &waiting_for);
        let open: Vec<_> = jobs.iter().map(|job| job.after.len()).collect();
        let ready = open.iter().enumerate().filter(|(_, open)| **open == 0);
        Self {
            state: Mutex::new(State {
                ready: ready
                    .map(|(number, _)| (Reverse(weights[number]), number))
                    .collect(),
                open,
                left: jobs.len(),
            }),
            ended: Condvar::new(),
            waiting_for,
            weights,
        }
    }

    /// The next job; waits for one that may begin, and is none when all were handed out. What waits for it may begin when the
    /// turn is dropped.
    pub(super) fn next(&self) -> Option<Turn<'_>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing_ready = |state: &mut State| state.left > 0 && state.ready.is_empty();
        let state = self.ended.wait_while(state, nothing_ready);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let (_, number) = state.ready.pop_first()?;
        state.left -= 1;
        if state.left == 0 {
            self.ended.notify_all();
        }
        Some(Turn {
            queue: self,
            number,
        })
    }

    fn end(&self, number: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for &waiting in &self.waiting_for[number] {
            state.open[waiting] -= 1;
            if state.open[waiting] == 0 {
                state
                    .ready
                    .insert((Reverse(self.weights[waiting]), waiting));
            }
        }
        self.ended.notify_all();
    }
}

/// A job that is under way.
pub(super) struct Turn<'a> {
    queue: &'a Queue,
    /// Its number.
    pub number: usize,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.queue.end(self.number);
    }
}

/// The length of the longest way from each job to an end.
fn weights(jobs: &[QueuedJob], waiting_for: &[Vec<usize>]) -> Vec<Duration> {
    let own = |number: usize| jobs[number].took.unwrap_or(Duration::MAX);
    let mut weights = vec![Duration::ZERO; jobs.len()];
    let mut open: Vec<usize> = waiting_for.iter().map(Vec::len).collect();
    let mut last: Vec<usize> = (0..jobs.len())
        .filter(|number| open[*number] == 0)
        .collect();
    while let Some(number) = last.pop() {
        let behind = waiting_for[number].iter().map(|one| weights[*one]);
        weights[number] = own(number).saturating_add(behind.max().unwrap_or_default());
        for &before in &jobs[number].after {
            open[before] -= 1;
            if open[before] == 0 {
                last.push(before);
            }
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order in which one worker gets the jobs.
    fn order(jobs: &[(&[usize], Option<u64>)]) -> Vec<usize> {
        let jobs: Vec<_> = jobs
            .iter()
            .map(|(after, seconds)| QueuedJob {
                after: after.to_vec(),
                took: seconds.map(Duration::from_secs),
            })
            .collect();
        let queue = Queue::new(&jobs);
        std::iter::from_fn(|| queue.next().map(|turn| turn.number)).collect()
    }

    #[test]
    fn what_takes_longest_begins_first() {
        for (jobs, want) in [
            (
                &[(&[][..], None), (&[], None), (&[], None)][..],
                &[0, 1, 2][..],
            ),
            (
                &[(&[], Some(1)), (&[], Some(3)), (&[], Some(2))],
                &[1, 2, 0],
            ),
            // Nobody knows how long the second one takes.
            (&[(&[], Some(9)), (&[], None)], &[1, 0]),
            // A short one that a long one waits for.
            (
                &[(&[], Some(5)), (&[2], Some(9)), (&[], Some(1))],
                &[2, 1, 0],
            ),
            (
                &[(&[1, 2], Some(1)), (&[2], Some(1)), (&[], Some(1))],
                &[2, 1, 0],
            ),
        ] {
            assert_eq!(order(jobs), want);
        }
    }

    #[test]
    fn nobody_waits_in_vain() {
        let after = |after: &[usize]| QueuedJob {
            after: after.to_vec(),
            took: None,
        };
        // Ten chains of ten.
        let jobs: Vec<_> = (0..100_usize)
            .map(|number| match number.checked_sub(10) {
                Some(before) => after(&[before]),
                None => after(&[]),
            })
            .collect();
        let queue = Queue::new(&jobs);
        let done = Mutex::new(BTreeSet::new());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while let Some(turn) = queue.next() {
                        let mut done = done.lock().unwrap();
                        assert!(jobs[turn.number].after.iter().all(|one| done.contains(one)));
                        done.insert(turn.number);
                    }
                });
            }
        });
        assert_eq!(done.into_inner().unwrap().len(), jobs.len());
    }
}
