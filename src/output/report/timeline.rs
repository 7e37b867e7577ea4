//! The timeline: a lane for each job slot, in it a bar for each service, in that a block for each part of its work.

use std::collections::{BTreeMap, HashMap};

use bstr::BStr;
use serde::Serialize;

use super::{
    critical_path::{JobTime, critical_path},
    parts::{Entry, JobReport, name, offsets, took},
};
use crate::{
    model::{
        document::{PhaseV1, TimingV1},
        timing::{Phase, PhaseEnding},
    },
    output::text,
};

/// How high a lane is, in pixels.
const LANE: usize = 30;
/// How much of that is above a bar.
const ABOVE: usize = 4;
/// From which part of the whole on a bar has room for a name, in percent.
const NAMED: f64 = 4.0;
/// How many services of the critical path are named in words: those that took longest.
const STEPS_NAMED: usize = 12;
/// How many times are written below at most.
const TICKS: f64 = 8.0;
/// What lies between two of them, in seconds.
const STEPS: [f64; 17] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0,
    1800.0,
];

#[derive(Serialize)]
pub(super) struct Timeline {
    height: usize,
    lane: usize,
    lanes: Vec<Lane>,
    ticks: Vec<Tick>,
    /// What was done before the first job began, in percent of the whole.
    preparation: String,
    /// Whether that is long enough to be named.
    is_preparation_named: bool,
    /// The services that the end waited for, in words; none for several that are left out.
    path: Vec<Option<String>>,
    path_count: usize,
    path_took: String,
}

#[derive(Serialize)]
struct Lane {
    label: String,
    top: usize,
    bars: Vec<Bar>,
}

/// All places are percents of the timeline; those of blocks, of their bar.
#[derive(Serialize)]
struct Bar {
    /// The number of the service's row.
    row: usize,
    x: String,
    width: String,
    top: usize,
    title: String,
    label: Option<String>,
    is_critical: bool,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
struct Block {
    class: &'static str,
    x: String,
    width: String,
}

#[derive(Serialize)]
struct Tick {
    x: String,
    label: String,
}

/// The timeline of what began; none where nothing did. And the numbers of the entries on the critical path.
pub(super) fn timeline(
    parts: &[JobReport<'_>],
    entries: &[Entry<'_>],
) -> (Option<Timeline>, Vec<usize>) {
    let offsets = offsets(parts);
    let timed = entries.iter().enumerate();
    let timed: Vec<Timed<'_>> = timed
        .filter_map(|(row, entry)| {
            let timing = entry.built.timing.as_ref()?;
            Some(Timed {
                row,
                entry,
                timing,
                start: offsets[entry.part] + timing.start,
                took: entry.built.seconds,
            })
        })
        .collect();
    if timed.is_empty() {
        return (None, Vec::new());
    }
    let lanes: BTreeMap<(usize, usize), usize> = {
        let mut keys: Vec<_> = timed.iter().map(Timed::lane).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().zip(0..).collect()
    };
    let jobs = jobs(&timed, &lanes);
    let path = critical_path(&jobs);
    let built = parts.iter().zip(&offsets);
    let ends = built.map(|(part, offset)| offset + part.build.seconds);
    let end = ends
        .chain(jobs.iter().map(|job| job.end))
        .fold(0.0, f64::max);
    let scale = Scale(end.max(0.001));
    let first = timed.iter().map(|it| it.start).fold(f64::MAX, f64::min);
    let bar = |(number, it): (usize, &Timed<'_>)| {
        bar(it, lanes[&it.lane()], path.contains(&number), &scale)
    };
    let mut bars: Vec<Vec<Bar>> = lanes.iter().map(|_| Vec::new()).collect();
    for (number, it) in timed.iter().enumerate() {
        bars[lanes[&it.lane()]].push(bar((number, it)));
    }
    let named = |number: &usize| {
        let built = timed[*number].entry.built;
        format!("{} {}", name(&built.step.name), took(built.seconds))
    };
    let timeline = Timeline {
        height: lanes.len() * LANE,
        lane: LANE,
        ticks: ticks(scale.0),
        preparation: scale.percent(first),
        is_preparation_named: 100.0 * first / scale.0 >= 2.0 * NAMED,
        path: shortened(&path, |number| timed[*number].took)
            .into_iter()
            .map(|number| number.map(|it| named(&it)))
            .collect(),
        path_count: path.len(),
        path_took: took(path.iter().map(|it| timed[*it].took).sum()),
        lanes: lanes
            .iter()
            .zip(bars)
            .map(|((&(part, slot), &place), bars)| Lane {
                label: match &parts[part].name {
                    Some(name) => format!("{} · {}", text::controls_line(name), slot + 1),
                    None => format!("job {}", slot + 1),
                },
                top: place * LANE,
                bars,
            })
            .collect(),
    };
    let rows = path.into_iter().map(|number| timed[number].row);
    (Some(timeline), rows.collect())
}

/// A service whose job began.
struct Timed<'a> {
    row: usize,
    entry: &'a Entry<'a>,
    timing: &'a TimingV1,
    /// After the first part began.
    start: f64,
    took: f64,
}

impl Timed<'_> {
    fn lane(&self) -> (usize, usize) {
        (self.entry.part, self.timing.slot)
    }
}

/// A long path without those that took least; none stands for one or more that are left out.
fn shortened(path: &[usize], took: impl Fn(&usize) -> f64) -> Vec<Option<usize>> {
    let mut longest = path.to_vec();
    longest.sort_by(|one, other| took(other).total_cmp(&took(one)));
    longest.truncate(STEPS_NAMED);
    let shown = path.iter().map(|one| longest.contains(one).then_some(*one));
    let mut shown: Vec<_> = shown.collect();
    shown.dedup_by(|one, before| one.is_none() && before.is_none());
    shown
}

fn jobs(timed: &[Timed<'_>], lanes: &BTreeMap<(usize, usize), usize>) -> Vec<JobTime> {
    let places: HashMap<(usize, &BStr), usize> = timed
        .iter()
        .map(|it| (it.entry.part, it.entry.built.step.path.as_ref()))
        .zip(0..)
        .collect();
    let job = |it: &Timed<'_>| {
        let after = it.entry.built.after.iter();
        let place = |path: &BStr| places.get(&(it.entry.part, path)).copied();
        JobTime {
            lane: lanes[&it.lane()],
            start: it.start,
            end: it.start + it.took,
            after: after.filter_map(|one| place(one.path.as_ref())).collect(),
        }
    };
    timed.iter().map(job).collect()
}

fn bar(it: &Timed<'_>, place: usize, is_critical: bool, scale: &Scale) -> Bar {
    let built = it.entry.built;
    let called = name(&built.step.name);
    let phases = it.timing.phases.iter();
    let words: Vec<_> = phases.clone().map(words).collect();
    let critical = match is_critical {
        true => "\non the critical path",
        false => "",
    };
    let within = Scale(it.took.max(f64::MIN_POSITIVE));
    Bar {
        row: it.row,
        x: scale.percent(it.start),
        // Thinner than a pixel is not there.
        width: scale.percent(it.took.max(scale.0 / 1000.0)),
        top: place * LANE + ABOVE,
        title: format!(
            "{called}: {}\n{}{critical}",
            took(it.took),
            words.join("\n")
        ),
        label: (100.0 * it.took / scale.0 >= NAMED).then_some(called),
        is_critical,
        blocks: phases
            .map(|phase| Block {
                class: class(phase),
                x: within.percent(phase.start - it.timing.start),
                width: within.percent(phase.seconds),
            })
            .collect(),
    }
}

/// What a part of the work is called.
pub(super) fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Image => "image",
        Phase::PushImage => "push of the image",
        Phase::Chart => "chart",
        Phase::PushChart => "push of the chart",
    }
}

