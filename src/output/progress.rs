//! Progress on stderr: on a terminal a bar for the whole, and one for each of the jobs that run longest; plain lines elsewhere.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bstr::BStr;
use console::Style;
use indicatif::{
    HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

use super::{
    ci::log_commands::{self, Gravity},
    error, log,
    streams::Output,
    text, theme,
};
use crate::model::{
    error::Error,
    event::{Ending, Event},
    place::FileLine,
    report::BuildReport,
};

/// A fetch or push of a few repositories is over before a bar could be read.
const ASKING_IS_SHOWN_AFTER: Duration = Duration::from_secs(1);

/// Of the jobs that run at a time, those that began first are shown.
const JOBS_SHOWN: usize = 6;

/// Turns events into what a person sees. Give [`Progress::event`] to a feature, and [`Progress::finish`] it before printing
/// results.
pub(crate) struct Progress {
    output: Output,
    bars: MultiProgress,
    state: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    whole: Option<ProgressBar>,
    running: BTreeMap<usize, Running>,
    objects: u64,
    bytes: u64,
    logs: HashMap<usize, Arc<[u8]>>,
    asking: Option<ProgressBar>,
}

/// A job that has begun and not ended.
struct Running {
    name: String,
    doing: &'static str,
    since: Instant,
    /// None while others have run for longer.
    bar: Option<ProgressBar>,
}

/// What the children of failed jobs printed, by job.
pub(crate) struct Logs {
    output: Output,
    by_job: HashMap<usize, Arc<[u8]>>,
}

impl Progress {
    /// Bars where the output has a terminal, lines elsewhere; nothing in quiet runs but failures.
    pub(crate) fn new(output: Output) -> Self {
        let target = if output.bars {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        log::draw_above(output.bars.then(|| bars.clone()));
        Self {
            output,
            bars,
            state: Mutex::default(),
        }
    }

    /// Takes one event; may be called from several threads.
    pub(crate) fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { jobs } => match &state.whole {
                Some(whole) => whole.inc_length(jobs as u64),
                None => state.whole = Some(self.whole_bar(jobs)),
            },
            Event::Started { job, name, doing } => {
                let running = Running {
                    name,
                    doing,
                    since: Instant::now(),
                    bar: None,
                };
                state.running.insert(job, running);
                self.show_longest(&mut state);
            }
            Event::Step { job, step } => {
                if let Some(running) = state.running.get_mut(&job) {
                    running.doing = step;
                    if let Some(bar) = &running.bar {
                        bar.set_message(step);
                    }
                }
            }
            Event::Finished {
                job,
                name,
                ending,
                took,
                log,
            } => {
                if let Some(Running { bar: Some(bar), .. }) = state.running.remove(&job) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
                self.show_longest(&mut state);
                if let Some(whole) = &state.whole {
                    whole.inc(1);
                }
                let line = ending_line(&name, &ending, took);
                match (ending, log, self.output.dialect) {
                    (Ending::Failed, Some(log), _) => {
                        self.line(&line);
                        state.logs.insert(job, log);
                    }
                    (_, Some(log), Some(dialect)) => {
                        let said = String::from_utf8_lossy(&log);
                        self.line(&dialect.group(&line, &said, job));
                    }
                    (_, Some(log), None) if self.output.verbose => {
                        self.line(&line);
                        self.child_output(&name, &log);
                    }
                    _ => self.line(&line),
                }
            }
            Event::Fetching { repositories } => {
                state.asking = Some(self.asking_bar("fetching from", repositories))
            }
            Event::Pushing { repositories } => {
                state.asking = Some(self.asking_bar("pushing from", repositories))
            }
            Event::Fetched | Event::Pushed => {
                if let Some(bar) = &state.asking {
                    bar.inc(1);
                    if bar.length() == Some(bar.position()) {
                        bar.finish_and_clear();
                    }
                }
            }
            Event::Received { objects, bytes } => {
                state.objects += objects;
                state.bytes += bytes;
                if let Some(whole) = &state.whole {
                    whole.set_message(format!(
                        "{} objects, {}",
                        HumanCount(state.objects),
                        text::size(state.bytes)
                    ));
                }
            }
            Event::Notice(message) => {
                let dialect = self.output.dialect;
                let annotation =
                    dialect.and_then(|it| it.annotation(Gravity::Warning, "flota", None, &message));
                let word = theme::warning("warning:");
                self.line(&annotation.unwrap_or(format!("{word} {}", text::line(&message))));
            }
            Event::Note(message) => {
                self.line(&format!("{} {}", theme::dim("note:"), text::line(&message)));
            }
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(self) -> Logs {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(whole) = state.whole {
            whole.finish_and_clear();
        }
        log::draw_above(None);
        Logs {
            output: self.output,
            by_job: state.logs,
        }
    }

    fn child_output(&self, name: &str, log: &[u8]) {
        self.line(&format!("── {}", text::line(name)));
        self.line(text::escape(String::from_utf8_lossy(log).trim_end()).as_str());
    }

    /// One line above the bars, or on stderr alone.
    fn line(&self, line: &str) {
        if self.output.bars {
            let _ = self.bars.println(line);
        } else {
            self.output.status(line);
        }
    }

    fn whole_bar(&self, jobs: usize) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(jobs as u64));
        bar.set_style(style("{bar:30.green} {pos}/{len} {elapsed} {msg}"));
        animate(&bar, Duration::from_millis(200));
        bar
    }

    /// Stays empty for as long as nobody wonders what is going on.
    fn asking_bar(&self, what: &'static str, repositories: usize) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(repositories as u64));
        let late = move |state: &ProgressState, out: &mut dyn fmt::Write| {
            if state.elapsed() >= ASKING_IS_SHOWN_AFTER {
                // A terminal that takes no text has nobody in front of it.
                let _ = write!(
                    out,
                    "{what} {} of {} repositories",
                    state.pos(),
                    state.len().unwrap_or_default()
                );
            }
        };
        bar.set_style(style("{late}").with_key("late", late));
        animate(&bar, Duration::from_millis(200));
        bar
    }

    /// Gives bars to the jobs that began first; jobs are numbered in that order.
    fn show_longest(&self, state: &mut Shown) {
        if !self.output.bars {
            return;
        }
        for running in state.running.values_mut().take(JOBS_SHOWN) {
            if running.bar.is_none() {
                let bar = self.job_bar(running, state.whole.as_ref());
                running.bar = Some(bar);
            }
        }
    }

    fn job_bar(&self, running: &Running, whole: Option<&ProgressBar>) -> ProgressBar {
        let bar = ProgressBar::new_spinner()
            .with_prefix(text::line(&running.name))
            .with_message(running.doing)
            .with_elapsed(running.since.elapsed());
        let bar = match whole {
            Some(whole) => self.bars.insert_before(whole, bar),
            None => self.bars.add(bar),
        };
        bar.set_style(style("{spinner} {prefix:.bold} {msg} {elapsed:.dim}"));
        animate(&bar, Duration::from_millis(120));
        bar
    }
}

