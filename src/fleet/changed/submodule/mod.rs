//! One submodule, end point against end point.
//!
//! What its pins hold says which parts of it differ ([`parts`]), its history which way the pin went ([`history`]), and its trees
//! which files and which submodules of its own differ ([`paths`]).

mod history;
mod outcome;
mod parent;
mod parts;
mod paths;
mod reader;

use std::collections::BTreeMap;

use self::{outcome::ReadSubmodule, parent::PinHolder, paths::Nested, reader::SubmoduleReader};
use super::{
    fetched::{Fetched, Fetching},
    gitlinks::{Candidate, EndPoint},
};
use crate::{
    git::repository::Repository,
    model::{
        change::{ServiceChange, Unread, Warning},
        error::{Error, Result},
        exit::Exit,
        fleet::{NESTING_LIMIT, without_credentials},
        rules::{Content, Side},
        settings::Settings,
    },
    parallel,
};

/// How often what was fetched may name something else to fetch: a commit, its nested submodules, theirs.
const ROUNDS: usize = 2 * NESTING_LIMIT;

/// What is known of one submodule: what changed, with the warnings about it; or that it cannot be read.
pub(super) type SubmoduleResult = std::result::Result<(ServiceChange, Vec<Warning>), Unread>;

/// Looks into every candidate, and into those of its own submodules that its code does not cover.
///
/// # Errors
/// The surroundings fail. A submodule that is damaged, or is not here and cannot be fetched, is a part of the answer.
pub(super) fn read_all(
    fleet: &Repository,
    settings: &Settings,
    candidates: &[&Candidate],
    files: bool,
    how: Fetching<'_>,
) -> Result<Vec<SubmoduleResult>> {
    in_rounds(fleet, candidates, how, |holder, candidate| {
        read(holder, settings, candidate, files)
    })
}

/// The same of submodules whose pins stand, but whose content is needed all the same.
///
/// # Errors
/// As for [`read_all`].
pub(super) fn read_unchanged(
    fleet: &Repository,
    settings: &Settings,
    candidates: &[&Candidate],
    how: Fetching<'_>,
) -> Result<Vec<SubmoduleResult>> {
    in_rounds(fleet, candidates, how, |holder, candidate| {
        read_whole(holder, settings, candidate).map(|one| vec![one])
    })
}

