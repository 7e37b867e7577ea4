//! Base images whose names are resolved before an image is looked up (`refresh_base`).

use std::collections::BTreeSet;

use bstr::{BStr, ByteSlice};
use gix::{ObjectId, objs::FindExt};

use super::job::Run;
use crate::{
    container::{
        embedded::references::{ImagePlace, NamingInputs, named_images},
        engine::Builder,
    },
    git::{Objects, gitmodules::Gitmodules, submodule::Store, tree},
    model::{
        error::{Error, Result},
        plan::Step,
        reference::Reference,
        settings::ServiceSettings,
    },
};

/// The base images that the Dockerfile in `code` names, each with the digest that its name stands for now; none where the service's
/// settings do not ask for it.
pub(super) fn refreshed(
    run: &Run<'_>,
    step: &Step,
    own: &ServiceSettings,
    code: ObjectId,
) -> Result<Vec<String>> {
    let image = &own.image;
    if !image.refresh_base {
        return Ok(Vec::new());
    }
    if let Some(Builder::Engine(engine)) = run.builder {
        let program = engine.program();
        let message = format!("refresh_base: {program} keeps base images of its own");
        return Err(Error::misuse(message).hint(
            "build with the embedded builder (--builder embedded), or name the base image by its digest",
        ));
    }
    let dockerfile = image.dockerfile.to_string_lossy();
    let Some(text) = text_of(run, step, code, dockerfile.as_bytes().as_bstr())? else {
        // Who builds it says that there is none.
        return Ok(Vec::new());
    };
    let inputs = NamingInputs {
        target: image.target.as_deref(),
        build_args: &image.build_args,
        platform: &image.platform,
    };
    let named = named_images(&text, inputs)?.into_iter();
    let sources = named.filter(|image| matches!(image.place, ImagePlace::Source(_)));
    let names: BTreeSet<String> = sources.map(|image| image.reference).collect();
    let resolved = names.into_iter().map(|name| {
        let digest = run.bases.digest(&Reference::parse(&name)?)?;
        Ok(format!("{name} {digest}"))
    });
    resolved.collect()
}

/// The text of the file at `path` in the tree `code`, if it is there.
fn text_of(run: &Run<'_>, step: &Step, code: ObjectId, path: &BStr) -> Result<Option<String>> {
    let objects = run.repository.objects();
    let fleet = Objects::new(&objects);
    if step.path == "." {
        return read(fleet, code, path);
    }
    let listed = Gitmodules::of_tree(fleet, run.repository.tree_of(run.head)?)?;
    let name = listed
        .at(step.path.as_ref())
        .map(|submodule| submodule.name.as_ref());
    match Store::open(run.repository, name, step.path.as_ref())? {
        Some(store) => read(store.objects(), code, path),
        // What is built needs it, and says what is missing.
        None => Ok(None),
    }
}

fn read(objects: Objects<'_>, code: ObjectId, path: &BStr) -> Result<Option<String>> {
    let found = tree::entry_at(objects, code, path)?;
    let Some((_, id)) = found.filter(|(mode, _)| mode.is_blob()) else {
        return Ok(None);
    };
    let mut buffer = Vec::new();
    let blob = objects
        .promised()
        .find_blob(&id, &mut buffer)
        .map_err(|cause| Error::repository(format!("cannot read {path}")).because(cause))?;
    Ok(Some(blob.data.to_str_lossy().into_owned()))
}
