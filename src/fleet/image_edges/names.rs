//! The names of services' images.

use bstr::{BStr, ByteSlice};

use crate::model::{
    fleet::service_name,
    reference::Reference,
    settings::{ServiceSettings, Settings},
};

/// The settings of the service at `path`.
pub(super) fn own_settings(settings: &Settings, path: &BStr) -> ServiceSettings {
    settings.for_service(&service_name(path).to_str_lossy())
}

/// The name of a service's image without a tag; none where it has no name that a registry takes.
pub(super) fn image_name(own: &ServiceSettings) -> Option<String> {
    let repository = own.repository().ok()?;
    let name = match &own.image.registry {
        Some(registry) => format!("{registry}/{repository}"),
        None => repository.to_owned(),
    };
    Reference::parse(&name).ok().as_ref().map(plain_name)
}

/// The last part of an image's name, without its tag.
pub(super) fn last_part(reference: &str) -> &str {
    let last = reference.rsplit('/').next().unwrap_or_default();
    last.split([':', '@']).next().unwrap_or_default()
}

/// The name of an image without its tag.
pub(super) fn plain_name(reference: &Reference) -> String {
    format!("{}/{}", reference.registry(), reference.repository())
}
