//! What only a real registry, helm and skopeo can confirm.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    time::SystemTime,
};

use flota::{
    model::{
        exit::Exit,
        reference::{Prefix, Reference},
    },
    registry::{ChartTag, PushedChart},
};

use super::{
    put_blob, put_image, registry,
    server::{Server, is_at_hand},
    whole,
};

fn reference(server: &Server, name: &str) -> Reference {
    Reference::parse(&format!("{}/{name}", server.address)).unwrap()
}

#[test]
fn an_image_is_pushed_once_and_has_all_its_names() {
    let Some(server) = Server::open() else { return };
    let (registry, _folder) = registry(&server.address, None);
    let layout = tempfile::tempdir().unwrap();
    // Larger than any buffer on the way.
    let image = put_image(layout.path(), &vec![7; 3 << 20]);
    let names =
        ["acme/web:code-0123456789ab", "acme/web:pr-12"].map(|name| reference(&server, name));
    assert_eq!(registry.resolve(&names[0]).unwrap(), None);

    registry.push_layout(layout.path(), &image, &names).unwrap();
    for name in &names {
        assert_eq!(registry.resolve(name).unwrap().as_ref(), Some(&image));
    }
    let by_digest = names[0].with_digest(&image).unwrap();
    assert_eq!(registry.resolve(&by_digest).unwrap().as_ref(), Some(&image));
    assert_eq!(
        registry
            .resolve(&reference(&server, "acme/web:marker-1"))
            .unwrap(),
        None
    );
    // Two uploads of a POST and a PUT, and two tags.
    assert_eq!(server.writes_until("marker-1"), 6);

    registry.push_layout(layout.path(), &image, &names).unwrap();
    assert_eq!(
        registry
            .resolve(&reference(&server, "acme/web:marker-2"))
            .unwrap(),
        None
    );
    assert_eq!(server.writes_until("marker-2"), 6);

    let other = put_image(layout.path(), b"other");
    registry
        .push_layout(layout.path(), &other, &names[1..])
        .unwrap();
    assert_eq!(registry.resolve(&names[0]).unwrap(), Some(image));
    assert_eq!(registry.resolve(&names[1]).unwrap(), Some(other));
}

#[test]
fn an_index_is_pushed_with_its_images_and_tagged_as_it_is() {
    let Some(server) = Server::open() else { return };
    let (registry, _folder) = registry(&server.address, None);
    let layout = tempfile::tempdir().unwrap();
    let images = [b"one", b"two"].map(|layer| put_image(layout.path(), layer));
    let entries = images.clone().map(|digest| {
        let size = fs::metadata(layout.path().join("blobs/sha256").join(&digest[7..])).unwrap().len();
        serde_json::json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size})
    });
    // Without a media type of its own, which OCI allows.
    let index = serde_json::json!({"schemaVersion": 2, "manifests": entries}).to_string();
    let index = put_blob(layout.path(), index.as_bytes());
    let name = reference(&server, "acme/web:v1");

    registry
        .push_layout(layout.path(), &index, std::slice::from_ref(&name))
        .unwrap();
    for digest in images {
        let image = name.with_digest(&digest).unwrap();
        assert_eq!(registry.resolve(&image).unwrap(), Some(digest));
    }
    let tags = ["stable", "latest"].map(str::to_owned);
    assert_eq!(registry.tag(&name, &tags).unwrap(), index);
    for tag in tags {
        assert_eq!(
            registry
                .resolve(&name.with_tag(&tag).unwrap())
                .unwrap()
                .as_ref(),
            Some(&index)
        );
    }
}

#[test]
fn what_is_not_there_cannot_be_tagged() {
    let Some(server) = Server::open() else { return };
    let (registry, _folder) = registry(&server.address, None);
    let error = registry
        .tag(&reference(&server, "no/such:thing"), &["x".to_owned()])
        .unwrap_err();
    assert_eq!(error.exit(), Exit::WorkFailed);
    assert!(whole(&error).contains("no/such:thing"), "{error}");
}

#[test]
fn a_layer_that_is_not_what_its_digest_says_is_refused() {
    let Some(server) = Server::open() else { return };
    let (registry, _folder) = registry(&server.address, None);
    let layout = tempfile::tempdir().unwrap();
    let image = put_image(layout.path(), b"right");
    let layer = put_blob(layout.path(), b"right");
    fs::write(
        layout.path().join("blobs/sha256").join(&layer[7..]),
        b"wrong",
    )
    .unwrap();
    let error = registry
        .push_layout(layout.path(), &image, &[reference(&server, "acme/web:v1")])
        .unwrap_err();
    assert_eq!(error.exit(), Exit::WorkFailed);
    assert!(
        whole(&error).contains("DIGEST_INVALID"),
        "{}",
        whole(&error)
    );
}

#[test]
fn a_password_lets_in_and_a_wrong_or_missing_one_does_not() {
    let Some(server) = Server::with_password() else {
        return;
    };
    let layout = tempfile::tempdir().unwrap();
    let image = put_image(layout.path(), b"layer");
    let name = reference(&server, "acme/web:v1");
    for login in [None, Some("me:wrong-secret")] {
        let (stranger, _folder) = registry(&server.address, login);
        for error in [
            stranger.resolve(&name).unwrap_err(),
            stranger
                .push_layout(layout.path(), &image, std::slice::from_ref(&name))
                .unwrap_err(),
        ] {
            assert_eq!(error.exit(), Exit::Unavailable);
            assert_eq!(error.hints(), [format!("docker login {}", server.address)]);
            assert!(!whole(&error).contains("secret"), "{}", whole(&error));
        }
    }
    let (friend, _folder) = registry(&server.address, Some("me:right-secret"));
    friend
        .push_layout(layout.path(), &image, std::slice::from_ref(&name))
        .unwrap();
    assert_eq!(friend.resolve(&name).unwrap(), Some(image));
}

