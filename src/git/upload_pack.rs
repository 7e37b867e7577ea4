//! `git upload-pack` on a repository of this machine, asked directly, in one round.
//!
//! What is wanted is known, and nothing is there to negotiate about: so the whole request of protocol version 2
//! (gitprotocol-v2(5)) is written at once, and the whole answer read, where `git fetch` takes five processes.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    time::Duration,
};

use bstr::ByteSlice;
use gix::ObjectId;
use gix_packetline::{
    PacketLineRef,
    blocking_io::{StreamingPeekableIter, encode},
    read::ProgressAction,
};

use super::{
    command::{argument, git},
    fetch::attempt::Fault,
};
use crate::model::error::Result as Outcome;

/// What is asked for.
pub(super) struct Request<'a> {
    /// The repository's folder.
    pub from: &'a Path,
    /// Where git runs; relative paths count from there.
    pub dir: &'a Path,
    /// The objects, whether refs lead to them or not.
    pub wants: &'a [ObjectId],
    /// What of all that hangs on them to leave out (git-rev-list(1)). Filters are on whatever that repository's configuration
    /// says: it protects servers, and here the server is ours.
    pub filter: Option<&'a str>,
    /// How many commits of each history; all of them when none.
    pub depth: Option<u32>,
    /// The most that it may answer, in bytes: it is kept in memory.
    pub limit: usize,
    /// How long it may take.
    pub patience: Duration,
}

/// Asks, and gives the pack to `adopt` with the commits whose parents are left out of it.
pub(super) fn ask(
    request: &Request<'_>,
    adopt: impl FnOnce(&mut dyn BufRead, &[ObjectId]) -> Outcome<()>,
) -> Result<(), Fault> {
    let answer = git(request.dir)
        .args([
            "-c",
            "uploadpack.allowFilter=true",
            "upload-pack",
            "--stateless-rpc",
        ])
        .arg(argument(request.from))
        .env("GIT_PROTOCOL", "version=2")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("LC_ALL", "C")
        .input(encode_request(request))
        .stdout_as_data(request.limit)
        .timeout(request.patience)
        .run()
        .map_err(|err| Fault::failed(&err))?;
    take_in(&answer.stdout, adopt).map_err(|said| {
        if said.contains("not our ref") {
            return Fault::NotThere(said);
        }
        Fault::Failed(said)
    })
}

/// The request of one round: give these objects, and of what hangs on them what the filter and the depth let through.
fn encode_request(asked: &Request<'_>) -> Vec<u8> {
    let mut lines = vec!["no-progress".to_owned(), "ofs-delta".to_owned()];
    lines.extend(asked.filter.map(|filter| format!("filter {filter}")));
    lines.extend(asked.depth.map(|depth| format!("deepen {depth}")));
    lines.extend(asked.wants.iter().map(|id| format!("want {id}")));
    lines.push("done".to_owned());
    let hash = asked
        .wants
        .first()
        .map_or(gix::hash::Kind::Sha1, |id| id.kind());

    let mut request = Vec::new();
    let written = encode::text_to_write(b"command=fetch", &mut request)
        .and_then(|_| {
            encode::text_to_write(format!("object-format={hash}").as_bytes(), &mut request)
        })
        .and_then(|_| encode::delim_to_write(&mut request))
        .and_then(|_| {
            lines
                .iter()
                .try_for_each(|line| encode::text_to_write(line.as_bytes(), &mut request).map(drop))
        })
        .and_then(|()| encode::flush_to_write(&mut request));
    written.expect("memory takes all writes, and the lines are short");
    request
}

/// Reads the answer; the server's complaint, or what is wrong with what it sent, is the error.
fn take_in(
    answer: &[u8],
    adopt: impl FnOnce(&mut dyn BufRead, &[ObjectId]) -> Outcome<()>,
) -> Result<(), String> {
    let mut lines = StreamingPeekableIter::new(answer, &[PacketLineRef::Flush], false);
    lines.fail_on_err_lines(true);
    let mut shallow = Vec::new();
    loop {
        let line = match lines.read_line() {
            Some(Ok(Ok(line))) => line,
            Some(Ok(Err(err))) => return Err(err.to_string()),
            Some(Err(err)) => return Err(err.to_string()),
            None => return Err("the answer holds no pack".to_owned()),
        };
        let Some(text) = line.as_slice() else {
            continue;
        };
        let text = text.trim_ascii();
        if text == b"packfile" {
            break;
        }
        if let Some(id) = text.strip_prefix(b"shallow ") {
            shallow.push(ObjectId::from_hex(id).map_err(|err| err.to_string())?);
        }
    }
    let mut complaint = Vec::new();
    let mut pack = BufReader::new(lines.as_read_with_sidebands(|is_error, text: &[u8]| {
        if is_error {
            complaint.extend_from_slice(text);
        }
        ProgressAction::Continue(())
    }));
    let adopted = adopt(&mut pack, &shallow);
    drop(pack);
    adopted.map_err(|err| match complaint.is_empty() {
        true => err.to_string(),
        false => complaint.to_str_lossy().into_owned(),
    })
}