/// Draws the bar anew so often, also when nothing happens. That takes a thread, and indicatif panics where none can be started: then the
/// bar moves with the events alone.
fn animate(bar: &ProgressBar, every: Duration) {
    let probe = std::thread::Builder::new().spawn(|| ());
    if probe.is_ok_and(|probe| probe.join().is_ok()) {
        bar.enable_steady_tick(every);
    }
}

impl Logs {
    /// Failures, last and open, so that they are what the eye meets: for each service what its children printed, then the
    /// error. Services that fail alike share one. Of those that a signal stopped only the number is said.
    pub(crate) fn show_failures(&self, report: &BuildReport) {
        let failed = report.services.iter().enumerate();
        let failed =
            failed.filter_map(|(job, service)| Some((job, service, service.error.as_ref()?)));
        let (stopped, failed): (Vec<_>, Vec<_>) =
            failed.partition(|(_, _, error)| error.exit().is_signal());
        let mut groups: Vec<Failure<'_>> = Vec::new();
        for (job, service, error) in failed {
            let name = text::name(service.step.name.as_ref());
            let log = self
                .by_job
                .get(&job)
                .map(|log| String::from_utf8_lossy(log));
            let alike = groups
                .iter_mut()
                .find(|group| log.is_none() && group.log.is_none() && is_same(group.error, error));
            match alike {
                Some(group) => group.names.push(name),
                None => groups.push(Failure {
                    names: vec![name],
                    path: service.step.path.as_ref(),
                    error,
                    log,
                }),
            }
        }
        for group in groups {
            self.show(&group);
        }
        if !stopped.is_empty() {
            let services = text::plural(stopped.len(), "service");
            let loud = self.output.loud();
            loud.status(format!("interrupted: {services} stopped before the end"));
        }
    }

    fn show(&self, failure: &Failure<'_>) {
        let loud = self.output.loud();
        let names = failure.names.join(", ");
        let dialect = self.output.dialect;
        let title = dialect
            .and_then(|it| it.open(&names))
            .unwrap_or(format!("── {names}"));
        loud.status(format!("\n{}", theme::failure(&title)));
        if let Some(log) = &failure.log {
            loud.status(log_commands::child(dialect, log));
        }
        let log = failure.log.as_deref().unwrap_or_default();
        error::report_below(&loud, failure.error, log);
        let place = FileLine::of_failure(failure.path, &failure.error.to_string(), log);
        error::annotate(&loud, &names, place.as_ref(), failure.error);
    }
}

/// One error, and the services that it befell.
struct Failure<'a> {
    names: Vec<String>,
    /// Of the first of them.
    path: &'a BStr,
    error: &'a Error,
    log: Option<Cow<'a, str>>,
}

/// Whether two errors would be printed alike.
fn is_same(one: &Error, other: &Error) -> bool {
    let causes = |error: &Error| {
        let first = std::error::Error::source(error);
        let chain = std::iter::successors(first, |cause| cause.source());
        chain.map(ToString::to_string).collect::<Vec<_>>()
    };
    one.to_string() == other.to_string()
        && one.hints() == other.hints()
        && causes(one) == causes(other)
}

#[allow(clippy::expect_used, reason = "the templates are fixed text")]
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are fixed text")
}

fn ending_line(name: &str, ending: &Ending, took: Duration) -> String {
    let (mark, style, what) = match ending {
        Ending::Done(what) => ("✓", Style::new().green(), what.as_str()),
        Ending::Reused(what) => ("=", Style::new().cyan(), what.as_str()),
        Ending::Failed => ("✗", Style::new().red(), "failed"),
        Ending::Stopped => ("✗", Style::new().red(), "stopped"),
        Ending::Cancelled => ("-", Style::new().dim(), "not started"),
    };
    let mark = style.for_stderr().apply_to(mark);
    let line = format!("{mark} {}: {what}", text::line(name));
    if *ending == Ending::Cancelled {
        line
    } else {
        format!("{line} ({})", text::duration(took))
    }
}
