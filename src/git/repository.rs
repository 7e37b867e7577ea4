//! The repository flota was started in.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use bstr::{BString, ByteSlice};
use gix::{
    ObjectId,
    commitgraph::Graph as CommitGraph,
    discover::{repository::Path as Place, upwards_opts},
    objs::{Data, Find},
    odb::{self, memory, pack::cache::lru::StaticLinkedList},
    revision::plumbing::{Graph, merge_base},
    sec::Trust,
};

use self::{
    opening::{common_dir, directories, grafted, not_usable, open, refuse_embedded, search},
    plain::Plain,
    quarantine::Quarantine,
};
use super::{
    format, head, history,
    identity_cache::IdentityCache,
    objects::{Database, Objects},
    older_urls::OlderUrls,
};
use crate::model::error::{Error, Result};

mod kept;
mod names;
mod opening;
mod plain;
mod quarantine;
mod urls;

pub(super) use plain::is_ordinary;

/// What brings objects that partial clones lack, or says why it does not; whether the clone is a partial one. It talks to a server,
/// and is given by the room that may (`git/network/promised`).
#[derive(Clone, Copy)]
pub struct FetchPromised {
    /// Into a fleet.
    pub into_fleet: fn(&Repository, &[ObjectId]) -> Result<bool>,
    /// Into the git directory of a submodule; the fleet's comes first.
    pub into_submodule: fn(&Path, &Path, &[ObjectId]) -> Result<bool>,
}

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
    /// The commits that have other parents than they say, as git reads them.
    grafted: memory::Storage,
    /// The push that waits for a decision, if flota runs in the hook that decides.
    quarantine: Option<Quarantine>,
    /// None in a clone that lacks nothing, as far as anybody said.
    fetch_promised: Option<FetchPromised>,
    /// What it was asked for, so that a miss does not ask twice.
    fetched: Mutex<HashSet<ObjectId>>,
    identities: OnceLock<IdentityCache>,
    older_urls: OnceLock<OlderUrls>,
    base_url: OnceLock<BString>,
}

/// The objects of a repository, for one thread.
pub struct RepositoryObjects<'a> {
    database: gix::OdbHandle,
    repository: &'a Repository,
}

impl Find for RepositoryObjects<'_> {
    fn try_find<'b>(
        &self,
        id: &gix::oid,
        buffer: &'b mut Vec<u8>,
    ) -> gix::Result<Option<Data<'b>>> {
        self.database.try_find(id, buffer)
    }
}

impl Database for RepositoryObjects<'_> {
    fn obtain(&self, objects: &[ObjectId]) -> Result<bool> {
        self.repository.fetch_promised(objects)
    }

    fn may_be_partial(&self) -> bool {
        let plain = self.repository.plain.as_ref();
        plain.is_none_or(Plain::has_promisor_pack)
    }
}

impl Repository {
    /// Finds the repository that `dir` is in. The search stops at `GIT_CEILING_DIRECTORIES` and at file system borders, and
    /// a repository that belongs to somebody else is refused unless `safe.directory` names it (CVE-2022-24765).
    pub fn discover(dir: &Path) -> Result<Self> {
        let found = upwards_opts(dir, search()).map_err(|err| not_usable(dir, err))?;
        if let Place::Repository(git_dir) = &found.0 {
            refuse_embedded(git_dir)?;
        }
        let (git_dir, folder) = directories(&found.0);
        let is_own = found.1 == Trust::Full;
        if let Some(plain) = Plain::open(found) {
            return Ok(Self {
                git_dir: plain.git_dir.clone(),
                common_dir: plain.git_dir.clone(),
                work_dir: Some(plain.work_dir.clone()),
                objects: Arc::clone(&plain.objects),
                plain: Some(plain),
                whole: OnceLock::new(),
                grafted: memory::Storage::default(),
                quarantine: None,
                fetch_promised: None,
                fetched: Mutex::default(),
                identities: OnceLock::new(),
                older_urls: OnceLock::new(),
                base_url: OnceLock::new(),
            });
        }
        // Somebody else's is refused as such.
        if is_own {
            format::check(&git_dir, &folder)?;
        }
        let mut whole = open(dir)?;
        let quarantine = Quarantine::of(common_dir(&whole))?;
        if let Some(quarantine) = &quarantine {
            whole.objects = quarantine.objects(&whole.objects)?;
        }
        Ok(Self {
            git_dir: whole.refs.git_dir().to_owned(),
            common_dir: common_dir(&whole).to_owned(),
            work_dir: whole.work_dir().map(ToOwned::to_owned),
            objects: Arc::clone(&whole.objects),
            plain: None,
            grafted: grafted(&whole),
            whole: OnceLock::from(whole),
            quarantine,
            fetch_promised: None,
            fetched: Mutex::default(),
            identities: OnceLock::new(),
            older_urls: OnceLock::new(),
            base_url: OnceLock::new(),
        })
    }

