//! One compare-and-swap of a ref at the remote and here, and trying again when somebody else was quicker.

use std::time::Duration;

use gix::ObjectId;

use super::{
    local,
    remote::{Pushed, RecordRemote, RefUpdate, Winner},
    shared_ref::SharedRef,
};
use crate::{
    git::repository::Repository,
    interrupt,
    model::error::{Error, Result},
};

/// How often others may be quicker.
const ATTEMPTS: u32 = 20;

/// How much longer each wait is at most than the one before it.
const STEP: Duration = Duration::from_millis(40);

/// What came of one attempt.
#[derive(Debug)]
pub enum Attempt<T> {
    /// It is written.
    Done(T),
    /// Somebody else wrote meanwhile: what is there has to be read again.
    Lost(Winner),
}

/// Lets `reference` point to the commit `new`: here, if it is at `here` until then; before that at the remote, if there is one, and if it
/// has what stands beside it.
///
/// # Errors
/// Unavailable: the remote does not answer or accept it, or this clone cannot be written.
pub fn attempt(
    fleet: &Repository,
    reference: &SharedRef,
    remote: Option<(&RecordRemote<'_>, Option<ObjectId>)>,
    here: Option<ObjectId>,
    new: ObjectId,
) -> Result<Attempt<()>> {
    if let Some((remote, there)) = remote
        && there != Some(new)
    {
        let update = RefUpdate {
            reference,
            expected: there,
            new: Some(new),
        };
        if let Pushed::Lost { winner, .. } = remote.push(&[update])? {
            return Ok(Attempt::Lost(winner));
        }
    }
    let is_kept = here == Some(new) || local::swap(fleet, reference, here, new)?;
    // What the remote has taken counts, whoever else wrote here.
    Ok(match is_kept || remote.is_some() {
        true => Attempt::Done(()),
        false => Attempt::Lost(Winner {
            reference: reference.here().to_owned(),
            commit: local::held(fleet, reference),
        }),
    })
}

/// Calls `attempt` until it comes to its end. Each call reads what is there anew, and adds its own to that.
///
/// # Errors
/// Unavailable: others write without end; it says what they wrote last. And what `attempt` says.
pub fn until_done<T>(
    reference: &SharedRef,
    mut attempt: impl FnMut() -> Result<Attempt<T>>,
) -> Result<T> {
    let mut last = Winner::default();
    for number in 1..=ATTEMPTS {
        match attempt()? {
            Attempt::Done(done) => return Ok(done),
            Attempt::Lost(winner) => last = winner,
        }
        // Those who were refused together do not come back together.
        if !interrupt::pause(STEP.mul_f64(f64::from(number) * chance())) {
            break;
        }
    }
    if let Some(error) = interrupt::error() {
        return Err(error);
    }
    let reference = reference.here();
    Err(Error::unavailable(format!(
        "{reference} was written by somebody else {ATTEMPTS} times in a row"
    ))
    .because(last.to_string())
    .hint("record once, at the end of the run, with the reports of all its jobs"))
}

/// A number between 0 and 1 that differs from process to process.
fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::records::shared_ref::PREFIX;

    #[test]
    fn others_may_be_quicker_for_some_time() {
        let reference = SharedRef::new(PREFIX, "refs/flota/evidence".to_owned());
        let mut count = 0;
        let done = until_done(&reference, || {
            count += 1;
            Ok(match count {
                3 => Attempt::Done(count),
                _ => Attempt::Lost(Winner::default()),
            })
        });
        assert_eq!(done.unwrap(), 3);
    }
}
