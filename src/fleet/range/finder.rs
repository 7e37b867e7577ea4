//! Commits looked up, and fetched where a clone in CI or a shallow one lacks them.

use std::cell::RefCell;

use gix::ObjectId;

use super::ends::Ends;
use crate::{
    ci::CiRun,
    git::{
        network::{
            fetch::PATIENCE,
            shallow::{self, RemoteAccess},
        },
        repository::Repository,
    },
    model::{
        change::{BaseKind, End, Warning},
        error::{Error, Result},
        settings::Settings,
    },
};

/// What all ways to find a range share.
pub(super) struct RangeFinder<'a> {
    pub repository: &'a Repository,
    pub settings: &'a Settings,
    pub run: Option<&'a CiRun>,
    pub access: RemoteAccess,
    /// What is to be said of the names that were looked up.
    pub said: RefCell<Vec<Warning>>,
}

impl<'a> RangeFinder<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        settings: &'a Settings,
        run: Option<&'a CiRun>,
        offline: bool,
    ) -> Self {
        let access = RemoteAccess {
            offline,
            patience: PATIENCE,
        };
        Self {
            repository,
            settings,
            run,
            access,
            said: RefCell::default(),
        }
    }

    /// The commit that the user names. One that is not here is fetched where clones are cut short as a rule: in CI, and of a
    /// shallow fleet; elsewhere it is taken for a mistake.
    pub(super) fn named(&self, rev: &str) -> Result<ObjectId> {
        if let Some(refs) = self.repository.ambiguous(rev) {
            self.said.borrow_mut().push(Warning::ambiguous(rev, &refs));
        }
        let cut = self.run.is_some() || self.repository.is_shallow();
        self.repository.resolve(rev).or_else(|unknown| match cut {
            true => shallow::commit(self.repository, rev, self.access).map_err(|_| unknown),
            false => Err(unknown),
        })
    }

    /// `head` against its merge base with `base`, which is called `rev`.
    pub(super) fn since(&self, rev: &str, base: ObjectId, head: End) -> Result<Ends> {
        let found = if self.repository.is_shallow() {
            shallow::until_merge_base(self.repository, base, head.commit, self.access)?
        } else {
            self.repository.merge_base(base, head.commit)?
        };
        let Some(found) = found else {
            let head = &head.rev;
            let message = format!("`{rev}` and `{head}` have no common history");
            return Err(Error::repository(message)
                .hint(format!("compare the two commits themselves: {rev}..{head}")));
        };
        Ok(Ends::new(rev, Some(found), BaseKind::MergeBase, head))
    }

    /// The commit a CI system names, which must be in this clone; HEAD when it names none.
    pub(super) fn head(&self, commit: Option<ObjectId>) -> Result<End> {
        match commit {
            None => Ok(End {
                rev: "HEAD".to_owned(),
                commit: self.repository.resolve("HEAD")?,
            }),
            Some(commit) => Ok(End {
                rev: commit.to_string(),
                commit: self.known(commit)?,
            }),
        }
    }

    /// A commit that a CI system names, fetched when it is not here.
    pub(super) fn known(&self, commit: ObjectId) -> Result<ObjectId> {
        if self.repository.has_commit(commit) {
            return Ok(commit);
        }
        shallow::commit(self.repository, &commit.to_string(), self.access)
    }

    /// A branch by its full name, since a branch may be called like a commit; fetched when it is not here.
    pub(super) fn branch(&self, name: &str) -> Result<ObjectId> {
        match self.branch_if_any(name) {
            Some((_, commit)) => Ok(commit),
            None => shallow::commit(self.repository, name, self.access),
        }
    }

    pub(super) fn branch_if_any(&self, name: &str) -> Option<(String, ObjectId)> {
        let refs = [
            format!("refs/remotes/origin/{name}"),
            format!("refs/heads/{name}"),
        ];
        let (found, commit) = self
            .repository
            .resolve_first(refs.iter().map(String::as_str))?;
        let short = found
            .trim_start_matches("refs/remotes/")
            .trim_start_matches("refs/heads/");
        Some((short.to_owned(), commit))
    }
}