/// Reads all candidates at a time, and fetches what is not here, all at a time too, until each can be answered for.
fn in_rounds(
    fleet: &Repository,
    candidates: &[&Candidate],
    how: Fetching<'_>,
    read: impl Fn(&PinHolder<'_>, &Candidate) -> Result<Vec<ReadSubmodule>> + Sync,
) -> Result<Vec<SubmoduleResult>> {
    let mut fetched = Fetched::default();
    // In the order of the candidates, whichever of them had to be fetched.
    let mut known = BTreeMap::new();
    let mut open: Vec<(usize, &Candidate)> = candidates.iter().copied().enumerate().collect();
    for _ in 0..ROUNDS {
        let found = parallel::map(how.jobs, &open, |(_, candidate)| {
            let holder = PinHolder::fleet(fleet, &fetched);
            or_unread(read(&holder, candidate), &holder, candidate)
        })?;
        let (mut requests, mut still_open) = (Vec::new(), Vec::new());
        for ((index, candidate), found) in std::mem::take(&mut open).into_iter().zip(found) {
            let (mut answers, mut lacks) = (Vec::new(), Vec::new());
            for one in found? {
                match one {
                    ReadSubmodule::Read(service, warnings) => {
                        answers.push(Ok((*service, warnings)));
                    }
                    ReadSubmodule::Unread(unread) => answers.push(Err(unread)),
                    ReadSubmodule::Lacking(request) => lacks.push(request),
                }
            }
            match lacks.is_empty() {
                true => drop(known.insert(index, answers)),
                // Its answers come again when all of it can be read.
                false => {
                    requests.extend(lacks);
                    still_open.push((index, candidate));
                }
            }
        }
        if still_open.is_empty() {
            break;
        }
        open = still_open;
        fetched.get(fleet, requests, how)?;
    }
    let holder = PinHolder::fleet(fleet, &fetched);
    for (index, candidate) in open {
        let error =
            Error::repository("the submodules in it are nested deeper than the limit of flota");
        let unread = damaged(&holder, candidate, &error);
        known.insert(index, unread.into_iter().map(Err).collect());
    }
    Ok(known.into_values().flatten().collect())
}

/// Looks into one submodule, and into those of its own that its code does not cover, level by level.
fn read(
    holder: &PinHolder<'_>,
    settings: &Settings,
    candidate: &Candidate,
    files: bool,
) -> Result<Vec<ReadSubmodule>> {
    // Files are in the submodule alone. And where the pin stands nobody fetches it, so that what is kept of it by chance, for
    // another range, must not be told either.
    let afresh = files || candidate.base.pin() == candidate.head.pin();
    let reader = SubmoduleReader::new(holder, settings, candidate, afresh)?;
    let lacking = reader.lacking();
    if !lacking.is_empty() {
        return Ok(vec![reader.request(lacking, reader.depth(files))]);
    }
    let head = match reader.head()? {
        Ok(head) => head,
        Err(pin) => return Ok(vec![reader.unread(pin)?]),
    };
    let mut all = vec![reader.compared(head, files)?];
    match reader.nested()? {
        Nested::None => {}
        Nested::Unreadable(one) => all.push(one),
        Nested::Changed(holder, candidates) => {
            for candidate in candidates {
                let found = read(&holder, settings, &candidate, files);
                all.extend(or_unread(found, &holder, &candidate)?);
            }
        }
    }
    Ok(all)
}

/// One submodule whose pin stands.
fn read_whole(
    holder: &PinHolder<'_>,
    settings: &Settings,
    candidate: &Candidate,
) -> Result<ReadSubmodule> {
    let reader = SubmoduleReader::new(holder, settings, candidate, false)?;
    match (candidate.head, &reader.head) {
        (EndPoint::Gitlink(pin), None) if reader.may_stay_unknown => {
            reader.compared(Side::Pinned(pin, Content::default()), false)
        }
        (EndPoint::Gitlink(pin), None) if reader.is_out_of_reach(pin) => reader.unread(pin),
        (EndPoint::Gitlink(pin), None) => Ok(reader.request(vec![pin], reader.depth(false))),
        (EndPoint::Gitlink(pin), Some(facts)) => {
            reader.compared(Side::Pinned(pin, facts.content), false)
        }
        (EndPoint::Directory(_) | EndPoint::Nothing, _) => reader.compared(Side::Absent, false),
    }
}

/// What was `found`; where the submodule itself is at fault, that: the others need not be silent about theirs.
fn or_unread(
    found: Result<Vec<ReadSubmodule>>,
    holder: &PinHolder<'_>,
    candidate: &Candidate,
) -> Result<Vec<ReadSubmodule>> {
    found.or_else(|err| match damaged(holder, candidate, &err) {
        Some(unread) if err.exit() == Exit::Repository => Ok(vec![ReadSubmodule::Unread(unread)]),
        _ => Err(in_submodule(candidate, err)),
    })
}

/// That the submodule cannot be read because of `err`.
fn damaged(holder: &PinHolder<'_>, candidate: &Candidate, err: &Error) -> Option<Unread> {
    Some(Unread {
        path: holder.full_path(candidate.path.as_ref()),
        pin: candidate.head.pin().or(candidate.base.pin())?,
        url: candidate.url().map(without_credentials),
        why: err.with_causes(),
        hints: err.hints().to_vec(),
    })
}

/// What went wrong, with the submodule that it went wrong in.
fn in_submodule(candidate: &Candidate, err: Error) -> Error {
    let message = format!("the submodule {} cannot be read", candidate.path);
    let hints = err.hints().to_vec();
    let error = Error::new(err.exit(), message).because(err);
    hints.into_iter().fold(error, Error::hint)
}
