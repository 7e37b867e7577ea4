//! What `-v` says of a child: its command line and how it ended; `-vv` also where it ran.

use std::{path::Path, process::ExitStatus, time::Duration};

use bstr::ByteSlice;
use log::{Level, debug, info, log_enabled};

use super::{Command, mask};

/// A child has ended, after this time.
pub(super) fn ended(command: &Command, status: ExitStatus, took: Duration) {
    if !log_enabled!(Level::Info) {
        return;
    }
    info!("{}: {status}, {} ms", line(command), took.as_millis());
    if let Some(dir) = &command.dir {
        debug!("  in {}", dir.display());
    }
}

/// The command as a shell would take it, with known secrets masked.
fn line(command: &Command) -> String {
    let program = Path::new(&command.program).file_name();
    let words = program
        .into_iter()
        .chain(command.args.iter().map(AsRef::as_ref));
    let words: Vec<_> = words.map(|word| word.as_encoded_bytes()).collect();
    let quoted: Vec<_> = words
        .into_iter()
        .map(|word| shlex::bytes::try_quote(word).unwrap_or(word.into()))
        .collect();
    let line = bstr::join(b" ", quoted);
    mask::masked(&line).to_str_lossy().into_owned()
}
