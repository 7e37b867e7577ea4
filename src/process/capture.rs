//! What a child prints: its beginning and its end in memory, all of it in a log file.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use super::{filter::TextFilter, mask::Masker};

/// Bytes kept of the beginning.
const HEAD: usize = 64 << 10;
/// Bytes kept of the end, where the reason of a failure stands.
const TAIL: usize = 1 << 20;

/// Masked text on its way to memory and to the log file.
pub(super) struct Capture {
    filter: Option<TextFilter>,
    masker: Masker,
    kept: HeadTail,
    log: Option<File>,
}

impl Capture {
    /// Appends to `log`, which is created if needed.
    pub(super) fn new(log: Option<&Path>, filter: Option<TextFilter>) -> io::Result<Self> {
        let open = |path: &Path| OpenOptions::new().append(true).create(true).open(path);
        Ok(Self {
            filter,
            masker: Masker::new(),
            kept: HeadTail::default(),
            log: log.map(open).transpose()?,
        })
    }

    /// Takes what was read. After a failed write to the log the text is kept in memory only.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let shown = match &self.filter {
            Some(filter) => self.masker.push(&filter.rewrite(bytes)),
            None => self.masker.push(bytes),
        };
        self.keep(&shown)
    }

    /// The text, with a note in the middle where it was too much to keep; and why the log lacks its end, if it does.
    pub(super) fn finish(mut self) -> (Vec<u8>, io::Result<()>) {
        let shown = self.masker.finish();
        let logged = self.keep(&shown);
        (self.kept.into_bytes(), logged)
    }

    fn keep(&mut self, shown: &[u8]) -> io::Result<()> {
        self.kept.push(shown);
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        log.write_all(shown).inspect_err(|_| self.log = None)
    }
}

#[derive(Default)]
struct HeadTail {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl HeadTail {
    fn push(&mut self, bytes: &[u8]) {
        let (head, tail) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(tail);
        let excess = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.left_out += excess as u64;
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.left_out > 0 {
            bytes.extend(format!("\n[… {} bytes left out …]\n", self.left_out).into_bytes());
        }
        bytes.extend(self.tail);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_kept_whole() {
        let mut kept = HeadTail::default();
        kept.push(b"one ");
        kept.push(&[b'x'; HEAD]);
        kept.push(b" two");
        let bytes = kept.into_bytes();
        assert_eq!(bytes.len(), HEAD + 8);
        assert!(bytes.starts_with(b"one x") && bytes.ends_with(b"x two"));
    }

    #[test]
    fn much_keeps_its_two_ends_and_says_what_is_missing() {
        let mut kept = HeadTail::default();
        kept.push(b"begin");
        for _ in 0..40 {
            kept.push(&[b'x'; 100_000]);
        }
        kept.push(b"end");
        let text = String::from_utf8(kept.into_bytes()).expect("ASCII and the marker");
        let missing = 4_000_008 - HEAD - TAIL;
        assert!(text.starts_with("beginx") && text.ends_with("xend"));
        assert!(text.contains(&format!("\n[… {missing} bytes left out …]\n")));
        assert!(text.len() < HEAD + TAIL + 100);
    }
}
