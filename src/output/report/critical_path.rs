//! Which jobs decided when a build ended.

/// A job, as far as its time goes, in seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct JobTime {
    /// The lane that it ran in: one job at a time.
    pub lane: usize,
    pub start: f64,
    pub end: f64,
    /// The jobs that had to end before it could begin, by their numbers.
    pub after: Vec<usize>,
}

/// The numbers of the jobs that the end waited for, the first one first: each began when the one before it had ended, because it
/// needed its image, or its lane.
pub(super) fn critical_path(jobs: &[JobTime]) -> Vec<usize> {
    let later = |one: &usize, other: &usize| jobs[*one].end.total_cmp(&jobs[*other].end);
    let mut path = Vec::new();
    let mut next = (0..jobs.len()).max_by(later);
    while let Some(number) = next {
        path.push(number);
        let job = &jobs[number];
        let is_before = |other: usize| {
            let it = &jobs[other];
            let has_lane = it.lane == job.lane && it.start < job.start;
            // A document may have been edited: what ends after it was not waited for, and no path goes round.
            (has_lane || job.after.contains(&other)) && it.end <= job.start && it.start < job.start
        };
        next = (0..jobs.len()).filter(|one| is_before(*one)).max_by(later);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(jobs: &[(usize, f64, f64, &[usize])]) -> Vec<usize> {
        let jobs: Vec<_> = jobs
            .iter()
            .map(|&(lane, start, end, after)| JobTime {
                lane,
                start,
                end,
                after: after.to_vec(),
            })
            .collect();
        critical_path(&jobs)
    }

    #[test]
    fn the_end_waits_for_an_image_or_a_lane() {
        assert!(path(&[]).is_empty());
        assert_eq!(path(&[(0, 0.0, 1.0, &[]), (1, 0.0, 2.0, &[])]), [1]);
        // The third needs the first, and has the lane of the second.
        let jobs = [
            (0, 0.0, 5.0, &[][..]),
            (1, 0.0, 1.0, &[]),
            (1, 5.0, 9.0, &[0]),
        ];
        assert_eq!(path(&jobs), [0, 2]);
        // Nobody needs anybody.
        let jobs = [
            (0, 0.0, 3.0, &[][..]),
            (1, 0.0, 1.0, &[]),
            (1, 1.0, 9.0, &[]),
        ];
        assert_eq!(path(&jobs), [1, 2]);
    }

    #[test]
    fn no_document_leads_in_a_circle() {
        let jobs = [(0, 0.0, 0.0, &[1][..]), (0, 0.0, 0.0, &[0])];
        assert_eq!(path(&jobs).len(), 1);
        assert_eq!(path(&[(0, f64::NAN, f64::NAN, &[0])]), [0]);
    }
}