fn words(phase: &PhaseV1) -> String {
    let ending = match phase.ending {
        PhaseEnding::Done => "",
        PhaseEnding::Reused => ", reused",
        PhaseEnding::Failed => ", failed",
    };
    format!(
        "{}: {}{ending}",
        phase_word(phase.phase),
        took(phase.seconds)
    )
}

fn class(phase: &PhaseV1) -> &'static str {
    match (phase.ending, phase.phase) {
        (PhaseEnding::Failed, _) => "failed",
        (PhaseEnding::Reused, _) => "reused",
        (PhaseEnding::Done, Phase::Image) => "image",
        (PhaseEnding::Done, Phase::Chart) => "chart",
        (PhaseEnding::Done, Phase::PushImage | Phase::PushChart) => "push",
    }
}

/// The length of the whole, in seconds.
struct Scale(f64);

impl Scale {
    fn percent(&self, seconds: f64) -> String {
        let percent = (100.0 * seconds / self.0).clamp(0.0, 100.0);
        format!("{percent:.3}%")
    }
}

fn ticks(end: f64) -> Vec<Tick> {
    let step = STEPS.into_iter().find(|step| end / step <= TICKS);
    let step = step.unwrap_or_else(|| (end / TICKS / 3600.0).ceil() * 3600.0);
    let count = (end / step).floor();
    let scale = Scale(end);
    let mut ticks = Vec::new();
    let mut number = 0.0;
    while number <= count {
        let at = number * step;
        // The last one would have its text beyond the edge.
        if at <= end * 0.96 {
            ticks.push(Tick {
                x: scale.percent(at),
                label: tick_label(at),
            });
        }
        number += 1.0;
    }
    ticks
}

/// `0`, `0.25 s`, `10 s`, `1:30 min`, `2:00 h`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates"
)]
fn tick_label(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match seconds {
        0.0 => "0".to_owned(),
        ..60.0 => format!("{} s", (seconds * 100.0).round() / 100.0),
        ..3600.0 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_names_what_took_longest() {
        let took = |number: &usize| if *number < 20 { 1.0 } else { 2.0 };
        let all: Vec<usize> = (0..12).collect();
        let named = |path: &[usize]| path.iter().copied().map(Some).collect::<Vec<_>>();
        assert_eq!(shortened(&all, took), named(&all));
        let long: Vec<usize> = (10..32).collect();
        let end: Vec<usize> = (20..32).collect();
        assert_eq!(shortened(&long, took), [vec![None], named(&end)].concat());
    }

    #[test]
    fn times_below_are_few_and_round() {
        let labels = |end| {
            let ticks = ticks(end).into_iter();
            ticks.map(|tick| tick.label).collect::<Vec<_>>()
        };
        assert_eq!(labels(0.001), ["0"]);
        assert_eq!(
            labels(0.3),
            ["0", "0.05 s", "0.1 s", "0.15 s", "0.2 s", "0.25 s"]
        );
        assert_eq!(
            labels(4.0),
            ["0", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s", "3 s", "3.5 s"]
        );
        assert_eq!(
            labels(200.0),
            [
                "0", "30 s", "1:00 min", "1:30 min", "2:00 min", "2:30 min", "3:00 min"
            ]
        );
        assert_eq!(labels(30_000.0)[1], "2:00 h");
        for end in [0.001, 0.7, 13.0, 61.0, 3599.0, 4000.0, 1e6, 1e9] {
            assert!(ticks(end).len() <= 9, "{end}");
        }
    }
}
