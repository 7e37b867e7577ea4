//! A child's three pipes, served by one thread: nothing blocks on a child that does not read, write or end.

use std::{
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::ioctl_fionbio,
};

use super::capture::Capture;

/// Bytes read at a time, a pipe's usual capacity.
const CHUNK: usize = 64 << 10;

/// Why pumping cannot go on as asked.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Standard output, read as data, went beyond its limit.
    TooMuch(usize),
    /// The log file does not take the text.
    Log(io::Error),
}

/// The ends of the pipes that are flota's.
pub(super) struct Pump {
    pub(super) input: Option<Input>,
    pub(super) text: Option<PipeReader>,
    pub(super) data: Option<PipeReader>,
    pub(super) capture: Capture,
    pub(super) stdout: Vec<u8>,
    pub(super) stdout_limit: usize,
    /// When the child last wrote something.
    pub(super) last_word: Instant,
}

/// What the child still has to read.
pub(super) struct Input {
    pipe: PipeWriter,
    bytes: Vec<u8>,
    written: usize,
}

impl Input {
    pub(super) fn new(pipe: PipeWriter, bytes: Vec<u8>) -> io::Result<Self> {
        ioctl_fionbio(&pipe, true)?;
        Ok(Self {
            pipe,
            bytes,
            written: 0,
        })
    }

    /// Whether there is more to write; a child that closed its input has read enough.
    fn write_some(&mut self) -> bool {
        match self.pipe.write(&self.bytes[self.written..]) {
            Ok(count) => self.written += count,
            Err(error) if is_temporary(&error) => {}
            Err(_) => return false,
        }
        self.written < self.bytes.len()
    }
}

impl Pump {
    /// Whether somebody may still write.
    pub(super) fn is_open(&self) -> bool {
        self.text.is_some() || self.data.is_some()
    }

    /// Waits for at most `wait` until a pipe is ready, and serves those that are, once each.
    pub(super) fn turn(&mut self, wait: Duration) -> Result<(), Trouble> {
        let [text, data, input] = ready(
            [
                self.text.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN)),
                self.data.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN)),
                self.input
                    .as_ref()
                    .map(|input| (input.pipe.as_fd(), PollFlags::OUT)),
            ],
            wait,
        );
        if input && self.input.as_mut().is_some_and(|input| !input.write_some()) {
            self.input = None;
        }
        if data || text {
            self.last_word = Instant::now();
        }
        let mut buffer = [0; CHUNK];
        if data {
            let bytes = read_some(&mut self.data, &mut buffer);
            if self.stdout.len() + bytes.len() > self.stdout_limit {
                self.data = None;
                return Err(Trouble::TooMuch(self.stdout_limit));
            }
            self.stdout.extend_from_slice(bytes);
        }
        if text {
            let bytes = read_some(&mut self.text, &mut buffer);
            self.capture.push(bytes).map_err(Trouble::Log)?;
        }
        Ok(())
    }
}

/// What `pipe` has; at its end the pipe is closed.
fn read_some<'b>(pipe: &mut Option<PipeReader>, buffer: &'b mut [u8]) -> &'b [u8] {
    let Some(reader) = pipe else { return &[] };
    match reader.read(buffer) {
        Ok(count) if count > 0 => &buffer[..count],
        Err(error) if is_temporary(&error) => &[],
        Ok(_) | Err(_) => {
            *pipe = None;
            &[]
        }
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}

/// poll(2) on those of the pipes that are there.
fn ready<const N: usize>(
    pipes: [Option<(BorrowedFd<'_>, PollFlags)>; N],
    wait: Duration,
) -> [bool; N] {
    let mut polled: Vec<_> = pipes
        .iter()
        .flatten()
        .map(|(pipe, flags)| PollFd::from_borrowed_fd(*pipe, *flags))
        .collect();
    let wait = Timespec {
        tv_sec: 0,
        tv_nsec: wait.subsec_nanos().into(),
    };
    // An error is a signal that came in between: the caller looks again.
    if poll(&mut polled, Some(&wait)).is_err() {
        return [false; N];
    }
    let mut answers = polled.iter().map(|pipe| !pipe.revents().is_empty());
    pipes.map(|pipe| pipe.is_some() && answers.next().unwrap_or(false))
}
