//! `flota sync`: the clones of services follow the URLs of `.gitmodules`, as `git submodule sync` has it, and what their
//! remote-tracking branches say is true again.

use std::sync::Arc;

use bstr::{BString, ByteSlice};

use crate::{
    fleet::{lock::FleetLock, parent::source, select::Selector, worktree},
    git::{
        config_file::ConfigFile,
        index,
        network::clone::{Access, CloneOptions},
        remote,
        repository::Repository,
        submodule, url,
        vet::Link,
    },
    interrupt,
    model::{
        error::{Error, Result},
        fleet::{NESTING_LIMIT, without_credentials},
        relocation::Relocation,
    },
    parallel,
};

/// A submodule that is to follow.
struct Follower {
    parent: Arc<Repository>,
    link: Link,
    relocation: Relocation,
}

/// Lets the selected services, and all of their submodules, follow; those that have the listed URL are left out. Sorted by path. A
/// run that is `dry` changes nothing.
///
/// # Errors
/// Before anything is touched: the fleet cannot be read, or another run is in progress. What befalls single services is in
/// their [`Relocation::error`].
pub(crate) fn sync(
    fleet: &Repository,
    selector: &Selector,
    options: CloneOptions<'_>,
    dry: bool,
) -> Result<Vec<Relocation>> {
    let links = selector.active_among(fleet, index::of_index(fleet)?)?.links;
    let root = fleet.work_dir().ok_or_else(|| {
        Error::repository("a bare repository has no services whose URLs could follow")
    })?;
    let _lock = FleetLock::take(fleet)?;
    let mut followers = Vec::new();
    find(
        &Arc::new(Repository::discover(root)?),
        links,
        b"",
        0,
        &mut followers,
    )?;
    if !dry {
        let access = Access::new(fleet, options)?;
        let done = parallel::map(options.children, &followers, |one| follow(&access, one))?;
        for (one, done) in followers.iter_mut().zip(done) {
            one.relocation.error = done.err();
        }
        configure(&mut followers)?;
    }
    let mut relocations: Vec<_> = followers.into_iter().map(|one| one.relocation).collect();
    relocations.sort_by(|one, other| one.path.cmp(&other.path));
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted while asking servers")),
        None => Ok(relocations),
    }
}

/// Looks for submodules of `parent`, which sits at `above`, and for theirs.
fn find(
    parent: &Arc<Repository>,
    links: Vec<Link>,
    above: &[u8],
    depth: usize,
    found: &mut Vec<Follower>,
) -> Result<()> {
    let base = url::BaseUrl::of(parent)?;
    for link in links {
        let path: BString = match above.is_empty() {
            true => link.path.clone(),
            false => [above, b"/", &link.path].concat().into(),
        };
        let listed = link.listed.as_ref().and_then(|listed| listed.url.as_ref());
        if let Some(listed) = listed {
            let to = base.resolve(listed.as_ref())?;
            if let Some(from) = other_url(parent, &link, &to)? {
                found.push(Follower {
                    parent: Arc::clone(parent),
                    relocation: Relocation {
                        path: path.clone(),
                        from: without_credentials(from.as_ref()),
                        to: without_credentials(to.as_ref()),
                        error: None,
                    },
                    link: link.clone(),
                });
            }
        }
        let folder = worktree::initialised(
            parent.work_dir().unwrap_or(parent.common_dir()),
            link.path.as_ref(),
        )?;
        if let Some(folder) = folder.filter(|folder| folder.join(".gitmodules").exists()) {
            if depth >= NESTING_LIMIT {
                return Err(Error::repository(format!(
                    "{path}: its submodules are nested deeper than {NESTING_LIMIT}"
                )));
            }
            let nested = Arc::new(Repository::discover(&folder)?);
            let links = index::of_index(&nested)?.links;
            find(&nested, links, &path, depth + 1, found)?;
        }
    }
    Ok(())
}

/// The URL of the submodule's own remote, or what is configured for it, where that is not the listed one, `to`.
fn other_url(parent: &Repository, link: &Link, to: &BString) -> Result<Option<BString>> {
    let configured = url::configured(parent, link.name())?;
    let git_dir = submodule::own_git_dir(parent, link.name(), link.path.as_ref())?;
    let remote = git_dir.and_then(|git_dir| {
        let repo = gix::open(git_dir).ok()?;
        let name = remote::name(&repo);
        remote::url(&repo, name.as_ref())
    });
    let all = [remote, configured].into_iter().flatten();
    Ok(all.into_iter().find(|url| url != to))
}

fn follow(access: &Access<'_>, one: &Follower) -> Result<()> {
    let (name, path) = (one.link.name(), one.link.path.as_ref());
    match submodule::own_git_dir(&one.parent, name, path)? {
        Some(git_dir) => access.follow(&git_dir, &source(&one.parent, &one.link)?),
        // It is not here yet; what is configured for it is.
        None => Ok(()),
    }
}

/// Notes the listed URLs in the configuration of each parent, in one go.
fn configure(followers: &mut [Follower]) -> Result<()> {
    for group in followers.chunk_by_mut(|one, other| Arc::ptr_eq(&one.parent, &other.parent)) {
        let mut config = ConfigFile::of(group[0].parent.common_dir())?;
        for one in group.iter().filter(|one| one.relocation.error.is_none()) {
            let listed = one
                .link
                .listed
                .as_ref()
                .and_then(|listed| listed.url.as_ref());
            let name = Some(one.link.name());
            if let Some(listed) = listed
                && config.has("submodule", name, "url")
            {
                let url = url::BaseUrl::of(&one.parent)?.resolve(listed.as_bstr())?;
                config.set("submodule", name, "url", &url)?;
            }
        }
        config.write()?;
    }
    Ok(())
}
