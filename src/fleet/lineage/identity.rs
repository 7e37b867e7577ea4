//! What an image of a service is known by.

use gix::ObjectId;

use crate::model::{
    identity::{self, ImageInputs},
    settings::ServiceSettings,
};

/// The identity tag of the image of `code`, built on the images `parents` of the fleet (their references with identity tags), and on
/// `bases` (each with its digest) that count by their content.
pub(super) fn image_tag(
    own: &ServiceSettings,
    code: ObjectId,
    parents: &[String],
    bases: &[String],
) -> String {
    identity::image_tag(&ImageInputs {
        code,
        dockerfile: &own.image.dockerfile.to_string_lossy(),
        target: own.image.target.as_deref(),
        platforms: &own.image.platforms,
        build_args: &own.image.build_args,
        attached: &own.image.attached(),
        bases,
        parents,
    })
}
