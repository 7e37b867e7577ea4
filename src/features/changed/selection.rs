//! Which services are meant when some are named.

use bstr::{BStr, BString};

use super::Trees;
use crate::{
    git::{Objects, repository::Repository, tree},
    model::{
        change::End,
        error::{Error, Result},
        fleet,
    },
};

/// Whether one of `names` is the service at `path`.
pub(super) fn is_named(path: &BStr, names: &[String]) -> bool {
    let is = |name: &String| {
        let name = name.trim_end_matches('/');
        path == name || fleet::service_name(path) == name
    };
    names.iter().any(is)
}

/// The path at head of the service called `name`; none when it is not there.
pub fn path_of(repository: &Repository, head: &End, name: &str) -> Result<Option<BString>> {
    let objects = repository.objects();
    let root = repository.tree_of(head.commit)?;
    let gitlinks = tree::gitlinks(Objects::new(&objects), root)?;
    let names = [name.to_owned()];
    let mut paths = gitlinks.into_iter().map(|gitlink| gitlink.path);
    Ok(paths.find(|path| is_named(path.as_ref(), &names)))
}

/// A name that no service has at either end is a mistake, not an empty result.
pub(super) fn refuse_unknown(objects: Objects<'_>, trees: &Trees, names: &[String]) -> Result<()> {
    let mut paths = Vec::new();
    for root in trees.each() {
        paths.extend(
            tree::gitlinks(objects, root)?
                .into_iter()
                .map(|gitlink| gitlink.path),
        );
    }
    for name in names {
        if paths
            .iter()
            .any(|path| is_named(path.as_ref(), std::slice::from_ref(name)))
        {
            continue;
        }
        let error = Error::misuse(format!("the fleet has no service `{name}`"));
        let nearest = paths
            .iter()
            .map(|path| fleet::service_name(path.as_ref()).to_string())
            .min_by_key(|known| strsim::damerau_levenshtein(known, name))
            .filter(|known| strsim::damerau_levenshtein(known, name) <= 2.max(name.len() / 3));
        return Err(match nearest {
            Some(known) => error.hint(format!("did you mean `{known}`?")),
            None => error.hint("list them: flota plan --all"),
        });
    }
    Ok(())
}
