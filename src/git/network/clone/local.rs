//! Cloning from a repository on this machine, in one process where `git clone` takes six: its refs are read here, its objects
//! come through `git upload-pack` and are checked on arrival. What is on disk then is what `git clone --no-checkout` leaves.

use std::{path::Path, time::Duration};

use bstr::BString;

use super::{
    connected,
    layout::{self, HEADS, NewClone, Refs, TAGS},
    settings,
};
use crate::{
    git::network::{
        fault::ServerFault,
        upload_pack::{self, LocalRepository, PackRequest},
    },
    model::{
        error::{Error, Result},
        event::{Event, Events},
    },
};

/// A repository of more is not kept in memory on its way: `git clone` takes it.
const ANSWER_LIMIT: usize = 16 << 20;

/// Clones the repository in the folder `from`.
///
/// # Errors
/// Whatever is not as simple as it mostly is: then `git clone` has the last word. What was written is to be removed.
pub(super) fn clone(
    from: &Path,
    new: &NewClone<'_>,
    patience: Duration,
    events: Events<'_>,
) -> std::result::Result<(), ServerFault> {
    let failed = |err: Error| ServerFault::failed(&err);
    let refs = refs(from).map_err(failed)?;
    let git_dir = new.git_dir();
    layout::lay(new, &refs).map_err(failed)?;
    let local = LocalRepository {
        from,
        dir: new.into,
        limit: ANSWER_LIMIT,
        patience,
    };
    let request = PackRequest {
        wants: &refs.tips(),
        ..PackRequest::default()
    };
    upload_pack::ask(&local, &request, |pack, shallow| {
        if !shallow.is_empty() {
            return Err(Error::work("the repository is shallow"));
        }
        let objects = layout::adopt(&git_dir, pack)?;
        events(Event::Received { objects, bytes: 0 });
        Ok(())
    })?;
    connected::check(&git_dir, &refs.tips(), &[]).map_err(failed)
}

fn refs(from: &Path) -> Result<Refs> {
    let unfit = |why: String| Error::work(format!("not read directly: {why}"));
    let options = gix::open::Options::isolated().bail_if_untrusted(true);
    let repo = gix::open_opts(from, options).map_err(|err| unfit(err.to_string()))?;
    if let Some(key) = settings::of_server(repo.config_snapshot().plumbing()) {
        return Err(unfit(format!("its configuration says {key}")));
    }
    if repo.object_hash() != gix::hash::Kind::Sha1 {
        return Err(unfit("its hash is not SHA-1".into()));
    }
    let platform = repo.references().map_err(|err| unfit(err.to_string()))?;
    let mut all: Vec<(BString, _)> = Vec::new();
    for prefix in [HEADS, TAGS] {
        let found = platform
            .prefixed(prefix)
            .map_err(|err| unfit(err.to_string()))?;
        for reference in found {
            let reference = reference.map_err(|err| unfit(err.to_string()))?;
            let Some(id) = reference.try_id() else {
                return Err(unfit("one of its refs is symbolic".into()));
            };
            all.push((reference.name().as_bstr().to_owned(), id.detach()));
        }
    }
    let head = repo.head_name().map_err(|err| unfit(err.to_string()))?;
    Refs::new(head.as_ref().map(|name| name.as_bstr()), all)
}
