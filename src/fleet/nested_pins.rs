//! The pins that a service's commit has of its own submodules, at every level: a commit of a service is of no use to anybody who
//! cannot fetch them.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf};

use bstr::{BStr, BString};
use gix::ObjectId;

use crate::{
    git::{
        gitmodules::Gitmodules,
        network::{
            fetch::{self, Depth, FetchOptions, PATIENCE, WantedCommits},
            reachability::{self, Reachability},
        },
        repository::Repository,
        submodule::{self, Store},
        url,
        vet::{self, Link},
    },
    model::{
        error::{Error, Result},
        fleet::NESTING_LIMIT,
    },
};

/// A nested submodule whose pin is on no branch of its remote.
pub(crate) struct NestedPin {
    /// Where it sits, from the fleet's root.
    pub path: BString,
    /// Its pin.
    pub pin: ObjectId,
    /// Whether the server has it all the same; none where nobody asked.
    pub found: Option<Reachability>,
}

/// A commit whose submodules are looked at.
pub(crate) struct PinningCommit {
    /// Where its repository sits, from the fleet's root.
    pub path: BString,
    /// Its URL, to which those of its submodules may be relative.
    pub url: BString,
    /// Its objects, where it is initialised.
    pub store: Option<Store>,
    /// Its worktree, where there is one.
    pub work_dir: Option<PathBuf>,
    /// The commit.
    pub commit: ObjectId,
    /// A commit that everybody has: what it pins in the same way was looked at then.
    pub before: Option<ObjectId>,
}

/// What is asked, and whom.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// In whose git directory what is fetched is kept.
    pub fleet: &'a Repository,
    /// Whether no server may be asked.
    pub offline: bool,
}

impl Asking<'_> {
    /// The submodules of `holder`, and theirs, whose pins are on no branch of their remotes, sorted by path.
    ///
    /// # Errors
    /// Repository: a list of submodules is refused. Unavailable: a server cannot be reached.
    pub(crate) fn unpushed(self, holder: &PinningCommit) -> Result<Vec<NestedPin>> {
        let mut found = Vec::new();
        self.below(holder, NESTING_LIMIT, &mut found)?;
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    fn below(self, holder: &PinningCommit, depth: usize, found: &mut Vec<NestedPin>) -> Result<()> {
        let Some(links) = self.links(holder, holder.commit)? else {
            return Ok(());
        };
        if depth == 0 {
            return Err(Error::repository(format!(
                "{}: its submodules are nested in a circle, or deeper than {NESTING_LIMIT}",
                holder.path
            )));
        }
        let before = match holder.before {
            Some(before) if !links.is_empty() => self.links(holder, before)?.unwrap_or_default(),
            _ => Vec::new(),
        };
        let before: BTreeMap<_, _> = before
            .into_iter()
            .map(|link| (link.path, link.pin))
            .collect();
        for link in links {
            let before = before.get(&link.path).copied();
            if before == Some(link.pin) {
                continue;
            }
            // One that is not listed is cloned by nobody.
            let listed = link.listed.as_ref().and_then(|listed| listed.url.as_ref());
            let Some(listed) = listed else { continue };
            let nested = PinningCommit {
                path: [&holder.path[..], b"/", &link.path].concat().into(),
                url: url::nested(holder.url.as_ref(), listed.as_ref())?,
                store: nested_store(holder, &link)?,
                work_dir: work_dir(holder, link.path.as_ref()),
                commit: link.pin,
                before,
            };
            self.one(&nested, found)?;
            self.below(&nested, depth - 1, found)?;
        }
        Ok(())
    }

    /// Whether the pin that `nested` is at is on a branch of its remote; the server is asked where the last fetch does not say so.
    fn one(self, nested: &PinningCommit, found: &mut Vec<NestedPin>) -> Result<()> {
        let git_dir = nested.store.as_ref().map(Store::git_dir);
        let source = url::listed(self.fleet, git_dir, nested.url.as_ref())?;
        if let Some(store) = &nested.store
            && reachability::seen_on_branch(store, &source, nested.commit)?
        {
            return Ok(());
        }
        let answer = match self.offline {
            true => None,
            false => Some(reachability::ask(self.fleet, &source, nested.commit)?),
        };
        if answer != Some(Reachability::OnBranch) {
            found.push(NestedPin {
                path: nested.path.clone(),
                pin: nested.commit,
                found: answer,
            });
        }
        Ok(())
    }

    /// The submodules of a commit of `holder`; none where the commit is neither here nor to be had, which is said of its pin.
    fn links(self, holder: &PinningCommit, commit: ObjectId) -> Result<Option<Vec<Link>>> {
        let local = holder.store.as_ref();
        let tree = local
            .map(|store| store.tree_of(commit))
            .transpose()?
            .flatten();
        if let (Some(store), Some(tree)) = (local, tree) {
            return links_of(store, tree).map(Some);
        }
        let wanted = WantedCommits {
            path: holder.path.clone(),
            name: None,
            url: Some(holder.url.clone()),
            commits: vec![commit],
            objects: Vec::new(),
        };
        let options = FetchOptions {
            depth: Depth::AllTrees,
            jobs: NonZeroUsize::MIN,
            offline: self.offline,
            patience: PATIENCE,
            events: &|_| (),
        };
        let fetched = fetch::fetch(self.fleet, &[wanted], options)?;
        let store = fetched.into_iter().find_map(|one| one.store);
        let tree = store
            .as_ref()
            .map(|store| store.tree_of(commit))
            .transpose()?
            .flatten();
        match (store, tree) {
            (Some(store), Some(tree)) => links_of(&store, tree).map(Some),
            _ => Ok(None),
        }
    }
}

fn links_of(store: &Store, tree: ObjectId) -> Result<Vec<Link>> {
    match Gitmodules::is_in(store.objects(), tree)? {
        true => vet::links_of_tree(store.objects(), tree),
        false => Ok(Vec::new()),
    }
}

fn work_dir(holder: &PinningCommit, path: &BStr) -> Option<PathBuf> {
    super::worktree::initialised(holder.work_dir.as_deref()?, path).ok()?
}

/// The objects of a submodule of `holder`, in its git directory or where its worktree says.
fn nested_store(holder: &PinningCommit, link: &Link) -> Result<Option<Store>> {
    if let Some(store) = &holder.store
        && let Some(nested) = store.nested(link.name())?
    {
        return Ok(Some(nested));
    }
    let work_dir = work_dir(holder, link.path.as_ref());
    let git_dir = work_dir.and_then(|dir| submodule::git_dir_of(&dir));
    Ok(git_dir.and_then(|dir| Store::at(dir, link.pin.kind())))
}
