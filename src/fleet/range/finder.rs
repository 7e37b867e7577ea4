//! Commits looked up, and fetched where a clone in CI or a shallow one lacks them.

use std::cell::{OnceCell, RefCell};

use bstr::{BStr, BString};
use gix::ObjectId;

use super::ends::Ends;
use crate::{
    ci::{CiRun, System},
    git::{
        network::{
            fetch::PATIENCE,
            revision,
            shallow::{self, RemoteAccess},
        },
        remote,
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
    remote: OnceCell<BString>,
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
            remote: OnceCell::new(),
        }
    }

    /// The fleet's remote. Looked up when it is asked for, since that needs all of the configuration.
    pub(super) fn remote(&self) -> Result<&BStr> {
        if self.remote.get().is_none() {
            let remote = remote::name(&self.repository.to_local()?);
            // Nobody else is here to set it.
            let _ = self.remote.set(remote);
        }
        Ok(self
            .remote
            .get()
            .map_or(remote::ORIGIN.into(), |name| name.as_ref()))
    }

    /// The commit that the user names. One that is not here is fetched where clones are cut short as a rule: in CI, and of a
    /// shallow fleet; elsewhere it is taken for a mistake.
    pub(super) fn named(&self, rev: &str) -> Result<ObjectId> {
        if let Some(refs) = self.repository.ambiguous(rev) {
            self.said.borrow_mut().push(Warning::ambiguous(rev, &refs));
        }
        let cut = self.run.is_some() || self.repository.is_shallow();
        self.repository.resolve(rev).or_else(|unknown| match cut {
            true => revision::commit(self.repository, rev, self.access).map_err(|_| unknown),
            false => Err(unknown),
        })
    }

    /// `head` against its merge base with `base`, which is called `rev`.
    pub(super) fn since(&self, rev: &str, base: ObjectId, head: End) -> Result<Ends> {
        match self.since_if_related(rev, base, head)? {
            Ok(ends) => Ok(ends),
            Err(head) => {
                let head = &head.rev;
                let message = format!("`{rev}` and `{head}` have no common history");
                Err(Error::repository(message)
                    .hint(format!("compare the two commits themselves: {rev}..{head}")))
            }
        }
    }

    /// The same; `head` itself where they have no common history.
    pub(super) fn since_if_related(
        &self,
        rev: &str,
        base: ObjectId,
        head: End,
    ) -> Result<std::result::Result<Ends, End>> {
        let found = if self.repository.is_shallow() {
            shallow::until_merge_base(self.repository, base, head.commit, self.access)?
        } else {
            self.repository.merge_base(base, head.commit)?
        };
        Ok(match found {
            Some(found) => Ok(Ends::new(rev, Some(found), BaseKind::MergeBase, head)),
            None => Err(head),
        })
    }

    /// Whether `descendant` has `ancestor` in its history.
    pub(super) fn is_ancestor(&self, ancestor: ObjectId, descendant: ObjectId) -> Result<bool> {
        is_ancestor(self.repository, ancestor, descendant, self.access)
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
                commit: self.named_by(System::head_variable, commit)?,
            }),
        }
    }

    /// The same, with the variable that names it in the error.
    pub(super) fn named_by(
        &self,
        variable: fn(System) -> &'static str,
        commit: ObjectId,
    ) -> Result<ObjectId> {
        self.known(commit).map_err(|error| match self.run {
            Some(run) => error.within(variable(run.system)),
            None => error,
        })
    }

    /// A commit that a CI system names, fetched when it is not here.
    pub(super) fn known(&self, commit: ObjectId) -> Result<ObjectId> {
        if self.repository.has_commit(commit) {
            return Ok(commit);
        }
        revision::commit(self.repository, &commit.to_string(), self.access)
    }
}

/// Whether `descendant` has `ancestor` in its history, which is deepened until that is certain.
pub fn is_ancestor(
    repository: &Repository,
    ancestor: ObjectId,
    descendant: ObjectId,
    access: RemoteAccess,
) -> Result<bool> {
    let base = match repository.is_shallow() {
        true => shallow::until_merge_base(repository, ancestor, descendant, access)?,
        false => repository.merge_base(ancestor, descendant)?,
    };
    Ok(base == Some(ancestor))
}
