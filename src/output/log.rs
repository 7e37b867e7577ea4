//! What `-v` and `FLOTA_LOG` show on stderr: a line for each child process, each request, and each faster way that was not taken.

use std::{
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
};

use indicatif::MultiProgress;
use log::{LevelFilter, Log, Metadata, Record};

use super::{text, theme};

/// The bars that are on the terminal just now: lines go above them.
static BARS: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// From now on what the crate logs up to `level` is printed; libraries below are left out, which say what they like.
pub(crate) fn install(level: LevelFilter) {
    // A second run in one process keeps the first one's.
    if level > LevelFilter::Off && log::set_logger(&Lines).is_ok() {
        log::set_max_level(level);
    }
}

/// Says which bars are on the terminal, or that there are none any more.
pub(super) fn draw_above(bars: Option<MultiProgress>) {
    *BARS.lock().unwrap_or_else(PoisonError::into_inner) = bars;
}

/// Runs `work` with the bars off the terminal: what changes in them meanwhile waits, and lines of the log are printed below.
pub(crate) fn aside(work: &mut dyn FnMut()) {
    let bars = BARS.lock().unwrap_or_else(PoisonError::into_inner).take();
    match &bars {
        Some(bars) => bars.suspend(work),
        None => work(),
    }
    draw_above(bars);
}

struct Lines;

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let root = metadata.target().split("::").next();
        root == Some(env!("CARGO_CRATE_NAME"))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = text::line(&record.args().to_string());
        let line = format!("{} {message}", theme::detail("·"));
        let bars = BARS.lock().unwrap_or_else(PoisonError::into_inner);
        // That nobody reads it stops nothing.
        let _ = match &*bars {
            Some(bars) => bars.println(line),
            None => writeln!(io::stderr().lock(), "{line}"),
        };
    }

    fn flush(&self) {}
}
