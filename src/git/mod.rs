//! Floor 2: Git. Reads go through gix, in process; what gix lacks goes through `git` itself ([`command`]).

pub mod command;
pub mod config_file;
pub mod content_id;
pub mod export;
pub mod gitmodules;
pub mod history;
pub mod identity_cache;
pub mod index;
pub mod lock;
pub mod network;
mod pack;
pub mod path;
#[cfg(test)]
mod random;
pub mod repository;
pub mod status;
pub mod submodule;
pub mod success;
pub mod switch;
pub mod tree;
pub mod tree_builder;
pub mod update_index;
pub mod url;
mod version;
pub mod vet;
pub mod worktree;

/// Read access to an object database, whichever repository it belongs to.
#[derive(Clone, Copy)]
pub struct Objects<'a>(&'a dyn gix::objs::Find);

impl<'a> Objects<'a> {
    /// Reads from `database`.
    pub fn new(database: &'a impl gix::objs::Find) -> Self {
        Self(database)
    }
}

impl gix::objs::Find for Objects<'_> {
    fn try_find<'b>(
        &self,
        id: &gix::oid,
        buffer: &'b mut Vec<u8>,
    ) -> gix::Result<Option<gix::objs::Data<'b>>> {
        self.0.try_find(id, buffer)
    }
}
