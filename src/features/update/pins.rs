//! Where the fleet's worktrees belong: the gitlinks of its index, as for `git submodule update`.

use bstr::BString;
use gix::{
    index::entry::{Mode, Stage},
    objs::FindExt,
};

use crate::{
    git::{
        gitmodules::{self, Gitmodules},
        repository::Repository,
        vet::{self, Link},
    },
    model::{
        error::{Error, Result},
        fleet::Gitlink,
    },
};

/// The submodules that the index lists, sorted by path.
pub(super) fn of_index(fleet: &Repository) -> Result<Vec<Link>> {
    let repo = fleet.to_local()?;
    let index = repo
        .index_or_empty()
        .map_err(|err| Error::repository("cannot read the fleet's index").because(err))?;
    let (mut gitlinks, mut symlinks) = (Vec::<Gitlink>::new(), Vec::<BString>::new());
    let mut listing = None;
    for entry in index.entries() {
        let path = entry.path(&index);
        if entry.stage() != Stage::Unconflicted {
            if entry.mode == Mode::COMMIT || path == gitmodules::FILE {
                return Err(Error::repository(format!(
                    "`{path}` is in conflict in the fleet's index"
                ))
                .hint("settle it and stage the result: git add"));
            }
        } else if entry.mode == Mode::COMMIT {
            gitlinks.push(Gitlink {
                path: path.to_owned(),
                pin: entry.id,
            });
        } else if entry.mode == Mode::SYMLINK {
            symlinks.push(path.to_owned());
        }
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
    vet::links(gitlinks, &modules, &symlinks)
}
