//! Where a new service's repository is: a URL, a directory, or beside the fleet's own.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use bstr::{BStr, BString, ByteSlice, ByteVec};

use super::undo::Undo;
use crate::{
    files::{self, create_parent},
    git::{
        network::ServerFault,
        remote as remotes,
        repository::Repository,
        url::{self, Source},
    },
    model::{
        error::{Error, Result},
        new::RemoteKind as Kind,
    },
};

/// A repository to push a new service to.
#[derive(Clone, Debug)]
pub struct Remote {
    /// What git gets.
    pub source: Source,
    /// What `.gitmodules` says: relative where it lies beside the fleet's own repository, so that both can move together and be
    /// reached by whatever way the fleet itself is; without credentials in any case.
    pub listed: BString,
    /// What is there.
    pub kind: Kind,
}

impl Remote {
    /// What the user names: a URL or a folder, which counts from where flota runs.
    ///
    /// # Errors
    /// Misuse: git would refuse it, or the folder holds something else.
    pub fn given(fleet: &Repository, text: &str) -> Result<Self> {
        let mut source = url::given(text.into())?;
        if let Some(folder) = source.local.as_mut().filter(|_| !text.contains("://")) {
            *folder = real(folder);
            source.url = Vec::from_path_lossy(folder).into_owned().into();
            source.shown = source.url.clone();
        }
        Self::of(fleet, source)
    }

    /// Beside the fleet's own repository, which is the fleet itself while it has no remote.
    ///
    /// # Errors
    /// Misuse: nothing lies beside that.
    pub fn beside(fleet: &Repository, name: &str) -> Result<Self> {
        let (fleets, has_remote) = own_url(fleet)?;
        let trimmed = fleets.trim_end_with(|letter| letter == '/').as_bstr();
        let suffix = match !has_remote || trimmed.ends_with(b".git") {
            true => ".git",
            false => "",
        };
        let unfit = || {
            Error::misuse(format!(
                "flota does not know where to create the repository of `{name}`"
            ))
            .hint(format!("name it: flota new {name} --remote URL"))
        };
        // The fleet comes from somebody's worktree: a repository beside its `.git` would lie in that.
        if trimmed.ends_with(b"/.git") {
            return Err(unfit());
        }
        let listed = BString::from(format!("../{name}{suffix}"));
        let beside = url::nested(fleets.as_ref(), listed.as_ref()).map_err(|_| unfit())?;
        let mut remote = Self::of(fleet, url::given(beside.as_ref())?)?;
        remote.listed = listed;
        Ok(remote)
    }

    /// One that a forge made.
    pub(super) fn made(fleet: &Repository, url: &BStr) -> Result<Self> {
        let mut remote = Self::of(fleet, url::given(url)?)?;
        remote.kind = Kind::Made;
        Ok(remote)
    }

    fn of(fleet: &Repository, source: Source) -> Result<Self> {
        let kind = match &source.local {
            Some(folder) if is_free(folder)? => Kind::NewFolder(folder.clone()),
            _ => Kind::Existing,
        };
        let (fleets, _) = own_url(fleet)?;
        Ok(Self {
            listed: listed(fleets.as_ref(), &source),
            source,
            kind,
        })
    }
}

/// The URL of the fleet's remote, and whether it has one; else its own folder.
fn own_url(fleet: &Repository) -> Result<(BString, bool)> {
    let repo = fleet.to_local()?;
    if let Some(url) = remotes::url(&repo, remotes::name(&repo).as_ref()) {
        return Ok((url, true));
    }
    let folder = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    Ok((Vec::from_path_lossy(&folder).into_owned().into(), false))
}

/// `../x` for what lies beside the fleet's own repository; else the URL without credentials.
fn listed(fleets: &BStr, source: &Source) -> BString {
    let last = source
        .url
        .rfind_byteset(b"/:")
        .map(|at| &source.url[at + 1..]);
    let relative = last.map(|last| BString::from([b"../", last].concat()));
    let is_beside = |relative: &BString| {
        url::nested(fleets, relative.as_ref()).is_ok_and(|url| url == source.url)
    };
    match relative {
        Some(relative) if is_beside(&relative) => relative,
        _ => match source.url.starts_with(b"ssh://") {
            // There the name is none to hide, and the server asks for it.
            true => source.url.clone(),
            false => source.shown.clone(),
        },
    }
}

