//! The images that fixtures stand on.

use std::path::Path;

use crate::{
    container::{
        BuiltImage, ImageRequest,
        embedded::{self, BaseCache, Bases},
    },
    model::error::Result,
    registry::{Registries, RegistryOptions},
};

/// Bases for images in `layout`, which has those that a test names; the folder holds what is kept of them.
pub(super) fn bases(layout: &Path) -> (Bases, tempfile::TempDir) {
    let options = RegistryOptions {
        credential_files: Vec::new(),
        attempts: 1,
        ..RegistryOptions::default()
    };
    let kept = tempfile::tempdir().unwrap();
    let cache = BaseCache::at(kept.path().to_owned());
    let registries = std::sync::Arc::new(Registries::new(options));
    (Bases::new(registries, cache, layout.to_owned()), kept)
}

pub(super) fn build(request: &ImageRequest, layout: &Path) -> Result<BuiltImage> {
    let (bases, _kept) = bases(layout);
    embedded::build(request, layout, &bases)
}

/// Builds the image that a fixture stands on, where it has one: the folder `base` is its context, and the build argument BASE its name.
pub(super) fn with_base(
    folder: &Path,
    request: &mut ImageRequest,
    layout: &Path,
) -> Option<String> {
    let context = folder.join("base");
    if !context.is_dir() {
        return None;
    }
    let base = ImageRequest {
        references: vec!["registry.test/base:1".into()],
        ..super::request(&context)
    };
    let digest = build(&base, layout).unwrap().digest.unwrap();
    let name = format!("registry.test/base@{digest}");
    request.build_args.insert("BASE".into(), name);
    Some(digest)
}
