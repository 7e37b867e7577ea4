//! What `git upload-pack` is asked, and what it answers, in one round: protocol version 2 (gitprotocol-v2(5)).
//!
//! The wanted objects are known, and there is little to negotiate: so the whole request is written at once, and the whole
//! answer read, where `git fetch` takes five processes. On a repository of this machine it is a child ([`ask`]).

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
    time::Duration,
};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;
use gix_packetline::{
    PacketLineRef,
    blocking_io::{StreamingPeekableIter, encode},
    read::ProgressAction,
};

use super::fault::ServerFault;
use crate::{
    git::command::{argument, git},
    model::error::Result as Outcome,
};

/// What may follow a whole answer, in bytes: its last packet line.
const TRAILER_LIMIT: u64 = 64 << 10;

/// What is asked for.
#[derive(Clone, Copy, Default)]
pub(super) struct PackRequest<'a> {
    /// The objects, whether refs lead to them or not.
    pub wants: &'a [ObjectId],
    /// Commits that are here with all that hangs on them.
    pub haves: &'a [ObjectId],
    /// What of all that hangs on the objects to leave out (git-rev-list(1)).
    pub filter: Option<&'a str>,
    /// How many commits of each history; all of them when none.
    pub depth: Option<u32>,
}

/// A repository of this machine.
pub(super) struct LocalRepository<'a> {
    /// Its folder.
    pub from: &'a Path,
    /// Where git runs; relative paths count from there.
    pub dir: &'a Path,
    /// The most that it may answer, in bytes: it is kept in memory.
    pub limit: usize,
    /// How long it may take.
    pub patience: Duration,
}

/// A ref that a server names.
pub(super) struct Advertised {
    /// Its full name, as the server says it.
    pub name: BString,
    /// The object it leads to.
    pub id: ObjectId,
    /// The ref that it stands for, if it is symbolic.
    pub target: Option<BString>,
}

/// Asks, and gives the pack to `adopt` with the commits whose parents are left out of it.
pub(super) fn ask(
    local: &LocalRepository<'_>,
    request: &PackRequest<'_>,
    adopt: impl FnOnce(&mut dyn BufRead, &[ObjectId]) -> Outcome<()>,
) -> Result<(), ServerFault> {
    let answer = git(local.dir)
        // Whatever that repository's configuration says: it protects servers, and here the server is ours.
        .args([
            "-c",
            "uploadpack.allowFilter=true",
            "upload-pack",
            "--stateless-rpc",
        ])
        .arg(argument(local.from))
        .env("GIT_PROTOCOL", "version=2")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("LC_ALL", "C")
        .input(for_pack(request))
        .stdout_as_data(local.limit)
        .timeout(local.patience)
        .run()
        .map_err(|err| ServerFault::failed(&err))?;
    read_pack(&answer.stdout[..], adopt).map_err(|said| {
        if said.contains("not our ref") {
            return ServerFault::NotThere(said);
        }
        ServerFault::Failed(said)
    })
}

/// The request of one round: give these objects, and of what hangs on them what the filter and the depth let through.
pub(super) fn for_pack(asked: &PackRequest<'_>) -> Vec<u8> {
    let mut lines = vec!["no-progress".to_owned(), "ofs-delta".to_owned()];
    lines.extend(asked.filter.map(|filter| format!("filter {filter}")));
    lines.extend(asked.depth.map(|depth| format!("deepen {depth}")));
    lines.extend(asked.wants.iter().map(|id| format!("want {id}")));
    lines.extend(asked.haves.iter().map(|id| format!("have {id}")));
    lines.push("done".to_owned());
    let hash = asked
        .wants
        .first()
        .map_or(gix::hash::Kind::Sha1, |id| id.kind());
    encode("fetch", hash, &lines)
}

/// The request for HEAD, branches and tags.
pub(super) fn for_refs() -> Vec<u8> {
    let lines = [
        "symrefs",
        "ref-prefix HEAD",
        "ref-prefix refs/heads/",
        "ref-prefix refs/tags/",
    ]
    .map(str::to_owned);
    encode("ls-refs", gix::hash::Kind::Sha1, &lines)
}

#[expect(
    clippy::expect_used,
    reason = "memory takes all writes, and the lines are short"
)]
fn encode(command: &str, hash: gix::hash::Kind, lines: &[String]) -> Vec<u8> {
    let mut request = Vec::new();
    let written = encode::text_to_write(format!("command={command}").as_bytes(), &mut request)
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

/// Reads the answer to [`for_refs`].
pub(super) fn read_refs(answer: impl Read) -> Result<Vec<Advertised>, String> {
    let mut lines = StreamingPeekableIter::new(answer, &[PacketLineRef::Flush], false);
    lines.fail_on_err_lines(true);
    let mut refs = Vec::new();
    while let Some(line) = lines.read_line() {
        let line = line.map_err(|err| err.to_string())?;
        let line = line.map_err(|err| err.to_string())?;
        let text = line.as_slice().unwrap_or_default().trim_ascii();
        refs.push(advertised(text.as_bstr())?);
    }
    if lines.stopped_at().is_none() {
        return Err("the list of refs is cut off".to_owned());
    }
    drain(lines)?;
    Ok(refs)
}

/// `ID NAME`, then attributes (gitprotocol-v2(5), ls-refs).
fn advertised(line: &BStr) -> Result<Advertised, String> {
    let mut words = line.split_str(" ");
    let strange = || format!("not a ref: {line}");
    let id = words.next().and_then(|id| ObjectId::from_hex(id).ok());
    // The hash that was asked for: ids of two kinds in one repository would leave it unreadable.
    let id = id.filter(|id| id.kind() == gix::hash::Kind::Sha1);
    let name = words.next().ok_or_else(strange)?;
    let target = words.find_map(|word| word.strip_prefix(b"symref-target:"));
    Ok(Advertised {
        name: name.into(),
        id: id.ok_or_else(strange)?,
        target: target.map(Into::into),
    })
}

/// Reads the answer to [`for_pack`]; the server's complaint, or what is wrong with what it sent, is the error.
pub(super) fn read_pack(
    answer: impl Read,
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
            None => return Err("the answer contains no pack".to_owned()),
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
    })?;
    drain(lines)
}

/// Reads to the end: a connection is used again once its answer is over.
fn drain<R: Read>(lines: StreamingPeekableIter<R>) -> Result<(), String> {
    let mut rest = lines.into_inner().take(TRAILER_LIMIT);
    io::copy(&mut rest, &mut io::sink())
        .map(drop)
        .map_err(|err| err.to_string())
}
