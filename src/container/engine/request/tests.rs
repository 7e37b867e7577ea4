use super::*;
use crate::{container::image::Mounts, model::exit::Exit};
use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

fn request(context: &Path) -> ImageRequest {
    ImageRequest {
        context: context.to_owned(),
        dockerfile: "Dockerfile".into(),
        dockerfile_in_use: None,
        target: None,
        build_args: BTreeMap::new(),
        labels: BTreeMap::new(),
        platforms: vec!["linux/amd64".into()],
        mounts: Mounts::default(),
        created: -5,
        references: vec!["ghcr.io/acme/orders:1".into()],
    }
}

#[test]
fn references_are_names_and_nothing_else() {
    for good in [
        "orders",
        "ghcr.io/acme/orders:1.2",
        "127.0.0.1:5000/o:t",
        "localhost/o",
        "[::1]:5000/o:t",
        "r/o@sha256:00",
    ] {
        check_reference(good).unwrap();
    }
    for bad in [
        "",
        "-t",
        "--help",
        "a b",
        "a\n",
        "a,b",
        "a=b",
        "/abs",
        "../up",
        "ä",
        "dir:/tmp/x",
        "oci-archive:x:y",
        "docker://x",
    ] {
        let error = check_reference(bad).unwrap_err();
        assert_eq!(error.exit(), Exit::Misuse, "{bad}");
    }
}

#[test]
fn build_arguments_cannot_steer_the_builder() {
    for good in [
        "VERSION",
        "_x1",
        "GO_VERSION",
        "HTTP_PROXY",
        "GITHUB_TOKEN",
        "BUILDKIT_INLINE_CACHE",
    ] {
        check_build_arg(good).unwrap();
    }
    for bad in [
        "",
        "1A",
        "A=B",
        "A B",
        "-f",
        "LD_PRELOAD",
        "PATH",
        "DOCKER_HOST",
        "BUILDX_BUILDER",
        "CONTAINERS_CONF",
        "GODEBUG",
    ] {
        let error = check_build_arg(bad).unwrap_err();
        assert_eq!(error.exit(), Exit::Misuse, "{bad}");
        assert!(!error.hints().is_empty());
    }
}

#[test]
fn a_label_key_ends_where_its_value_begins() {
    check_label("org.opencontainers.image.revision").unwrap();
    for bad in ["", "a=b", "a b", "a\n"] {
        check_label(bad).unwrap_err();
    }
}

#[test]
fn the_dockerfile_stays_in_the_context() {
    let dir = tempfile::tempdir().unwrap();
    let context = dir.path().join("context");
    fs::create_dir(&context).unwrap();
    fs::write(dir.path().join("secret"), "").unwrap();
    let mut request = request(&context);
    assert!(Checked::new(&request).is_err(), "there is none yet");
    fs::write(context.join("Dockerfile"), "FROM scratch").unwrap();
    let checked = Checked::new(&request).unwrap();
    assert!(checked.dockerfile().is_absolute());
    assert_eq!(checked.epoch(), "0");
    request.dockerfile = "../secret".into();
    let error = Checked::new(&request).err().unwrap();
    assert_eq!(
        error.to_string(),
        "../secret leads out of the build context"
    );
    symlink("../secret", context.join("link")).unwrap();
    request.dockerfile = "link".into();
    assert!(Checked::new(&request).is_err());
}

#[test]
fn only_this_machine_is_loopback() {
    for local in [
        "127.0.0.1:5000/a",
        "127.9.9.9/a",
        "localhost:5000/a",
        "localhost/a",
        "[::1]:5000/a",
    ] {
        assert!(is_loopback(local), "{local}");
    }
    for far in [
        "127.0.0.1.example.org/a",
        "localhost.example.org/a",
        "ghcr.io/a",
        "10.0.0.1:5000/a",
        "localhost",
        "[::2]/a",
    ] {
        assert!(!is_loopback(far), "{far}");
    }
}
