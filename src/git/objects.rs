//! Read access to objects, whichever repository they belong to.

use gix::{
    ObjectId,
    error::ResultExt,
    objs::{CommitRefIter, Data, Find, Kind},
    odb,
};

use crate::model::error::{Error, Result};

/// An object database.
pub trait Database: Find {
    /// Brings objects that are missing since a server keeps them for a partial clone (gitglossary(7), "promisor"); whether it did.
    ///
    /// # Errors
    /// The server cannot be asked, or does not have them.
    fn obtain(&self, _objects: &[ObjectId]) -> Result<bool> {
        Ok(false)
    }

    /// Whether it may be that of a partial clone, so that it pays to look for what is missing before it is read.
    fn may_be_partial(&self) -> bool {
        false
    }
}

impl Database for odb::Handle {}
impl Database for gix::OdbHandle {}

/// Read access to an object database, whichever repository it belongs to.
///
/// As it is, it reads what is there: a commit that is missing is a place where a history is cut. Trees and blobs are read by
/// [`Objects::promised`].
#[derive(Clone, Copy)]
pub struct Objects<'a>(&'a dyn Database);

impl<'a> Objects<'a> {
    /// Reads from `database`.
    pub fn new(database: &'a impl Database) -> Self {
        Self(database)
    }

    /// The same for trees and blobs: what a partial clone lacks is obtained when it is read.
    pub fn promised(self) -> Promised<'a> {
        Promised(self.0)
    }

    /// Obtains those of `objects` that a partial clone lacks, all at once: for trees and blobs that are read next.
    ///
    /// # Errors
    /// Those of [`Database::obtain`], and a database that cannot be read.
    pub fn obtain(self, objects: &[ObjectId]) -> Result<()> {
        let (mut lacking, mut buffer) = (Vec::new(), Vec::new());
        if !self.0.may_be_partial() {
            return Ok(());
        }
        for id in objects {
            let found = self.0.try_find(id, &mut buffer);
            let unreadable = |err| Error::repository(format!("cannot read {id}")).because(err);
            if found.map_err(unreadable)?.is_none() {
                lacking.push(*id);
            }
        }
        match lacking[..] {
            [] => Ok(()),
            _ => self.0.obtain(&lacking).map(drop),
        }
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

/// Read access to trees and blobs.
#[derive(Clone, Copy)]
pub struct Promised<'a>(&'a dyn Database);

impl Find for Promised<'_> {
    fn try_find<'b>(
        &self,
        id: &gix::oid,
        buffer: &'b mut Vec<u8>,
    ) -> gix::Result<Option<Data<'b>>> {
        let kind = |buffer: &mut Vec<u8>| {
            let found = self.0.try_find(id, buffer)?;
            gix::Result::Ok(found.map(|data| data.kind))
        };
        let found = match kind(buffer)? {
            None if self.0.obtain(&[id.to_owned()]).or_error()? => kind(buffer)?,
            found => found,
        };
        Ok(found.map(|kind| Data::new(buffer, kind, id.kind())))
    }
}
