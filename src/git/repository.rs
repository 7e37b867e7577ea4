//! The repository flota was started in.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use bstr::ByteSlice;
use gix::ObjectId;

use super::{Objects, identity_cache::IdentityCache};
use crate::model::error::{Error, Result};

/// A fleet, or a single service's repository.
pub struct Repository {
    inner: gix::ThreadSafeRepository,
    identities: OnceLock<IdentityCache>,
}

impl Repository {
    /// Finds the repository that `dir` is in. The search stops at `GIT_CEILING_DIRECTORIES` and at file system borders, and
    /// a repository that belongs to somebody else is refused unless `safe.directory` names it (CVE-2022-24765).
    pub fn discover(dir: &Path) -> Result<Self> {
        let search = gix::discover::upwards::Options {
            // A ceiling elsewhere limits nothing here, as for git; to gix it is an error otherwise.
            match_ceiling_dir_or_error: false,
            ..Default::default()
        }
        .apply_environment();
        let full = gix::open::Options::default().bail_if_untrusted(true);
        let trust = gix::sec::trust::Mapping {
            full: full.clone(),
            reduced: full,
        };
        let inner = gix::ThreadSafeRepository::discover_opts(dir, search, trust)
            .map_err(|err| not_usable(dir, err))?;
        // gix panics where it meets a damaged list later on.
        inner.to_thread_local().shallow_commits().map_err(|err| {
            Error::repository("cannot read the list of commits at which the history is cut")
                .because(err)
                .hint("git finds what is damaged: git fsck")
        })?;
        Ok(Self {
            inner,
            identities: OnceLock::new(),
        })
    }

    /// A view for this thread.
    pub fn to_local(&self) -> gix::Repository {
        self.inner.to_thread_local()
    }

    /// What earlier runs learned of its submodules' commits.
    pub fn identities(&self) -> &IdentityCache {
        self.identities
            .get_or_init(|| IdentityCache::open(self.common_dir()))
    }

    /// The git directory: of a linked worktree, its own.
    pub fn git_dir(&self) -> &Path {
        self.inner.refs.git_dir()
    }

    /// The git directory that all worktrees share.
    pub fn common_dir(&self) -> &Path {
        self.inner
            .refs
            .common_dir()
            .unwrap_or(self.inner.refs.git_dir())
    }

