//! A service's repository before it is moved into the fleet.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bstr::BString;
use gix::ObjectId;

use super::{
    committer::Committer,
    defaults::MAIN,
    plan::ServicePlan,
    remote::{self, Remote},
    undo::Undo,
};
use crate::{
    files::{self, create_parent},
    git::{
        access::OwnAccess,
        command::{git, run},
        config_file::ConfigFile,
        network::{ls_remote, push, revision},
        tree_builder::{self, Leaf},
        url::Source,
        worktree,
    },
    model::{
        error::{Error, Result},
        new::RemoteKind,
    },
    templates::{File, RENDERING},
};

/// A repository with one commit, on its way to a remote and into the fleet.
pub(super) struct Start<'a> {
    /// Its worktree.
    pub(super) root: PathBuf,
    committer: &'a Committer,
    /// The tree of the first commit.
    tree: ObjectId,
    commit: ObjectId,
}

impl<'a> Start<'a> {
    /// Makes the repository in the folder `root`, which is not there yet, and its first commit.
    pub(super) fn new(
        root: PathBuf,
        hash: gix::hash::Kind,
        plan: &ServicePlan<'a>,
    ) -> Result<Self> {
        fs::create_dir(&root).map_err(|err| files::cannot("write", &root, err))?;
        let init = git(&root)
            .args(["init", "--quiet", "--template="])
            .arg(format!("--initial-branch={MAIN}"))
            .arg(format!("--object-format={hash}"))
            // HEAD and branches are written as files below.
            .env("GIT_DEFAULT_REF_FORMAT", "files");
        run(init, "create a repository for the service")?;
        let git_dir = root.join(".git");
        let tree = tree_builder::write_tree(&open(&git_dir)?, &leaves(plan.files))?;
        worktree::fill(&git_dir, &root, tree)?;
        let message = format!(
            "Start {} from the template {}\n\n{RENDERING}: {tree}\n",
            plan.name, plan.template
        );
        let commit = plan
            .committer
            .git(&root)
            .args(["commit", "--quiet", "--cleanup=whitespace", "--file=-"])
            .input(message);
        run(commit, format!("commit the start of `{}`", plan.name))?;
        let commit = open(&git_dir)?
            .head_id()
            .map_err(|err| Error::work("cannot find the service's first commit").because(err))?
            .detach();
        Ok(Self {
            root,
            committer: plan.committer,
            tree,
            commit,
        })
    }

    /// Brings the commit to the remote, as the branches [`MAIN`] and `branch`. A folder's repository is made in `scratch`, and
    /// renamed into its place when it is whole. The commit: that of the remote, where an earlier run got that far.
    pub(super) fn publish(
        &self,
        remote: &Remote,
        branch: &str,
        scratch: &Path,
        undo: &mut Undo,
    ) -> Result<ObjectId> {
        let RemoteKind::NewFolder(folder) = &remote.kind else {
            self.set_remote(&remote.source.url)?;
            let commit = self.adopt(&remote.source, branch)?;
            self.push(&remote.source, branch, commit)?;
            return Ok(commit);
        };
        let new = remote::workshop(folder, scratch)?;
        let bare = new.path().join("bare");
        fs::create_dir(&bare).map_err(|err| files::cannot("write", &bare, err))?;
        let init = git(&bare)
            .args(["init", "--quiet", "--bare", "--template="])
            .arg(format!("--initial-branch={MAIN}"))
            .arg(format!("--object-format={}", self.commit.kind()));
        run(
            init,
            format!("create a repository in `{}`", folder.display()),
        )?;
        let path = bare.to_str().map(BString::from).ok_or_else(|| {
            Error::unavailable(format!("the path `{}` is not UTF-8", bare.display()))
        })?;
        let here = Source {
            url: path.clone(),
            rewritten: path.clone(),
            shown: path,
            local: Some(bare.clone()),
            http: None,
            protocols: "file",
            own: OwnAccess::default(),
            listed: None,
            is_replaced: false,
        };
        self.set_remote(&here.url)?;
        self.push(&here, branch, self.commit)?;
        self.set_remote(&remote.source.url)?;
        remote::settle(&bare, folder, undo)?;
        Ok(self.commit)
    }

