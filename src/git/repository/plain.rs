//! A repository without special settings, opened without parsing all of its configuration.
//!
//! `.git/config` of a fleet has a section for each submodule, and gix's reading of a thousand of them takes longer than answering
//! which pins moved. Here it is only asked whether anything affects where objects and refs are, or their format. [`Plain::open`]
//! gives up wherever that, or the repository's files, ask for more than the defaults; gix opens the repository then, as it does
//! for everything that Plain does not answer.

use std::{fs, path::PathBuf, sync::Arc};

use bstr::{BStr, BString};
use gix::{
    ObjectId,
    discover::{self, repository::Path},
    objs::{FindExt, Kind},
    odb,
    refs::{self, file::ReferenceExt},
    sec::Trust,
};

use super::super::config_file::syntax::{self, Setting};

/// What of gix's repository reading needs.
pub(super) struct Plain {
    /// Its `.git` folder.
    pub git_dir: PathBuf,
    /// The folder that holds it.
    pub work_dir: PathBuf,
    /// Its objects.
    pub objects: Arc<odb::Store>,
    /// Its refs.
    pub refs: refs::file::Store,
}

impl Plain {
    /// Opens the repository that `search` finds, if it is the user's own and an ordinary one: not bare, not a linked
    /// worktree, not shallow, of SHA-1, without extensions, includes or replaced objects.
    pub(super) fn open(found: (Path, Trust)) -> Option<Self> {
        let (Path::WorkTree(work_dir), Trust::Full) = found else {
            return None;
        };
        let git_dir = work_dir.join(discover::DOT_GIT_DIR);
        let special = ["commondir", "shallow", "reftable", "info/grafts"];
        let asked_for = [
            "GIT_NAMESPACE",
            "GIT_QUARANTINE_PATH",
            "GIT_REPLACE_REF_BASE",
            "GIT_SHALLOW_FILE",
        ];
        if !is_ordinary(&fs::read(git_dir.join("config")).ok()?, |at| at.is_none())
            || special.iter().any(|file| git_dir.join(file).exists())
            || asked_for
                .iter()
                .any(|name| std::env::var_os(name).is_some())
        {
            return None;
        }
        let refs = refs::file::Store::at(git_dir.clone(), HASH);
        let is_replaced = {
            let all = refs.iter().ok()?;
            all.prefixed(REPLACED.try_into().ok()?)
                .ok()?
                .next()
                .is_some()
        };
        if is_replaced {
            return None;
        }
        Some(Self {
            objects: odb::at(git_dir.join("objects"), HASH)
                .ok()?
                .into_inner()
                .store(),
            git_dir,
            work_dir,
            refs,
        })
    }

    /// Whether a pack came from a server that keeps the rest of it for a partial clone (git-fetch-pack(1) marks it by a file).
    pub(super) fn has_promisor_pack(&self) -> bool {
        let packs = fs::read_dir(self.git_dir.join("objects/pack"));
        let mut packs = packs.into_iter().flatten().flatten();
        packs.any(|file| file.path().extension().is_some_and(|it| it == "promisor"))
    }

    /// The commit that `rev` names, if it is a whole OID or the name of a ref; none also when there is no such commit.
    pub(super) fn resolve(&self, rev: &str) -> Option<ObjectId> {
        let objects = self.objects.to_cache_arc();
        let named = match ObjectId::from_hex(rev.as_bytes()) {
            Ok(id) => id,
            Err(_) => {
                let mut found = self.refs.try_find(rev).ok()??;
                found.peel_to_id(&self.refs, &objects).ok()?
            }
        };
        let mut buffer = Vec::new();
        let object = objects.find(&named, &mut buffer).ok()?;
        (object.kind == Kind::Commit).then_some(named)
    }
}

const HASH: gix::hash::Kind = gix::hash::Kind::Sha1;

/// Where git-replace(1) keeps its refs.
const REPLACED: &str = "refs/replace/";

/// Whether a repository with this configuration has its objects and refs where, and as, they usually are, and its worktree where
/// `may_be_at` allows it: it gets `core.worktree`, if that is set.
pub(in crate::git) fn is_ordinary(
    config: &[u8],
    may_be_at: impl FnOnce(Option<&BStr>) -> bool,
) -> bool {
    let (mut is_usual, mut worktree) = (true, None);
    let read = syntax::read(
        config,
        |Setting {
             section,
             key,
             value,
         }| {
            let name = section.split(|byte| *byte == b'.').next();
            is_usual &= match (name, key) {
                (Some(b"include" | b"includeif" | b"extensions"), _) => false,
                (Some(b"core"), b"repositoryformatversion") => value == Some(b"0"),
                (Some(b"core"), b"bare") => value == Some(b"false"),
                (Some(b"core"), b"worktree") => {
                    worktree = value.map(BString::from);
                    value.is_some()
                }
                _ => true,
            };
        },
    );
    read.is_ok() && is_usual && may_be_at(worktree.as_ref().map(AsRef::as_ref))
}
