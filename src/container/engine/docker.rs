//! What is specific to Docker: BuildKit or the classic builder, and digests that the daemon learns from a push.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::Path,
    time::Duration,
};

use super::{
    client::{ANSWER, Engine, LOCAL, digest},
    request::Checked,
};
use crate::{
    model::error::{Error, Result},
    process::{self, Command, Output},
};

/// What a client of Docker 23 and later says if its plugin is not installed, before it has done anything.
const NO_BUILDX: &str = "buildx component is missing";

/// BuildKit, with the first `docker` on `PATH` that has it: from 23 on it is a plugin of the client (buildx), which may be
/// missing, while another client beside it may have it built in. If none has it, the classic builder of the first client.
pub(super) fn build(
    request: &Checked<'_>,
    id_file: &Path,
    log: &Path,
    timeout: Duration,
) -> Result<Output> {
    let attempt = |client: OsString, buildkit: &str| {
        command(request, Command::new(client), id_file)
            .env("DOCKER_BUILDKIT", buildkit)
            .log(log)
            .timeout(timeout)
            .run()
    };
    for client in process::find_all(Engine::Docker.program()) {
        let logged = fs::metadata(log).map_or(0, |log| log.len());
        let output = attempt(client.into(), "1")?;
        let lacks_buildx =
            !output.success() && String::from_utf8_lossy(&output.text).contains(NO_BUILDX);
        if !lacks_buildx {
            return Ok(output);
        }
        // Nothing was built: in the log of a build that fails for another reason this would pass for the reason.
        let _ = File::options()
            .write(true)
            .open(log)
            .and_then(|log| log.set_len(logged));
    }
    attempt(Engine::Docker.program().into(), "0")
}

fn command(request: &Checked<'_>, docker: Command, id_file: &Path) -> Command {
    let command = docker
        .arg("build")
        .env("BUILDKIT_PROGRESS", "plain")
        .env("DOCKER_CLI_HINTS", "false")
        // An attestation holds the time of the build, and turns the image into an index that differs each time.
        .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
        // buildx would run git in the context, which is somebody else's repository.
        .env("BUILDX_GIT_INFO", "false");
    // BuildKit 0.11 and later take the image's dates from it (https://reproducible-builds.org/specs/source-date-epoch/).
    let command = match request.has_build_arg("SOURCE_DATE_EPOCH") {
        true => command,
        false => command
            .arg("--build-arg=SOURCE_DATE_EPOCH")
            .env("SOURCE_DATE_EPOCH", request.epoch()),
    };
    request.give_to(command, id_file)
}

/// Pushes one name; the digest of its manifest.
pub(super) fn push(reference: &str, timeout: Duration) -> Result<String> {
    let docker = || Command::new(Engine::Docker.program());
    let output = docker()
        .args(["push", "--", reference])
        .timeout(timeout)
        .run()?;
    let said = Engine::Docker.pushed(output, reference)?.text;
    let inspected = docker()
        .args([
            "image",
            "inspect",
            "--format={{json .RepoDigests}}",
            "--",
            reference,
        ])
        .timeout(LOCAL)
        .stdout_as_data(ANSWER)
        .run()?
        .check(|| Error::work(format!("docker lost {reference} after its push")))?;
    pushed_digest(
        &inspected.stdout,
        reference,
        &String::from_utf8_lossy(&said),
    )
    .ok_or_else(|| {
        Error::work(format!(
            "docker pushed {reference} but did not report its digest"
        ))
    })
}

/// The digest that the image has in the reference's repository. An image that was pushed there in several compressions
/// has several: then it is the one that this push spoke of.
fn pushed_digest(repo_digests: &[u8], reference: &str, said: &str) -> Option<String> {
    let all: Vec<String> = serde_json::from_slice(repo_digests).ok()?;
    let repository = repository(reference);
    let here: Vec<String> = all
        .iter()
        .filter_map(|entry| entry.split_once('@'))
        .filter(|(name, _)| *name == repository)
        .filter_map(|(_, text)| digest(text))
        .collect();
    let spoken_of = here.iter().find(|digest| said.contains(digest.as_str()));
    spoken_of.or(here.last()).cloned()
}

/// A reference without its tag: the colon of a port stands before a slash.
fn repository(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => reference,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_repository_and_of_this_push() {
        let [a, b, c] = ["a", "b", "c"].map(|hex| format!("sha256:{}", hex.repeat(64)));
        let digests = format!(r#"["other/x@{a}","127.0.0.1:5000/x@{b}","127.0.0.1:5000/x@{c}"]"#);
        let of = |reference: &str, said: &str| pushed_digest(digests.as_bytes(), reference, said);
        assert_eq!(
            of("127.0.0.1:5000/x:t", &format!("t: digest: {b} size: 1")),
            Some(b)
        );
        assert_eq!(of("127.0.0.1:5000/x", ""), Some(c));
        assert_eq!(of("other/x:1", ""), Some(a));
        assert_eq!(of("nowhere/x:1", ""), None);
        assert_eq!(pushed_digest(b"null", "x", ""), None);
    }

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(repository("localhost:5000/a/b:1"), "localhost:5000/a/b");
        assert_eq!(repository("localhost:5000/a/b"), "localhost:5000/a/b");
        assert_eq!(repository("a"), "a");
    }
}