    fn set_remote(&self, url: &BString) -> Result<()> {
        let mut config = ConfigFile::of(&self.git_dir())?;
        let name = Some("origin".into());
        config.set("remote", name, "url", url)?;
        let refspec = b"+refs/heads/*:refs/remotes/origin/*";
        config.set("remote", name, "fetch", refspec)?;
        config.write()
    }

    /// The commit that is to be the service's first: this one if the remote is empty, else the one that is there, provided
    /// that it is the start of the same service.
    fn adopt(&self, source: &Source, branch: &str) -> Result<ObjectId> {
        let found = self.listed(source)?;
        let Some((name, commit)) = found.first() else {
            return Ok(self.commit);
        };
        let commit = *commit;
        let ours = [MAIN, branch].map(|name| format!("refs/heads/{name}"));
        let is_start = found
            .iter()
            .all(|(name, id)| *id == commit && ours.iter().any(|ours| name == ours.as_str()));
        if !is_start || !self.is_same_start(source, name, commit)? {
            return Err(remote::not_empty(source));
        }
        Ok(commit)
    }

    /// The branches and tags of the remote.
    fn listed(&self, source: &Source) -> Result<Vec<(BString, ObjectId)>> {
        ls_remote::refs(&self.root, source).map_err(|fault| remote::unreachable(fault, source))
    }

    /// Fetches the commit, and looks whether it is the first of its history and holds the same files.
    fn is_same_start(&self, source: &Source, branch: &BString, commit: ObjectId) -> Result<bool> {
        if commit.kind() != self.commit.kind() {
            return Ok(false);
        }
        revision::branch(&self.root, source, &branch.to_string()).map_err(|fault| {
            fault.raise(Error::work(format!(
                "cannot fetch what is at {}",
                source.shown
            )))
        })?;
        let repo = open(&self.git_dir())?;
        let unreadable =
            |err| Error::repository(format!("cannot read the commit {commit}")).because(err);
        let found = repo.find_commit(commit).map_err(unreadable)?;
        let tree = found.tree_id().map_err(unreadable)?;
        Ok(tree == self.tree && found.parent_ids().next().is_none())
    }

    fn push(&self, source: &Source, branch: &str, commit: ObjectId) -> Result<()> {
        let git_dir = self.git_dir();
        for name in [MAIN, branch] {
            let file = git_dir.join("refs/heads").join(name);
            create_parent(&file)?;
            fs::write(&file, format!("{commit}\n"))
                .map_err(|err| files::cannot("write", &file, err))?;
        }
        let branches: &[&str] = match branch {
            MAIN => &[MAIN],
            branch => &[MAIN, branch],
        };
        push::publish(self.committer.git(&self.root), source, branches).map_err(|fault| {
            fault.raise(
                Error::work(format!("cannot push to {}", source.shown)).hint(format!(
                    "see whether it answers: git ls-remote {}",
                    source.shown
                )),
            )
        })?;
        let head = |name: &str, to: String| {
            let file = git_dir.join(name);
            fs::write(&file, format!("ref: {to}\n"))
                .map_err(|err| files::cannot("write", &file, err))
        };
        head("HEAD", format!("refs/heads/{branch}"))?;
        head(
            "refs/remotes/origin/HEAD",
            format!("refs/remotes/origin/{MAIN}"),
        )
    }

    /// Its git directory, as long as it is not in its place.
    pub(super) fn git_dir(&self) -> PathBuf {
        self.root.join(".git")
    }
}

/// The files as a tree takes them.
pub fn leaves(files: &[File]) -> Vec<Leaf<'_>> {
    let leaves = files.iter().map(|file| Leaf {
        path: file.path.as_os_str().as_encoded_bytes(),
        content: &file.content,
        is_executable: file.is_executable,
    });
    leaves.collect()
}

fn open(git_dir: &Path) -> Result<gix::Repository> {
    gix::open_opts(git_dir, gix::open::Options::isolated()).map_err(|err| {
        Error::unavailable(format!("cannot open `{}`", git_dir.display())).because(err)
    })
}
