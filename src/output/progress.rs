//! Progress of a build on stderr: a bar for the whole and one per running job on a terminal, plain lines elsewhere.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use console::Style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{Output, text};
use crate::model::event::{Ending, Event};

/// A fetch of a few repositories is over before a bar could be read.
const FETCHING_IS_SHOWN_AFTER: Duration = Duration::from_secs(1);

/// Turns events into what a person sees. Give [`Progress::event`] to a feature, and drop this before printing results.
pub struct Progress {
    output: Output,
    bars: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    whole: Option<ProgressBar>,
    running: HashMap<usize, ProgressBar>,
    fetching: Option<ProgressBar>,
    /// Failures are shown last and open, so that they are what the eye meets.
    failures: Vec<Failure>,
}

struct Failure {
    name: String,
    log: Option<Arc<[u8]>>,
}

impl Progress {
    /// Bars where the output has a terminal, lines elsewhere; nothing in quiet runs but failures.
    pub fn new(output: Output) -> Self {
        let target = if output.bars {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            output,
            bars: MultiProgress::with_draw_target(target),
            state: Mutex::default(),
        }
    }

    /// Takes one event; may be called from several threads.
    pub fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { jobs } => state.whole = Some(self.whole_bar(jobs)),
            Event::Started { job, name, action } => {
                let bar = self.job_bar(&text::line(&name), state.whole.as_ref());
                bar.set_message(format!("{action:?}").to_lowercase());
                state.running.insert(job, bar);
            }
            Event::Step { job, step } => {
                if let Some(bar) = state.running.get(&job) {
                    bar.set_message(step);
                }
            }
            Event::Finished {
                job,
                name,
                ending,
                took,
                log,
            } => {
                if let Some(bar) = state.running.remove(&job) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
                if let Some(whole) = &state.whole {
                    whole.inc(1);
                }
                self.line(&ending_line(&name, &ending, took));
                match ending {
                    Ending::Failed => state.failures.push(Failure { name, log }),
                    _ if self.output.verbose => self.child_output(&name, log.as_deref()),
                    _ => {}
                }
            }
            Event::Fetching { repositories } => {
                state.fetching = Some(self.fetching_bar(repositories))
            }
            Event::Fetched => {
                if let Some(bar) = &state.fetching {
                    bar.inc(1);
                    if bar.length() == Some(bar.position()) {
                        bar.finish_and_clear();
                    }
                }
            }
            Event::Notice(message) => self.line(&text::line(&message)),
        }
    }

    /// Takes the bars away and shows what the children of the failed jobs printed; the errors themselves come with the result.
    pub fn finish(self) {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(whole) = state.whole {
            whole.finish_and_clear();
        }
        let loud = Output {
            quiet: false,
            ..self.output
        };
        for Failure { name, log } in state.failures {
            loud.status(format!(
                "\n{}",
                failed(&format!("── {} failed", text::line(&name)))
            ));
            if let Some(log) = log {
                loud.status(text::escape(String::from_utf8_lossy(&log).trim_end()));
            }
        }
    }

    fn child_output(&self, name: &str, log: Option<&[u8]>) {
        let Some(log) = log.filter(|log| !log.is_empty()) else {
            return;
        };
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
        bar.set_style(style("{bar:30.green} {pos}/{len} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Stays empty for as long as nobody wonders what is going on.
    fn fetching_bar(&self, repositories: usize) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(repositories as u64));
        let late = |state: &ProgressState, out: &mut dyn fmt::Write| {
            if state.elapsed() >= FETCHING_IS_SHOWN_AFTER {
                // A terminal that takes no text has nobody in front of it.
                let _ = write!(
                    out,
                    "fetching from {} of {} repositories",
                    state.pos(),
                    state.len().unwrap_or_default()
                );
            }
        };
        bar.set_style(style("{late}").with_key("late", late));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    fn job_bar(&self, name: &str, whole: Option<&ProgressBar>) -> ProgressBar {
        let bar = ProgressBar::new_spinner().with_prefix(name.to_owned());
        let bar = match whole {
            Some(whole) => self.bars.insert_before(whole, bar),
            None => self.bars.add(bar),
        };
        bar.set_style(style("{spinner} {prefix:.bold} {msg} {elapsed:.dim}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are fixed text")
}

fn ending_line(name: &str, ending: &Ending, took: Duration) -> String {
    let (mark, style, what) = match ending {
        Ending::Done(what) => ("✓", Style::new().green(), what.as_str()),
        Ending::Reused(what) => ("=", Style::new().cyan(), what.as_str()),
        Ending::Failed => ("✗", Style::new().red(), "failed"),
        Ending::Cancelled => {
            return format!(
                "{} {} not begun",
                Style::new().for_stderr().dim().apply_to("-"),
                text::line(name)
            );
        }
    };
    let mark = style.for_stderr().apply_to(mark);
    format!(
        "{mark} {} {} ({:.1} s)",
        text::line(name),
        text::line(what),
        took.as_secs_f64()
    )
}

fn failed(text: &str) -> String {
    Style::new()
        .for_stderr()
        .red()
        .bold()
        .apply_to(text)
        .to_string()
}
