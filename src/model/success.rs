//! Where each service of a fleet last succeeded: what `--base last-success` compares with, and `flota record` moves on.

use std::collections::BTreeMap;

use bstr::BString;
use gix::ObjectId;

use super::error::{Error, Result};

/// What stands for a revision where a base is named.
const WORD: &str = "last-success";

/// The refs that hold records.
const PREFIX: &str = "refs/flota/success/";

/// The state of a fleet's services, by commits of the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// The commit at which every service succeeded but for the exceptions.
    pub commit: ObjectId,
    /// Those that did not, by their path there: the commit at which each last did; none for never.
    pub exceptions: Exceptions,
}

/// Services that are compared with another commit than the rest, by path; none stands for nothing at all.
pub type Exceptions = BTreeMap<BString, Option<ObjectId>>;

impl Success {
    /// What is known once the run at `head` is over and the services of `failed` (each with what it was compared with) are
    /// all that did not come to their end. `is_ancestor(a, b)`: whether `b` has `a` in its history.
    ///
    /// A run that ends after a newer one does not take the newer one's word back: it only mends what that left open.
    pub fn after(
        before: Option<&Self>,
        head: ObjectId,
        failed: Exceptions,
        is_ancestor: impl Fn(ObjectId, ObjectId) -> Result<bool>,
    ) -> Result<Self> {
        let mut now = Self {
            commit: head,
            exceptions: failed,
        };
        if let Some(before) = before
            && before.commit != head
            && is_ancestor(head, before.commit)?
        {
            let failed = std::mem::replace(&mut now, before.clone()).exceptions;
            for (path, since) in &mut now.exceptions {
                let is_newer = match *since {
                    Some(since) => is_ancestor(head, since)?,
                    None => false,
                };
                if !is_newer && !failed.contains_key(path) {
                    *since = Some(head);
                }
            }
        }
        let all = now.commit;
        now.exceptions.retain(|_, since| *since != Some(all));
        Ok(now)
    }

    /// Every commit that it speaks of, each once, the one for all first.
    pub fn commits(&self) -> Vec<ObjectId> {
        let mut commits = vec![self.commit];
        for commit in self.exceptions.values().flatten() {
            if !commits.contains(commit) {
                commits.push(*commit);
            }
        }
        commits
    }
}

/// Whether `rev` asks for the last success, and whose: `last-success`, or `last-success:NAME` (no revision can be called
/// that: to git a colon ends it).
pub fn asked_for(rev: &str) -> Option<Option<&str>> {
    match rev.strip_prefix(WORD)? {
        "" => Some(None),
        rest => rest.strip_prefix(':').map(Some),
    }
}

/// The ref that holds the record of `name`, a branch or an environment.
///
/// # Errors
/// Misuse: no ref can be called that (git-check-ref-format(1)).
pub fn reference(name: &str) -> Result<String> {
    let full = format!("{PREFIX}{name}");
    gix::validate::reference::name(full.as_str().into()).map_err(|err| {
        Error::misuse(format!("`{name}` is not a valid name for a record"))
            .because(err)
            .hint("name a branch or an environment, as in: last-success:main")
    })?;
    Ok(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[n; 20])
    }

    /// A straight history: commit 1, then 2, then 3.
    fn older(a: ObjectId, b: ObjectId) -> Result<bool> {
        Ok(a <= b)
    }

    fn except(list: &[(&str, Option<u8>)]) -> Exceptions {
        let of = |(path, n): &(&str, Option<u8>)| ((*path).into(), n.map(id));
        list.iter().map(of).collect()
    }

    #[test]
    fn whoever_failed_stays_where_it_was() {
        let first = Success::after(None, id(1), except(&[("web", None)]), older).unwrap();
        assert_eq!(first.commit, id(1));
        assert_eq!(first.exceptions, except(&[("web", None)]));

        let failed = except(&[("web", None), ("api", Some(1))]);
        let second = Success::after(Some(&first), id(2), failed.clone(), older).unwrap();
        assert_eq!(second.exceptions, failed);
        assert_eq!(second.commits(), [id(2), id(1)]);

        let third = Success::after(Some(&second), id(3), except(&[]), older).unwrap();
        assert_eq!(third.commits(), [id(3)]);
    }

    #[test]
    fn the_same_commit_built_again_mends_what_failed() {
        let failed = except(&[("web", Some(1))]);
        let first = Success::after(None, id(2), failed, older).unwrap();
        let again = Success::after(Some(&first), id(2), except(&[]), older).unwrap();
        assert_eq!(again.exceptions, except(&[]));
    }

    #[test]
    fn a_run_that_ends_late_takes_nothing_back() {
        let newer = Success {
            commit: id(3),
            exceptions: except(&[("api", None), ("docs", Some(1)), ("web", Some(1))]),
        };
        let failed = except(&[("web", Some(1)), ("cart", Some(1))]);
        let now = Success::after(Some(&newer), id(2), failed, older).unwrap();
        assert_eq!(now.commit, id(3));
        let want = [("api", Some(2)), ("docs", Some(2)), ("web", Some(1))];
        assert_eq!(now.exceptions, except(&want));
    }

    #[test]
    fn only_names_that_git_takes_are_taken() {
        assert_eq!(
            reference("release/1.2").unwrap(),
            "refs/flota/success/release/1.2"
        );
        for name in [
            "", "a..b", "a b", "x.lock", "-\n", "a/", "a:b", "@{u}", "a\u{1b}b",
        ] {
            assert!(reference(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_branch_may_begin_like_the_word() {
        assert_eq!(asked_for("last-success"), Some(None));
        assert_eq!(asked_for("last-success:prod"), Some(Some("prod")));
        assert_eq!(asked_for("last-successful"), None);
        assert_eq!(asked_for("main"), None);
    }
}