/// What to say of a remote that names no refs.
pub(super) fn unreachable(fault: ServerFault, source: &Source) -> Error {
    fault.raise(
        Error::work(format!(
            "{} cannot be reached, or does not exist",
            source.shown
        ))
        .hint("create the repository there, without a README, and run this again")
        .hint("or let flota create it: --create github, gitlab or azure"),
    )
}

pub(super) fn not_empty(source: &Source) -> Error {
    let shown = source.shown.to_string();
    let url = shlex::try_quote(&shown).unwrap_or_default();
    Error::repository(format!("the repository {shown} is not empty"))
        .hint("a service starts in a repository without commits, so without a README")
        .hint(format!(
            "to link what is there as it is: git submodule add -- {url} code-repos/NAME"
        ))
}

/// The folder without `..` and symbolic links, as far as it is there.
fn real(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find_map(|above| {
        let real = above.canonicalize().ok()?;
        Some(real.join(folder.strip_prefix(above).ok()?))
    });
    there.unwrap_or_else(|| folder.to_owned())
}

/// Whether a repository can be made in `folder`: nothing is there, or nothing in it.
fn is_free(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(err) => Err(
            Error::misuse(format!("`{}` cannot be a repository", folder.display())).because(err),
        ),
    }
}

/// A temporary folder from which `folder` can be reached by a rename: in `scratch`, if both are on one file system.
pub(super) fn workshop(folder: &Path, scratch: &Path) -> Result<tempfile::TempDir> {
    let above = folder.ancestors().skip(1).find(|above| above.is_dir());
    let above = above.unwrap_or(Path::new("/"));
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    let place = match device(above) == device(scratch) {
        true => scratch,
        false => above,
    };
    tempfile::Builder::new()
        .prefix(".flota-new-")
        .tempdir_in(place)
        .map_err(|err| files::cannot("write", place, err))
}

/// Renames the finished repository into its place, and notes how to take that back.
pub(super) fn settle(bare: &Path, folder: &Path, undo: &mut Undo) -> Result<()> {
    let missing: Vec<PathBuf> = folder
        .ancestors()
        .skip(1)
        .take_while(|above| !above.exists())
        .map(Path::to_owned)
        .collect();
    create_parent(folder)?;
    // Folders that somebody else uses meanwhile are not empty, and stay.
    undo.push(move || {
        for folder in missing {
            let _ = fs::remove_dir(folder);
        }
    });
    let was_there = folder.exists();
    fs::rename(bare, folder).map_err(|err| files::cannot("write", folder, err))?;
    let folder = folder.to_owned();
    undo.push(move || {
        let _ = fs::remove_dir_all(&folder);
        if was_there {
            let _ = fs::create_dir(&folder);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_the_fleet_is_relative() {
        for (fleets, url, want) in [
            (
                "https://host/shop/fleet.git",
                "https://host/shop/web.git",
                "../web.git",
            ),
            ("git@host:shop/fleet", "git@host:shop/web", "../web"),
            ("git@host:fleet", "git@host:web", "../web"),
            ("/srv/fleet.git", "/srv/web.git", "../web.git"),
            (
                "https://host/shop/fleet.git",
                "https://host/other/web.git",
                "https://host/other/web.git",
            ),
            (
                "https://host/shop/fleet.git",
                "https://me:secret@host/x/web.git",
                "https://host/x/web.git",
            ),
            (
                "https://host/shop/fleet.git",
                "ssh://git@host/shop/web.git",
                "ssh://git@host/shop/web.git",
            ),
        ] {
            let source = url::given(url.into()).unwrap();
            assert_eq!(listed(fleets.into(), &source), want, "{fleets} {url}");
        }
    }
}
