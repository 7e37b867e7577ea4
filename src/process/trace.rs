//! What `-v` prints about a child: its command line and how it ended; `-vv` also where it ran.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::ExitStatus,
    time::Duration,
};

use bstr::ByteSlice;
use log::{Level, debug, info, log_enabled};

use super::mask;

/// A child has ended, after this time.
pub(super) fn ended(
    program: &OsStr,
    args: &[OsString],
    dir: Option<&Path>,
    status: ExitStatus,
    took: Duration,
) {
    if !log_enabled!(Level::Info) {
        return;
    }
    info!("{}: {status}, {} ms", line(program, args), took.as_millis());
    if let Some(dir) = dir {
        debug!("  in {}", dir.display());
    }
}

/// The command as a shell would take it, with known secrets masked.
fn line(program: &OsStr, args: &[OsString]) -> String {
    let program = Path::new(program).file_name();
    let words = program.into_iter().chain(args.iter().map(AsRef::as_ref));
    let quoted = words.map(|word| {
        let word = word.as_encoded_bytes();
        shlex::bytes::try_quote(word).unwrap_or(word.into())
    });
    let line = bstr::join(b" ", quoted);
    mask::masked(&line).to_str_lossy().into_owned()
}
