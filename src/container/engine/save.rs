//! Images of an engine's store as files, for programs that cannot ask the engine.

use std::{ffi::OsString, path::Path, time::Duration};

use super::{
    client::{Engine, flag},
    request,
};
use crate::model::error::{Error, Result};

impl Engine {
    /// Writes an image of the engine's store to `file`, as `docker save` does.
    ///
    /// # Errors
    /// Unavailable: it cannot be had.
    pub fn save(self, reference: &str, file: &Path, timeout: Duration) -> Result<()> {
        match self {
            Self::Docker => self.out(
                &["save"],
                &[flag("--output", file)],
                reference,
                None,
                timeout,
            ),
            Self::Podman => {
                let flags = ["--format=docker-archive".into(), flag("--output", file)];
                self.out(&["save"], &flags, reference, None, timeout)
            }
            Self::Buildah => {
                let place = transport("docker-archive", file);
                self.out(&["push", "--quiet"], &[], reference, Some(place), timeout)
            }
        }
    }

    /// Writes an image of the engine's store into `folder`, which becomes an OCI image layout.
    ///
    /// # Errors
    /// Unavailable: it cannot be had, or the engine has no words for it.
    pub fn save_layout(self, reference: &str, folder: &Path, timeout: Duration) -> Result<()> {
        match self {
            Self::Docker => Err(Error::unavailable("docker writes no OCI image layouts")
                .hint("give the gate {archive} or {image} instead of {layout}")),
            Self::Podman => {
                let flags = ["--format=oci-dir".into(), flag("--output", folder)];
                self.out(&["save"], &flags, reference, None, timeout)
            }
            Self::Buildah => {
                let place = transport("oci", folder);
                self.out(&["push", "--quiet"], &[], reference, Some(place), timeout)
            }
        }
    }

    fn out(
        self,
        verb: &[&str],
        flags: &[OsString],
        reference: &str,
        place: Option<OsString>,
        timeout: Duration,
    ) -> Result<()> {
        request::check_reference(reference)?;
        let command = self.command().args(verb).args(flags);
        let output = command
            .args(["--", reference])
            .args(place)
            .timeout(timeout)
            .run()?;
        output
            .check(|| Error::unavailable(format!("{self} could not hand over {reference}")))
            .map(drop)
    }
}

/// A place in the file system, as containers/image names it (containers-transports(5)).
fn transport(name: &str, path: &Path) -> OsString {
    let mut place = OsString::from(name);
    place.push(":");
    place.push(path);
    place
}