    /// With a way to get what a partial clone lacks.
    pub fn with_promised(mut self, fetch: FetchPromised) -> Self {
        self.fetch_promised = Some(fetch);
        self
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
        let mut repository = whole.expect("just opened").to_thread_local();
        if !self.grafted.is_empty() {
            repository.objects.set_object_memory(self.grafted.clone());
        }
        Ok(repository)
    }

    /// Its objects, for this thread.
    pub fn objects(&self) -> RepositoryObjects<'_> {
        let mut objects = self.objects.to_cache_arc();
        // As gix has it where nothing is configured.
        objects.set_pack_cache(|| Box::<StaticLinkedList<64>>::default());
        let mut database = gix::OdbHandle::new(objects, self.object_hash());
        match self.grafted.is_empty() {
            true => database.take_object_memory(),
            false => database.set_object_memory(self.grafted.clone()),
        };
        RepositoryObjects {
            database,
            repository: self,
        }
    }

    /// The way to get what a partial clone lacks, if there is one.
    pub(super) fn promised(&self) -> Option<FetchPromised> {
        self.fetch_promised
    }

    /// Gets those of `objects` that were not asked for yet, one thread at a time; whether they may be here now.
    fn fetch_promised(&self, objects: &[ObjectId]) -> Result<bool> {
        let Some(fetch) = self.fetch_promised else {
            return Ok(false);
        };
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let open: Vec<_> = objects
            .iter()
            .filter(|id| !fetched.contains(*id))
            .copied()
            .collect();
        if open.is_empty() {
            return Ok(true);
        }
        let is_partial = (fetch.into_fleet)(self, &open)?;
        fetched.extend(open);
        Ok(is_partial)
    }

    /// Refuses to write to it while it is open whether a push is accepted, as git refuses to write refs then.
    ///
    /// # Errors
    /// Repository: flota runs in the hook that decides.
    pub fn check_writable(&self) -> Result<()> {
        match &self.quarantine {
            None => Ok(()),
            Some(_) => Err(Error::repository(
                "in a hook, before the push is accepted, flota only reads this repository",
            )
            .hint("call it when the push is accepted, in the hook post-receive")),
        }
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

    /// The commit of HEAD; none before the first commit.
    ///
    /// # Errors
    /// Repository: HEAD, or the branch that it names, cannot be read.
    pub fn head(&self) -> Result<Option<ObjectId>> {
        let plain = self.plain.as_ref();
        if let Some(commit) = plain.and_then(|plain| plain.resolve("HEAD")) {
            return Ok(Some(commit));
        }
        head::commit(&self.to_local()?).map_err(|err| {
            Error::repository("cannot read HEAD, or the branch that it names").because(err)
        })
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
            Err(err) => Err(names::unknown(&repo, rev, self.is_shallow(), err)),
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

    /// The refs that the name in `rev` may mean, where there are several: the first is the one that [`Self::resolve`] takes, as
    /// git does. None where the user does not want to hear of it (git-config(1), `core.warnAmbiguousRefs`).
    pub fn ambiguous(&self, rev: &str) -> Option<Vec<String>> {
        let meant = match &self.plain {
            Some(plain) => names::meant(&plain.refs, rev),
            None => names::meant(&self.to_local().ok()?.refs, rev),
        };
        let is_wanted = || {
            let repo = self.to_local().ok();
            repo.is_none_or(|repo| {
                repo.config_snapshot().boolean("core.warnAmbiguousRefs") != Some(false)
            })
        };
        (meant.len() > 1 && is_wanted()).then_some(meant)
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

    /// The parents that `commit` names, in its order; they need not be here.
    pub fn parents(&self, commit: ObjectId) -> Result<Vec<ObjectId>> {
        history::parents(Objects::new(&self.objects()), commit)
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
}
