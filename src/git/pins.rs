//! Where the fleet's worktrees belong: the gitlinks of its index, as for `git submodule update`.

use bstr::BString;
use gix::{
    index::entry::{Mode, Stage},
    objs::FindExt,
};

use super::{
    gitmodules::{self, Gitmodules},
    repository::Repository,
    vet::{self, Link},
};
use crate::model::{
    error::{Error, Result},
    fleet::Gitlink,
};

/// The submodules of an index.
pub struct Pins {
    /// Those that are settled, sorted by path.
    pub links: Vec<Link>,
    /// The paths of those that a merge left in conflict, sorted.
    pub conflicted: Vec<BString>,
}

/// The submodules that the fleet's index lists.
///
/// # Errors
/// Repository: the index or `.gitmodules` cannot be read, or a submodule is refused.
pub fn of_index(fleet: &Repository) -> Result<Pins> {
    let repo = fleet.to_local()?;
    let index = repo
        .index_or_empty()
        .map_err(|err| Error::repository("cannot read the fleet's index").because(err))?;
    let (mut gitlinks, mut symlinks) = (Vec::<Gitlink>::new(), Vec::<BString>::new());
    let (mut conflicted, mut listing) = (Vec::<BString>::new(), None);
    for entry in index.entries() {
        let path = entry.path(&index);
        if entry.stage() != Stage::Unconflicted {
            if entry.mode == Mode::COMMIT && conflicted.last().is_none_or(|last| last != path) {
                conflicted.push(path.to_owned());
            }
        } else if entry.mode == Mode::COMMIT {
            gitlinks.push(Gitlink {
                path: path.to_owned(),
                pin: entry.id,
            });
        } else if entry.mode == Mode::SYMLINK {
            symlinks.push(path.to_owned());
        }
        // In conflict too, one side of it is as good as the other to go by.
        if path == gitmodules::FILE {
            if entry.mode == Mode::SYMLINK {
                return Err(Error::repository(format!(
                    "{path} is a symbolic link, and git refuses it too"
                )));
            }
            listing = Some(entry.id);
        }
    }
    let modules = match listing {
        None => Gitmodules::default(),
        Some(id) => {
            let objects = fleet.objects();
            let mut buffer = Vec::new();
            let blob = objects.find_blob(&id, &mut buffer).map_err(|err| {
                Error::repository(format!("cannot read {} (blob {id})", gitmodules::FILE))
                    .because(err)
            })?;
            Gitmodules::parse(blob.data)?
        }
    };
    Ok(Pins {
        links: vet::links(gitlinks, &modules, &symlinks)?,
        conflicted,
    })
}
