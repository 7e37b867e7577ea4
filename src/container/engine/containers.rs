//! Podman and Buildah: one set of libraries, the same flags.

use std::{path::Path, time::Duration};

use super::{
    client::{ANSWER, Engine, LOCAL, digest, first_line, flag},
    request::{self, Checked},
};
use crate::{
    container::image::BuiltImage,
    files,
    model::error::{Error, Result},
    process::Output,
};

/// Runs `podman build` or `buildah build`.
pub(super) fn build(
    engine: Engine,
    request: &Checked<'_>,
    id_file: &Path,
    log: &Path,
    timeout: Duration,
) -> Result<Output> {
    // They run the C preprocessor on such a file, whose #include reads any file of this machine (buildah-build(1)).
    if request
        .dockerfile()
        .extension()
        .is_some_and(|extension| extension == "in")
    {
        return Err(Error::misuse(format!(
            "{engine} would preprocess {}",
            request.dockerfile().display()
        ))
        .hint("give the Dockerfile a name that does not end in .in"));
    }
    let epoch = request.epoch();
    let command = engine
        .command()
        .arg("build")
        // In the OCI format SHELL, HEALTHCHECK and ONBUILD are ignored: the image would not be the Dockerfile's.
        .arg("--format=docker")
        .arg(flag("--timestamp", &epoch))
        // Newer versions take this variable for a second --timestamp.
        .env_remove("SOURCE_DATE_EPOCH");
    let command = match request.has_build_arg("SOURCE_DATE_EPOCH") {
        true => command,
        false => command.arg(flag("--build-arg", format!("SOURCE_DATE_EPOCH={epoch}"))),
    };
    request
        .give_to(command, id_file)
        .log(log)
        .timeout(timeout)
        .run()
}

/// The image of this name in Podman's store. It is asked for by its name: where a store has a list of images, Podman 4.3 cannot
/// always list what it has.
pub(super) fn exists_in_podman(reference: &str) -> Result<Option<BuiltImage>> {
    let cannot = || Error::unavailable(format!("podman could not look for {reference}"));
    let ask = |arguments: &[&str]| {
        let command = Engine::Podman.command().args(arguments.iter().copied());
        command
            .args(["--", reference])
            .timeout(LOCAL)
            .stdout_as_data(ANSWER)
            .run()
    };
    let found = ask(&["image", "exists"])?;
    // podman-image-exists(1): 1 is an answer, anything else is trouble.
    if found.status.code() == Some(1) {
        return Ok(None);
    }
    found.check(cannot)?;
    let id = ask(&["image", "inspect", "--format={{.Id}}"])?.check(cannot)?;
    let id = digest(&first_line(&id.stdout));
    Ok(id.map(|id| BuiltImage { digest: None, id }))
}

/// Pushes one name, of an image or of an index; the digest of its manifest.
pub(super) fn push(
    engine: Engine,
    reference: &str,
    is_index: bool,
    timeout: Duration,
) -> Result<String> {
    let answers = files::temporary_folder()?;
    let digest_file = answers.path().join("digest");
    let command = engine.command();
    let command = match is_index {
        // With the images that it lists, for all platforms.
        true => command.args(["manifest", "push", "--all"]),
        false => command.arg("push"),
    };
    let command = command.arg(flag("--digestfile", &digest_file));
    let command = match request::is_loopback(reference) {
        true => command.arg("--tls-verify=false"),
        false => command,
    };
    // The destination is spelt out: left to themselves they would look for another transport's name in it.
    let output = command
        .args(["--", reference, &format!("docker://{reference}")])
        .timeout(timeout)
        .run()?;
    engine.pushed(output, reference)?;
    let text = std::fs::read_to_string(&digest_file).unwrap_or_default();
    digest(&text).ok_or_else(|| {
        Error::work(format!(
            "{engine} pushed {reference} but did not report its digest"
        ))
    })
}
