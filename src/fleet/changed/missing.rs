//! Whether the requested services exist. A service that did not change is not in the answer, and neither is a mistyped name.

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::trees::Trees;
use crate::{
    git::{Objects, gitmodules::Gitmodules, repository::Repository, submodule::Store, tree},
    model::{
        error::{Error, Result},
        fleet::ancestors,
    },
};

/// Refuses a path inside a service where no submodule is, as far as the service's objects are here to tell.
///
/// # Errors
/// Misuse: it does not exist.
pub(super) fn refuse(
    repository: &Repository,
    objects: Objects<'_>,
    trees: &Trees,
    path: &BString,
) -> Result<()> {
    let mut is_known = true;
    for root in trees.each() {
        is_known &= match holder(objects, root, path.as_ref())? {
            Holder::Path => return Ok(()),
            Holder::Nobody => true,
            Holder::Service(service, pin) => {
                let inside = path[service.len() + 1..].as_bstr();
                match is_submodule(repository, objects, root, service, pin, inside)? {
                    Some(true) => return Ok(()),
                    Some(false) => true,
                    None => false,
                }
            }
        };
    }
    match is_known {
        true => Err(Error::misuse(format!("the fleet has no service `{path}`"))
            .hint("list them: flota plan --all")),
        false => Ok(()),
    }
}

/// The submodule of the fleet that a path belongs to.
enum Holder<'a> {
    /// The one at that path.
    Path,
    /// The one at this path above it, and its pin.
    Service(&'a BStr, ObjectId),
    Nobody,
}

fn holder<'a>(objects: Objects<'_>, root: ObjectId, path: &'a BStr) -> Result<Holder<'a>> {
    for above in ancestors(path) {
        if let Some((mode, pin)) = tree::entry_at(objects, root, above)?
            && mode.is_commit()
        {
            return Ok(match above == path {
                true => Holder::Path,
                false => Holder::Service(above, pin),
            });
        }
    }
    Ok(Holder::Nobody)
}

/// Whether the service has a submodule at the path `inside` it, or above that; none when its objects are not here.
fn is_submodule(
    repository: &Repository,
    objects: Objects<'_>,
    root: ObjectId,
    service: &BStr,
    pin: ObjectId,
    inside: &BStr,
) -> Result<Option<bool>> {
    let listed = Gitmodules::at_paths(objects, root, &[service].into())?;
    let name = listed.at(service).map(|listed| listed.name.as_ref());
    let Some(store) = Store::open(repository, name, service)? else {
        return Ok(None);
    };
    let Some(tree) = store.tree_of(pin)? else {
        return Ok(None);
    };
    Ok(Some(!matches!(
        holder(store.objects(), tree, inside)?,
        Holder::Nobody
    )))
}
