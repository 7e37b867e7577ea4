//! Digests, as OCI writes them (image specification, "Digests").

use oci_spec::image::Digest;

use crate::{
    http::printable,
    model::error::{Error, Result},
};

/// The digest in `text`.
pub(super) fn parse(text: &str) -> Result<Digest> {
    text.parse().map_err(|cause| {
        Error::misuse(format!("`{}` is not a digest", printable(text))).because(cause)
    })
}
