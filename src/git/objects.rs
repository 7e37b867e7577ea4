//! Read access to objects, whichever repository they belong to.

use gix::{
    ObjectId,
    objs::{CommitRefIter, Data, Find, Kind},
};

use crate::model::error::{Error, Result};

/// Read access to an object database, whichever repository it belongs to.
#[derive(Clone, Copy)]
pub struct Objects<'a>(&'a dyn Find);

impl<'a> Objects<'a> {
    /// Reads from `database`.
    pub fn new(database: &'a impl Find) -> Self {
        Self(database)
    }

    /// The root tree of `commit`; `None` when the commit is not in the database.
    ///
    /// # Errors
    /// Repository: it cannot be read, or is not a commit.
    pub fn tree_of(self, commit: ObjectId) -> Result<Option<ObjectId>> {
        let damaged = || Error::repository(format!("cannot read the commit {commit}"));
        let mut buffer = Vec::new();
        let found = self
            .0
            .try_find(&commit, &mut buffer)
            .map_err(|err| damaged().because(err))?;
        let Some(data) = found else { return Ok(None) };
        if data.kind != Kind::Commit {
            return Err(Error::repository(format!(
                "{commit} is a {}, not a commit",
                data.kind
            )));
        }
        CommitRefIter::from_bytes(data.data, commit.kind())
            .tree_id()
            .map(Some)
            .map_err(|err| damaged().because(err))
    }

    /// The parents that `commit` names, in its order: also those beyond which a shallow history is cut.
    ///
    /// # Errors
    /// Repository: it is not here, or cannot be read.
    pub fn parents_of(self, commit: ObjectId) -> Result<Vec<ObjectId>> {
        let unreadable = || Error::repository(format!("cannot read the commit {commit}"));
        let mut buffer = Vec::new();
        let found = self
            .0
            .try_find(&commit, &mut buffer)
            .map_err(|err| unreadable().because(err))?;
        let data = found.ok_or_else(unreadable)?;
        Ok(CommitRefIter::from_bytes(data.data, commit.kind())
            .parent_ids()
            .collect())
    }
}

impl Find for Objects<'_> {
    fn try_find<'b>(
        &self,
        id: &gix::oid,
        buffer: &'b mut Vec<u8>,
    ) -> gix::Result<Option<Data<'b>>> {
        self.0.try_find(id, buffer)
    }
}
