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
        fleet::NESTING_LIMIT,
        rules::Side,
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
/// A submodule is damaged. One that is not here and cannot be fetched is not an error.
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
        Ok(vec![read_whole(holder, settings, candidate)?])
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
    let mut known = Vec::new();
    let mut open: Vec<&Candidate> = candidates.to_vec();
    for _ in 0..ROUNDS {
        let found = parallel::map(how.jobs, &open, |candidate| {
            let holder = PinHolder::fleet(fleet, &fetched);
            read(&holder, candidate).map_err(|err| in_submodule(candidate, err))
        })?;
        let (mut requests, mut still_open) = (Vec::new(), Vec::new());
        for (candidate, found) in open.into_iter().zip(found) {
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
                true => known.extend(answers),
                // Its answers come again when all of it can be read.
                false => {
                    requests.extend(lacks);
                    still_open.push(candidate);
                }
            }
        }
        if still_open.is_empty() {
            return Ok(known);
        }
        open = still_open;
        fetched.get(fleet, requests, how)?;
    }
    Err(Error::repository(
        "the submodules are nested deeper than the limit of flota",
    ))
}

/// Looks into one submodule, and into those of its own that its code does not cover, level by level.
fn read(
    holder: &PinHolder<'_>,
    settings: &Settings,
    candidate: &Candidate,
    files: bool,
) -> Result<Vec<ReadSubmodule>> {
    let reader = SubmoduleReader::new(holder, settings, candidate, files)?;
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
                all.extend(read(&holder, settings, &candidate, files)?);
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
    match (candidate.head, reader.head) {
        (EndPoint::Gitlink(pin), None) if reader.is_out_of_reach(pin) => reader.unread(pin),
        (EndPoint::Gitlink(pin), None) => Ok(reader.request(vec![pin], reader.depth(false))),
        (EndPoint::Gitlink(pin), Some(facts)) => {
            reader.compared(Side::Pinned(pin, facts.content), false)
        }
        (EndPoint::Directory(_) | EndPoint::Nothing, _) => reader.compared(Side::Absent, false),
    }
}

/// What went wrong, with the submodule that it went wrong in.
fn in_submodule(candidate: &Candidate, err: Error) -> Error {
    let message = format!("the submodule {} cannot be read", candidate.path);
    let hints = err.hints().to_vec();
    let error = Error::new(err.exit(), message).because(err);
    hints.into_iter().fold(error, Error::hint)
}
