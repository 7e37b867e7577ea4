//! Digests, as OCI writes them (image specification, "Digests").

use std::fmt::Write as _;

use oci_spec::image::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    http::printable,
    model::error::{Error, Result},
};

/// The digest of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

/// The digest in `text`.
pub(super) fn parse(text: &str) -> Result<Digest> {
    text.parse().map_err(|cause| {
        Error::misuse(format!("`{}` is not a digest", printable(text))).because(cause)
    })
}
