//! The repository flota was started in.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::{
    ObjectId,
    commitgraph::Graph as CommitGraph,
    discover::{upwards::Options, upwards_opts},
    odb::{self, pack::cache::lru::StaticLinkedList},
    revision::plumbing::{Graph, merge_base},
};

use self::plain::Plain;
use super::{identity_cache::IdentityCache, objects::Objects, older_urls::OlderUrls, remote};
use crate::model::{
    error::{Error, Result},
    nearest::nearest,
};

mod plain;

pub(super) use plain::ordinary;

/// A fleet, or a single service's repository.
pub struct Repository {
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_dir: Option<PathBuf>,
    objects: Arc<odb::Store>,
    /// What answers without all of the configuration, of a repository that is ordinary enough.
    plain: Option<Plain>,
    /// All of it, opened when something needs it.
    whole: OnceLock<gix::ThreadSafeRepository>,
    identities: OnceLock<IdentityCache>,
    older_urls: OnceLock<OlderUrls>,
    base_url: OnceLock<BString>,
}

impl Repository {
    /// Finds the repository that `dir` is in. The search stops at `GIT_CEILING_DIRECTORIES` and at file system borders, and
    /// a repository that belongs to somebody else is refused unless `safe.directory` names it (CVE-2022-24765).
    pub fn discover(dir: &Path) -> Result<Self> {
        let found = upwards_opts(dir, search()).map_err(|err| not_usable(dir, err))?;
        if let gix::discover::repository::Path::Repository(git_dir) = &found.0 {
            refuse_embedded(git_dir)?;
        }
        if let Some(plain) = Plain::open(found) {
            return Ok(Self {
                git_dir: plain.git_dir.clone(),
                common_dir: plain.git_dir.clone(),
                work_dir: Some(plain.work_dir.clone()),
                objects: Arc::clone(&plain.objects),
                plain: Some(plain),
                whole: OnceLock::new(),
                identities: OnceLock::new(),
                older_urls: OnceLock::new(),
                base_url: OnceLock::new(),
            });
        }
        let whole = open(dir)?;
        let git_dir = whole.refs.git_dir();
        Ok(Self {
            git_dir: git_dir.to_owned(),
            common_dir: whole.refs.common_dir().unwrap_or(git_dir).to_owned(),
            work_dir: whole.work_dir().map(ToOwned::to_owned),
            objects: Arc::clone(&whole.objects),
            plain: None,
            whole: OnceLock::from(whole),
            identities: OnceLock::new(),
            older_urls: OnceLock::new(),
            base_url: OnceLock::new(),
        })
    }

    /// A view for this thread of all that gix knows of it, its configuration too.
    ///
    /// # Errors
    /// It cannot be opened: its configuration is damaged, most likely.
    #[allow(clippy::expect_used, reason = "just opened")]
    pub fn to_local(&self) -> Result<gix::Repository> {
        if self.whole.get().is_none() {
            // Of two threads that come here at once, one opens it in vain.
            let _ = self.whole.set(open(&self.git_dir)?);
        }
        let whole = self.whole.get();
        Ok(whole.expect("just opened").to_thread_local())
    }

    /// Its objects, for this thread.
    pub fn objects(&self) -> odb::HandleArc {
        let mut objects = self.objects.to_cache_arc();
        // As gix has it where nothing is configured.
        objects.set_pack_cache(|| Box::<StaticLinkedList<64>>::default());
        objects
    }

    /// What earlier runs learned of its submodules' commits.
    pub fn identities(&self) -> &IdentityCache {
        self.identities
            .get_or_init(|| IdentityCache::open(self.common_dir()))
    }