    /// The worktree's root; none for a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.inner.work_dir()
    }

    /// The folder people know it by: the worktree's root, of a bare repository its git directory. Absolute, so that it has a
    /// name also when the repository was found at `.`.
    pub fn folder(&self) -> std::io::Result<PathBuf> {
        let found = self.work_dir().unwrap_or(self.common_dir());
        Path::new(".").join(found).canonicalize()
    }

    /// The hash its object ids are made with.
    pub fn object_hash(&self) -> gix::hash::Kind {
        self.inner.objects.object_hash()
    }

    /// Whether its history is cut short.
    pub fn is_shallow(&self) -> bool {
        self.common_dir().join("shallow").is_file()
    }

    /// The commit a revision names (gitrevisions(7)).
    pub fn resolve(&self, rev: &str) -> Result<ObjectId> {
        let repo = self.to_local();
        match repo.rev_parse_single(rev) {
            Ok(id) => id
                .object()
                .and_then(|object| object.peel_to_commit())
                .map(|commit| commit.id)
                .map_err(|err| Error::repository(format!("`{rev}` is no commit")).because(err)),
            Err(err) => Err(self.unknown_revision(&repo, rev, err)),
        }
    }

    /// The first of `revs` that names a commit here, with that commit.
    pub fn resolve_first<'a>(
        &self,
        revs: impl IntoIterator<Item = &'a str>,
    ) -> Option<(&'a str, ObjectId)> {
        let repo = self.to_local();
        revs.into_iter().find_map(|rev| {
            let commit = repo
                .rev_parse_single(rev)
                .ok()?
                .object()
                .ok()?
                .peel_to_commit()
                .ok()?;
            Some((rev, commit.id))
        })
    }

    /// Whether `commit` is here.
    pub fn has_commit(&self, commit: ObjectId) -> bool {
        let repo = self.to_local();
        matches!(
            super::history::tree_of(Objects::new(&repo.objects), commit),
            Ok(Some(_))
        )
    }

    /// The short name of the ref that the symbolic ref `name` points to.
    pub fn symbolic_target(&self, name: &str) -> Option<String> {
        let repo = self.to_local();
        let reference = repo.find_reference(name).ok()?;
        let target = reference
            .target()
            .try_name()?
            .shorten()
            .to_str_lossy()
            .into_owned();
        Some(target)
    }

    /// The best common ancestor of two commits.
    pub fn merge_base(&self, one: ObjectId, two: ObjectId) -> Result<Option<ObjectId>> {
        let base = self
            .to_local()
            .merge_base(one, two)
            .map(|found| found.map(|id| id.detach()));
        base.map_err(|err| {
            Error::repository(format!("cannot walk from {one} to {two}")).because(err)
        })
    }

    /// The root tree of `commit`.
    pub fn tree_of(&self, commit: ObjectId) -> Result<ObjectId> {
        super::history::tree_of(Objects::new(&self.to_local().objects), commit)?.ok_or_else(|| {
            Error::repository(format!("the commit {commit} is not in this repository"))
        })
    }

    /// The branch HEAD is on; none when it is detached.
    pub fn branch(&self) -> Option<String> {
        let name = self.to_local().head_name().ok()??;
        Some(name.shorten().to_str_lossy().into_owned())
    }

    /// The URL of the remote `origin`, as configured.
    pub fn origin_url(&self) -> Option<bstr::BString> {
        let repo = self.to_local();
        let url = repo.config_snapshot().string("remote.origin.url")?;
        Some(url)
    }

    fn unknown_revision(&self, repo: &gix::Repository, rev: &str, err: gix::Error) -> Error {
        if rev.starts_with("HEAD") && repo.head().is_ok_and(|head| head.is_unborn()) {
            return Error::repository("the repository has no commit yet")
                .hint("make one: git commit");
        }
        let mut error = Error::repository(format!("`{rev}` names no commit here"));
        let remote = format!("origin/{rev}");
        if repo.rev_parse_single(remote.as_str()).is_ok() {
            return error.hint(format!("the remote's branch is at hand: {remote}"));
        }
        let names = repo.references().ok().into_iter().flat_map(|all| {
            let names: Vec<String> = all
                .all()
                .into_iter()
                .flatten()
                .filter_map(|r| Some(r.ok()?.name().shorten().to_str_lossy().into_owned()))
                .collect();
            names
        });
        let nearest = names
            .map(|name| (strsim::damerau_levenshtein(&name, rev), name))
            .min()
            .filter(|(distance, name)| *distance <= 2.max(name.len() / 3));
        if let Some((_, name)) = nearest {
            error = error.hint(format!("did you mean `{name}`?"));
        }
        if self.is_shallow() {
            error = error.hint("this clone is shallow: git fetch --unshallow");
        }
        // More than a name (`HEAD~9`) is nothing to fetch; only then is it news where the lookup ended.
        if gix::validate::reference::name_partial(rev.into()).is_ok() {
            error.hint(format!("fetch it: git fetch origin {rev}"))
        } else {
            error.because(err.probable_cause().to_string())
        }
    }
}

fn not_usable(dir: &Path, err: gix::Error) -> Error {
    let foreign = err.is_permission_denied();
    let error =
        Error::repository(format!("no usable Git repository at `{}`", dir.display())).because(err);
    if foreign {
        error.hint("if you trust its owner: git config --global --add safe.directory \"$PWD\"")
    } else {
        error
            .hint("go into a fleet, or name one: flota -C DIR …")
            .hint("to see a fleet at work first: flota demo")
    }
}
