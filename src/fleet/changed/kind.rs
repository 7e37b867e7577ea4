//! Whether a repository is a fleet, or one service.

use bstr::{BStr, ByteSlice};
use gix::ObjectId;

use super::trees::Trees;
use crate::{
    git::{
        Objects,
        content_id::is_part,
        gitmodules::{self, Gitmodules},
        tree,
    },
    model::{
        error::{Error, Result},
        settings::Settings,
    },
};

/// What kind of repository this is.
pub(super) enum RepositoryKind {
    /// Submodules are its services.
    Fleet,
    /// It is one service: `code/` and `config/` are its own folders.
    Service,
}

impl RepositoryKind {
    /// A fleet has submodules outside of `code/`, `config/` and `charts/`; a service has those folders and none elsewhere.
    pub(super) fn of(objects: Objects<'_>, settings: &Settings, trees: &Trees) -> Result<Self> {
        let mut has_parts = false;
        for root in trees.each() {
            let names: Vec<_> = tree::entries(objects, root)?
                .into_iter()
                .filter(|(_, (mode, _))| mode.is_tree() || mode.is_blob())
                .map(|(name, _)| name)
                .collect();
            let parts = names.iter().any(|name| is_part(name.as_ref()));
            let lists = names.iter().any(|name| name == gitmodules::FILE);
            if lists && (!parts || lists_outside_parts(objects, root)?) {
                return Ok(Self::Fleet);
            }
            has_parts |= parts;
        }
        if settings.fleet != Default::default() {
            return Ok(Self::Fleet);
        }
        if has_parts {
            return Ok(Self::Service);
        }
        // Gitlinks that no `.gitmodules` lists are a fleet all the same.
        for root in trees.each() {
            if !tree::gitlinks(objects, root)?.is_empty() {
                return Ok(Self::Fleet);
            }
        }
        Err(Error::repository(
            "neither a fleet nor a service: no submodules, no code/, config/ or charts/",
        )
        .hint("link a service's repository: git submodule add URL code-repos/NAME")
        .hint("to try an example fleet first: flota demo"))
    }
}

fn lists_outside_parts(objects: Objects<'_>, root: ObjectId) -> Result<bool> {
    let listed = Gitmodules::of_tree(objects, root)?;
    let outside = |path: &BStr| !is_part(path.split_str("/").next().unwrap_or_default().as_bstr());
    Ok(listed
        .iter()
        .any(|submodule| outside(submodule.path.as_ref())))
}