    /// What relative URLs of its `.gitmodules` are relative to: the URL of its own remote, without one its folder.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn base_url(&self) -> Result<&BStr> {
        if self.base_url.get().is_none() {
            let repo = self.to_local()?;
            let url = remote::url(&repo, remote::name(&repo).as_ref());
            let folder = || {
                // Without `..`: what is relative takes away the folder's own name first.
                let found = self.work_dir().unwrap_or(self.common_dir());
                let folder = self.folder().unwrap_or_else(|_| found.to_owned());
                Vec::from_path_lossy(&folder).into_owned().into()
            };
            // Of two threads that come here at once, one looks in vain.
            let _ = self.base_url.set(url.unwrap_or_else(folder));
        }
        Ok(self.base_url.get().map_or("".into(), |url| url.as_ref()))
    }

    /// The URLs that `.gitmodules` had in the commits of HEAD; none where they cannot be read.
    pub fn older_urls(&self) -> &OlderUrls {
        self.older_urls.get_or_init(|| {
            let head = self.resolve_first(["HEAD"]);
            let objects = self.objects();
            head.and_then(|(_, head)| OlderUrls::of(Objects::new(&objects), head).ok())
                .unwrap_or_default()
        })
    }

    /// The git directory: of a linked worktree, its own.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that all worktrees share.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The worktree's root; none for a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    /// The folder people know it by: the worktree's root, of a bare repository its git directory. Absolute, so that it has a
    /// name also when the repository was found at `.`.
    pub fn folder(&self) -> std::io::Result<PathBuf> {
        let found = self.work_dir().unwrap_or(self.common_dir());
        Path::new(".").join(found).canonicalize()
    }

    /// The hash its object ids are made with.
    pub fn object_hash(&self) -> gix::hash::Kind {
        self.objects.object_hash()
    }

    /// Whether its history is cut short.
    pub fn is_shallow(&self) -> bool {
        self.common_dir().join("shallow").is_file()
    }

    /// The commit a revision names (gitrevisions(7)).
    pub fn resolve(&self, rev: &str) -> Result<ObjectId> {
        let plain = self.plain.as_ref();
        if let Some(commit) = plain.and_then(|plain| plain.resolve(rev)) {
            return Ok(commit);
        }
        let repo = self.to_local()?;
        match repo.rev_parse_single(rev) {
            Ok(id) => id
                .object()
                .and_then(|object| object.peel_to_commit())
                .map(|commit| commit.id)
                .map_err(|err| Error::repository(format!("`{rev}` is not a commit")).because(err)),
            Err(err) => Err(self.unknown_revision(&repo, rev, err)),
        }
    }

    /// The first of `revs` that names a commit here, with that commit.
    pub fn resolve_first<'a>(
        &self,
        revs: impl IntoIterator<Item = &'a str>,
    ) -> Option<(&'a str, ObjectId)> {
        revs.into_iter()
            .find_map(|rev| Some((rev, self.resolve_if_any(rev)?)))
    }

    fn resolve_if_any(&self, rev: &str) -> Option<ObjectId> {
        let plain = self.plain.as_ref();
        plain.and_then(|plain| plain.resolve(rev)).or_else(|| {
            let repo = self.to_local().ok()?;
            let object = repo.rev_parse_single(rev).ok()?.object().ok()?;
            Some(object.peel_to_commit().ok()?.id)
        })
    }

    /// Whether `commit` is here.
    pub fn has_commit(&self, commit: ObjectId) -> bool {
        matches!(Objects::new(&self.objects()).tree_of(commit), Ok(Some(_)))
    }

    /// The short name of the ref that the symbolic ref `name` points to.
    pub fn symbolic_target(&self, name: &str) -> Option<String> {
        let repo = self.to_local().ok()?;
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
        let unreadable =
            |err| Error::repository(format!("cannot walk from {one} to {two}")).because(err);
        if self.plain.is_none() {
            let repo = self.to_local()?;
            let base = repo.merge_base(one, two).map_err(unreadable)?;
            return Ok(base.map(|id| id.detach()));
        }
        let objects = self.objects();
        let known =
            CommitGraph::from_info_dir(&self.git_dir.join("objects/info"), self.object_hash()).ok();
        let bases = merge_base(one, &[two], &mut Graph::new(&objects, known.as_ref()));
        Ok(bases.map_err(unreadable)?.map(|bases| *bases.first()))
    }

    /// The root tree of `commit`.
    pub fn tree_of(&self, commit: ObjectId) -> Result<ObjectId> {
        Objects::new(&self.objects())
            .tree_of(commit)?
            .ok_or_else(|| {
                Error::repository(format!("the commit {commit} is not in this repository"))
            })
    }

    /// The branch HEAD is on; none when it is detached.
    pub fn branch(&self) -> Option<String> {
        let name = self.to_local().ok()?.head_name().ok()??;
        Some(name.shorten().to_str_lossy().into_owned())
    }

    /// The URL of its own remote ([`remote::name`]), as configured.
    pub fn remote_url(&self) -> Option<BString> {
        let repo = self.to_local().ok()?;
        remote::url(&repo, remote::name(&repo).as_ref())
    }

    fn unknown_revision(&self, repo: &gix::Repository, rev: &str, err: gix::Error) -> Error {
        if rev.starts_with("HEAD") && repo.head().is_ok_and(|head| head.is_unborn()) {
            return Error::repository("the repository has no commit yet")
                .hint("create one: git commit");
        }
        let mut error = Error::repository(format!("`{rev}` is not a valid revision here"));
        let remote = remote::name(repo);
        let branch = format!("{remote}/{rev}");
        if repo.rev_parse_single(branch.as_str()).is_ok() {
            return error.hint(format!("the remote has this branch: {branch}"));
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
        if let Some(name) = nearest(rev, names) {
            error = error.hint(format!("did you mean `{name}`?"));
        }
        if self.is_shallow() {
            error = error.hint("this clone is shallow: git fetch --unshallow");
        }
        // More than a name (`HEAD~9`) is nothing to fetch; only then is it news where the lookup ended.
        if gix::validate::reference::name_partial(rev.into()).is_ok() {
            error.hint(format!("fetch it: git fetch {remote} {rev}"))
        } else {
            error.because(err.probable_cause().to_string())
        }
    }
}