#[test]
fn skopeo_reads_what_was_pushed() {
    let Some(server) = Server::open() else { return };
    if !is_at_hand("skopeo", "skopeo") {
        return;
    }
    let (registry, _folder) = registry(&server.address, None);
    let layout = tempfile::tempdir().unwrap();
    let image = put_image(layout.path(), b"layer");
    let name = reference(&server, "acme/web:v1");
    registry
        .push_layout(layout.path(), &image, std::slice::from_ref(&name))
        .unwrap();
    let seen = run(Command::new("skopeo")
        .args(["inspect", "--tls-verify=false", "--format", "{{.Digest}}"])
        .arg(format!("docker://{name}")));
    assert_eq!(seen.trim(), image);
}

#[test]
fn a_chart_is_pushed_as_helm_pushes_it_and_pulled_as_it_was() {
    let Some(server) = Server::open() else { return };
    if !is_at_hand("helm", "helm") {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let package = packaged(work.path());
    // Helm dates the artifact by the file, flota by nothing.
    File::options()
        .append(true)
        .open(&package)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH)
        .unwrap();
    let (registry, _folder) = registry(&server.address, None);
    let place = |path: &str| format!("oci://{}/{path}", server.address);

    let ours = Prefix::parse(&place("ours")).unwrap();
    let push = || {
        registry
            .push_chart(&package, &ours, ChartTag::Identity)
            .unwrap()
    };
    let PushedChart {
        reference: pushed,
        was_there,
    } = push();
    assert!(!was_there);
    assert_eq!(pushed.tag(), Some("1.2.3-rc.1_build.5"));
    let again = push();
    assert_eq!((&again.reference, again.was_there), (&pushed, true));
    assert_eq!(
        registry
            .resolve(&pushed.with_tag("1.2.3-rc.1_build.5").unwrap())
            .unwrap()
            .as_deref(),
        pushed.digest()
    );

    run(helm(work.path())
        .args(["push", "--plain-http"])
        .arg(&package)
        .arg(place("helms")));
    let theirs = reference(&server, "helms/web:1.2.3-rc.1_build.5");
    assert_eq!(
        registry.resolve(&theirs).unwrap().as_deref(),
        pushed.digest(),
        "the manifests differ"
    );

    let pulled = work.path().join("pulled");
    fs::create_dir(&pulled).unwrap();
    run(helm(work.path())
        .args([
            "pull",
            "--plain-http",
            "--version",
            "1.2.3-rc.1+build.5",
            "--destination",
        ])
        .arg(&pulled)
        .arg(place("ours/web")));
    let pulled = pulled.join(package.file_name().unwrap());
    assert!(
        fs::read(pulled).unwrap() == fs::read(&package).unwrap(),
        "the package came back changed"
    );
}

/// A package made by helm, with everything in its Chart.yaml that reaches the registry.
fn packaged(work: &Path) -> std::path::PathBuf {
    let chart = work.join("web");
    fs::create_dir_all(chart.join("templates")).unwrap();
    let metadata = "apiVersion: v2\nname: web\nversion: 1.2.3-rc.1+build.5\nappVersion: 1.10\ntype: application\n\
        description: Serves <pages> & more – für alle 🚀\nhome: https://example.com/?a=1&b=2\nicon: https://example.com/i.svg\n\
        sources: [https://example.com/src, https://example.com/more]\nkeywords: [web, 'true']\nkubeVersion: '>=1.25.0-0'\n\
        maintainers:\n- {name: Ann, email: ann@example.com}\n- {name: Bob, url: https://example.com/bob}\ndeprecated: true\n\
        annotations: {team: 'a & b', org.opencontainers.image.title: ignored, org.opencontainers.image.licenses: MIT}\n";
    fs::write(chart.join("Chart.yaml"), metadata).unwrap();
    fs::write(chart.join("values.yaml"), "a: 1\n").unwrap();
    run(helm(work)
        .args(["package", "--destination"])
        .arg(work)
        .arg(&chart));
    work.join("web-1.2.3-rc.1+build.5.tgz")
}

/// Helm without the user's settings.
fn helm(home: &Path) -> Command {
    let mut helm = Command::new("helm");
    helm.env_clear()
        .env("HOME", home)
        .env("TZ", "UTC")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    helm
}

/// What `command` prints; it must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The same without helm.
pub fn packaged_by_hand(work: &Path) -> std::path::PathBuf {
    let package = work.join("web-1.2.3.tgz");
    let file = File::create(&package).unwrap();
    let compressed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let mut archive = tar::Builder::new(compressed);
    let metadata = b"apiVersion: v2\nname: web\nversion: 1.2.3\n";
    let mut header = tar::Header::new_ustar();
    header.set_size(metadata.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive
        .append_data(&mut header, "web/Chart.yaml", &metadata[..])
        .unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    package
}
