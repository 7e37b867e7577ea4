//! Which services are meant when some are named.

use bstr::{BStr, BString, ByteSlice};

use super::Trees;
use crate::{
    git::{Objects, repository::Repository, tree},
    model::{
        change::End,
        error::{Error, Result},
        fleet,
        settings::Settings,
    },
};

/// Whether one of `names` is the service at `path`.
pub(super) fn is_named(path: &BStr, names: &[BString]) -> bool {
    let is = |name: &BString| {
        let name = name.trim_end_with(|c| c == '/');
        path == name || fleet::service_name(path) == name
    };
    names.iter().any(is)
}

/// Whether one of `names` is the service at `path`, or may be a submodule inside it.
pub(super) fn leads_to_named(path: &BStr, names: &[BString]) -> bool {
    is_named(path, names) || names.iter().any(|name| is_inside(name.as_ref(), path))
}

fn is_inside(name: &BStr, path: &BStr) -> bool {
    let rest = name.strip_prefix(path.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b"/") && rest.len() > 1)
}

/// `names`, and the services that these depend on, by however many steps: a change in one calls for an action here too.
pub(super) fn with_dependencies(settings: &Settings, names: &[BString]) -> Vec<BString> {
    let mut all = names.to_vec();
    let mut next = 0;
    while let Some(name) = all.get(next) {
        let name = fleet::service_name(name.trim_end_with(|c| c == '/').as_bstr()).to_str_lossy();
        let own = settings.services.get(name.as_ref());
        let depends_on = own.map(|own| own.depends_on.clone()).unwrap_or_default();
        let new = depends_on.into_iter().map(BString::from);
        let new: Vec<_> = new.filter(|name| !all.contains(name)).collect();
        all.extend(new);
        next += 1;
    }
    all
}

/// The path at head of the service called `name`; none when it is not there.
pub fn path_of(repository: &Repository, head: &End, name: &str) -> Result<Option<BString>> {
    let objects = repository.objects();
    let root = repository.tree_of(head.commit)?;
    let gitlinks = tree::gitlinks(Objects::new(&objects), root)?;
    let names = [BString::from(name)];
    let mut paths = gitlinks.into_iter().map(|gitlink| gitlink.path);
    Ok(paths.find(|path| is_named(path.as_ref(), &names)))
}

/// A name that no service has at either end is a mistake, not an empty result.
pub(super) fn refuse_unknown(objects: Objects<'_>, trees: &Trees, names: &[BString]) -> Result<()> {
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
            .any(|path| leads_to_named(path.as_ref(), std::slice::from_ref(name)))
        {
            continue;
        }
        let error = Error::misuse(format!("the fleet has no service `{name}`"));
        let name = name.to_str_lossy();
        let nearest = paths
            .iter()
            .map(|path| fleet::service_name(path.as_ref()).to_string())
            .min_by_key(|known| strsim::damerau_levenshtein(known, &name))
            .filter(|known| strsim::damerau_levenshtein(known, &name) <= 2.max(name.len() / 3));
        return Err(match nearest {
            Some(known) => error.hint(format!("did you mean `{known}`?")),
            None => error.hint("list them: flota plan --all"),
        });
    }
    Ok(())
}
