//! Known secrets become `***`, also where a read ends in the middle of one.

use std::{
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};

use bstr::ByteSlice;

/// What stands in a secret's place, as CI systems write it.
const MASK: &[u8] = b"***";

/// Shorter values would take innocent text with them (`1`, `dev`) and hide nothing that cannot be guessed.
const SHORTEST: usize = 4;

static SECRETS: RwLock<Vec<Arc<[u8]>>> = RwLock::new(Vec::new());

/// From now on `secret` appears as `***` in the text that children print and in their log files.
///
/// Each line of a value of several lines counts by itself, since builders put a prefix before every line. Lines
/// shorter than 4 bytes are left alone. What a command's standard output is read for as data is never masked.
pub fn mask_secret(secret: &[u8]) {
    let mut known = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    for line in secret.lines().map(<[u8]>::trim_ascii) {
        if line.len() >= SHORTEST && !known.iter().any(|old| **old == *line) {
            known.push(line.into());
        }
    }
}

/// `text` with the known secrets masked.
pub fn masked(text: &[u8]) -> Vec<u8> {
    let mut masker = Masker::new();
    let mut shown = masker.push(text);
    shown.extend(masker.finish());
    shown
}

/// A stream's filter: bytes go in as they are read, and come out once no secret can still begin in them.
pub(super) struct Masker {
    secrets: Vec<Arc<[u8]>>,
    longest: usize,
    /// The last bytes that were let out, as far back as a secret may reach, and those still held.
    window: Vec<u8>,
    /// How many bytes of `window` were let out.
    done: usize,
    /// Whether the last byte let out was part of a secret: overlapping ones share one mask.
    masking: bool,
}

impl Masker {
    /// A filter for the secrets known now.
    pub(super) fn new() -> Self {
        let known = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
        Self::of(known.clone())
    }

    fn of(secrets: Vec<Arc<[u8]>>) -> Self {
        Self {
            longest: secrets.iter().map(|secret| secret.len()).max().unwrap_or(1),
            secrets,
            window: Vec::new(),
            done: 0,
            masking: false,
        }
    }

    /// Takes what was read; gives what can be shown by now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.window.extend_from_slice(bytes);
        self.let_out(self.window.len().saturating_sub(self.longest - 1))
    }

    /// Gives what was held back, at the end of the stream.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.let_out(self.window.len())
    }

    fn let_out(&mut self, end: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(end.saturating_sub(self.done));
        let mut at = self.done;
        for secret in self.secret_ranges() {
            let (from, to) = (
                secret.start.clamp(at, end.max(at)),
                secret.end.clamp(at, end.max(at)),
            );
            if from > at {
                out.extend_from_slice(&self.window[at..from]);
                self.masking = false;
            }
            if to > from && !self.masking {
                out.extend_from_slice(MASK);
                self.masking = true;
            }
            at = to;
        }
        if end > at {
            out.extend_from_slice(&self.window[at..end]);
            self.masking = false;
        }
        let forget = end.max(self.done).saturating_sub(self.longest - 1);
        self.done = end.max(self.done) - forget;
        self.window.drain(..forget);
        out
    }

    /// Every occurrence of every secret in the window, by position.
    fn secret_ranges(&self) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        for secret in &self.secrets {
            let mut from = 0;
            while let Some(offset) = self.window[from..].find(secret) {
                ranges.push(from + offset..from + offset + secret.len());
                from += offset + 1;
            }
        }
        ranges.sort_by_key(|range| range.start);
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], text: &str, chunk: usize) -> String {
        let mut masker = Masker::of(
            secrets
                .iter()
                .map(|secret| Arc::from(secret.as_bytes()))
                .collect(),
        );
        let mut out = Vec::new();
        for bytes in text.as_bytes().chunks(chunk) {
            out.extend(masker.push(bytes));
        }
        out.extend(masker.finish());
        String::from_utf8(out).expect("the test's text is ASCII")
    }

    #[test]
    fn secrets_are_masked_wherever_reads_end() {
        for chunk in 1..40 {
            let text = "token=hunter2hunter; again hunter2, end hunt";
            let shown = masked(&["hunter2"], text, chunk);
            assert_eq!(
                shown, "token=***hunter; again ***, end hunt",
                "chunks of {chunk}"
            );
        }
    }

    #[test]
    fn a_secret_inside_another_or_across_another_leaves_nothing_behind() {
        for chunk in 1..12 {
            assert_eq!(masked(&["abcd", "abcdefgh"], "<abcdefgh>", chunk), "<***>");
            assert_eq!(masked(&["abcd", "cdef"], "<abcdef>", chunk), "<***>");
            assert_eq!(masked(&["aaaa"], "<aaaaaaaaa>", chunk), "<***>");
        }
    }

    #[test]
    fn without_secrets_everything_passes_at_once() {
        let mut masker = Masker::of(Vec::new());
        assert_eq!(masker.push(b"as it is"), b"as it is");
        assert_eq!(masker.finish(), b"");
    }
}
