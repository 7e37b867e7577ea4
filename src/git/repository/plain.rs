//! A repository without special settings, opened without parsing all of its configuration.
//!
//! `.git/config` of a fleet has a section for each submodule, and parsing a thousand of them takes longer than answering
//! which pins moved. None of them affects where objects and refs are, or their format, so only the others are parsed
//! here. [`Plain::open`] gives up wherever they, or the repository's files, ask for more than the defaults; gix opens
//! the repository then, as it does for everything that Plain does not answer.

use std::{fs, path::PathBuf, sync::Arc};

use bstr::{BStr, ByteSlice};
use gix::{
    ObjectId,
    config::{File, file::Metadata},
    discover::{self, repository::Path},
    objs::{FindExt, Kind},
    odb,
    refs::{self, file::ReferenceExt},
    sec::Trust,
};

use super::super::gitmodules::{is_a_submodule, sections};

/// What of gix's repository reading needs.
pub(super) struct Plain {
    /// Its `.git` folder.
    pub git_dir: PathBuf,
    /// The folder that holds it.
    pub work_dir: PathBuf,
    /// Its objects.
    pub objects: Arc<odb::Store>,
    refs: refs::file::Store,
}

impl Plain {
    /// Opens the repository that `search` finds, if it is the user's own and an ordinary one: not bare, not a linked
    /// worktree, not shallow, of SHA-1, without extensions, includes or replaced objects.
    pub(super) fn open(found: (Path, Trust)) -> Option<Self> {
        let (Path::WorkTree(work_dir), Trust::Full) = found else {
            return None;
        };
        let git_dir = work_dir.join(discover::DOT_GIT_DIR);
        let special = ["commondir", "shallow", "reftable"];
        let asked_for = ["GIT_NAMESPACE", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE"];
        if ordinary(&fs::read(git_dir.join("config")).ok()?, |at| at.is_none()).is_none()
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

/// The parsed configuration, but for what it says of submodules, of a repository that has its objects and refs where, and as, they
/// usually are, and its worktree where `may_be_at` allows it: it gets `core.worktree`, if that is set. None of another one.
pub(in crate::git) fn ordinary(
    config: &[u8],
    may_be_at: impl FnOnce(Option<&BStr>) -> bool,
) -> Option<File> {
    // In a comment this continues nothing, in a value it does: whoever writes such lines is better read by the parser.
    if config.contains_str("\\\n") || config.contains_str("\\\r\n") {
        return None;
    }
    let told: Vec<_> = sections(config)
        .filter(|one| !is_a_submodule(one))
        .collect();
    let config =
        File::from_bytes_no_includes(&told.concat(), Metadata::api(), Default::default()).ok()?;
    let has = |section: &str| {
        config
            .sections_by_name(section)
            .is_some_and(|mut all| all.next().is_some())
    };
    let is = |key: &str, usual: &str| config.string(key).is_none_or(|value| value == usual);
    let is_ordinary = !["include", "includeif", "extensions"].into_iter().any(has)
        && may_be_at(config.string("core.worktree").as_ref().map(AsRef::as_ref))
        && is("core.repositoryformatversion", "0")
        && is("core.bare", "false");
    is_ordinary.then_some(config)
}