/// How far to look for it.
fn search() -> Options<'static> {
    Options {
        // A ceiling elsewhere limits nothing here, as for git; to gix it is an error otherwise.
        match_ceiling_dir_or_error: false,
        ..Default::default()
    }
    .apply_environment()
}

/// Opens the repository of `dir` with its configuration.
fn open(dir: &Path) -> Result<gix::ThreadSafeRepository> {
    let full = gix::open::Options::default().bail_if_untrusted(true);
    let trust = gix::sec::trust::Mapping {
        full: full.clone(),
        reduced: full,
    };
    let repository = gix::ThreadSafeRepository::discover_opts(dir, search(), trust)
        .map_err(|err| not_usable(dir, err))?;
    // gix panics where it meets a damaged list later on.
    repository
        .to_thread_local()
        .shallow_commits()
        .map_err(|err| {
            Error::repository("cannot read the list of commits at which the history is cut")
                .because(err)
                .hint("see what is damaged: git fsck")
        })?;
    Ok(repository)
}

/// A bare repository among the tracked files of another came with them, its configuration too, which may name programs to run
/// (`safe.bareRepository` of git-config(1)).
fn refuse_embedded(git_dir: &Path) -> Result<()> {
    let folder = git_dir
        .canonicalize()
        .unwrap_or_else(|_| git_dir.to_owned());
    let mut above = folder.ancestors().skip(1);
    let Some(around) = above.find(|above| above.join(".git").exists()) else {
        return Ok(());
    };
    let is_tracked = || {
        let repo = gix::open_opts(around, gix::open::Options::isolated()).ok()?;
        let head = folder.strip_prefix(around).ok()?.join("HEAD");
        let index = repo.index().ok()?;
        let path = gix::path::into_bstr(head.as_path()).ok()?;
        index.entry_by_path(path.as_ref()).map(drop)
    };
    match is_tracked() {
        None => Ok(()),
        Some(()) => Err(Error::repository(format!(
            "refused the bare repository `{}`: it is inside another repository",
            folder.display()
        ))
        .hint(format!("change to that one: cd {}", around.display()))),
    }
}

fn not_usable(dir: &Path, err: gix::Error) -> Error {
    let foreign = err.is_permission_denied();
    let error = Error::repository(format!("no usable Git repository at `{}`", dir.display()));
    let error = match err.is_not_found() {
        // What lies below is the bare class of the error.
        true => error.because(err.to_string()),
        false => error.because(err),
    };
    if foreign {
        error.hint("if you trust its owner: git config --global --add safe.directory \"$PWD\"")
    } else {
        error
            .hint("change to a fleet's directory, or name it: flota -C DIR …")
            .hint("to try an example fleet first: flota demo")
    }
}
