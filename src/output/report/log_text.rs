//! Logs as text for a page or a file.

use bstr::ByteSlice;

use crate::{model::excerpt::Excerpt, output::text};

/// What is kept of a log, readable: without colours, with what else steers a terminal made visible.
pub(super) fn log_text(log: &Excerpt) -> String {
    let mut shown = readable(&log.first);
    if log.left_out > 0 {
        if !shown.is_empty() && !shown.ends_with('\n') {
            shown.push('\n');
        }
        shown += &format!("[… {} left out …]\n", text::size(log.left_out));
        shown += &readable(&log.last);
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// The last `most` bytes of it, from where a line begins.
pub(super) fn log_end(log: &Excerpt, most: usize) -> String {
    let all = log_text(log);
    let Some(cut) = all.len().checked_sub(most).filter(|cut| *cut > 0) else {
        return all;
    };
    let cut = (cut..).find(|at| all.is_char_boundary(*at)).unwrap_or(cut);
    let cut = all[cut..].find('\n').map_or(cut, |line| cut + line + 1);
    format!("[… the beginning is left out …]\n{}", &all[cut..])
}

/// Text of other programs without their colours, and with whatever else steers a terminal made visible.
pub(super) fn readable(bytes: &[u8]) -> String {
    let text = bytes.to_str_lossy();
    let plain = console::strip_ansi_codes(&text);
    // What draws a bar over and over again on one line.
    let lines = plain.replace("\r\n", "\n").replace('\r', "\n");
    text::controls(&lines)
}
