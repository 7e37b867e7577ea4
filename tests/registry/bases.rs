//! Images of a real registry that others are built on, beside what buildah makes of them; and registries that send something else.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use flota::{
    container::{
        ImageRequest, Mounts,
        embedded::{self, BaseCache, Bases},
    },
    model::{error::Result, exit::Exit, reference::Reference},
    registry::Registries,
};
use serde_json::{Value, json};

use super::{
    digest,
    fake::{Answer, Fake, status},
    options, put_blob, registry,
    server::{Server, is_at_hand},
    whole,
};

/// One entry of a layer: path, mode, user, group, and what it is.
type Entry<'a> = (&'a str, u32, u64, u64, Is<'a>);

#[derive(Clone, Copy)]
enum Is<'a> {
    Folder,
    File(&'a str),
    Symlink(&'a str),
    Link(&'a str),
}
use Is::{File, Folder, Link, Symlink};

fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, mode, uid, gid, is) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_uid(*uid);
        header.set_gid(*gid);
        header.set_mtime(1_600_000_000);
        header.set_size(0);
        match is {
            Folder => {
                header.set_entry_type(tar::EntryType::Directory);
                archive.append_data(&mut header, path, &[][..]).unwrap();
            }
            File(text) => {
                header.set_size(text.len() as u64);
                archive
                    .append_data(&mut header, path, text.as_bytes())
                    .unwrap();
            }
            Symlink(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                archive.append_link(&mut header, path, target).unwrap();
            }
            Link(target) => {
                header.set_entry_type(tar::EntryType::Link);
                archive.append_link(&mut header, path, target).unwrap();
            }
        }
    }
    archive.into_inner().unwrap()
}

/// How a layer is sent.
#[derive(Clone, Copy)]
enum Sent {
    Stored,
    Gzip,
    Zstd,
}

impl Sent {
    fn bytes(self, archive: &[u8]) -> Vec<u8> {
        match self {
            Self::Stored => archive.to_vec(),
            Self::Gzip => {
                // Two members, as tools that compress in parallel write them.
                let (one, two) = archive.split_at(archive.len() / 2);
                let member = |part: &[u8]| {
                    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                    gzip.write_all(part).unwrap();
                    gzip.finish().unwrap()
                };
                [member(one), member(two)].concat()
            }
            Self::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                let (one, two) = archive.split_at(archive.len() / 2);
                let frame = |part: &[u8]| ruzstd::encoding::compress_to_vec(part, level);
                let skipped = [&0x184D_2A50_u32.to_le_bytes()[..], &[3, 0, 0, 0], b"any"].concat();
                [frame(one), skipped, frame(two)].concat()
            }
        }
    }

    fn media_type(self, docker: bool) -> String {
        let (kind, suffix) = match (docker, self) {
            (true, Self::Stored) => ("docker.image.rootfs.diff.tar", ""),
            (true, Self::Gzip) => ("docker.image.rootfs.diff.tar", ".gzip"),
            (true, Self::Zstd) => ("docker.image.rootfs.diff.tar", ".zstd"),
            (false, Self::Stored) => ("oci.image.layer.v1.tar", ""),
            (false, Self::Gzip) => ("oci.image.layer.v1.tar", "+gzip"),
            (false, Self::Zstd) => ("oci.image.layer.v1.tar", "+zstd"),
        };
        format!("application/vnd.{kind}{suffix}")
    }
}

/// Puts an image into the layout at `root`; the digest and the length of its manifest.
fn put_base(
    root: &Path,
    docker: bool,
    architecture: &str,
    config: Value,
    layers: &[(Sent, Vec<u8>)],
) -> (String, usize) {
    let diff_ids: Vec<_> = layers.iter().map(|(_, archive)| digest(archive)).collect();
    let configuration = json!({
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": layers.iter().map(|_| json!({"created_by": "base", "comment": "kept"})).collect::<Vec<_>>(),
    })
    .to_string();
    let parts: Vec<_> = layers
        .iter()
        .map(|(sent, archive)| {
            let bytes = sent.bytes(archive);
            json!({"mediaType": sent.media_type(docker), "size": bytes.len(), "digest": put_blob(root, &bytes)})
        })
        .collect();
    let (manifest, of_config) = match docker {
        true => (
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.container.image.v1+json",
        ),
        false => (
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.oci.image.config.v1+json",
        ),
    };
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": manifest,
        "config": {"mediaType": of_config, "size": configuration.len(), "digest": put_blob(root, configuration.as_bytes())},
        "layers": parts,
    })
    .to_string();
    (put_blob(root, manifest.as_bytes()), manifest.len())
}

/// What a run has: a layout, a cache of bases, and registries.
struct Here {
    folder: tempfile::TempDir,
    bases: Bases,
}

impl Here {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let registries = Arc::new(Registries::new(options()));
        let bases = Bases::new(registries, BaseCache::at(at("bases")), at("images"));
        Self { folder, bases }
    }

    fn images(&self) -> PathBuf {
        self.folder.path().join("images")
    }

    /// Builds `dockerfile` with these files beside it; the digest of the image.
    fn build(&self, dockerfile: &str, files: &[(&str, &str)], platform: &str) -> Result<String> {
        let context = context(dockerfile, files);
        let request = ImageRequest {
            context: context.path().to_owned(),
            dockerfile: "Dockerfile".into(),
            dockerfile_in_use: None,
            target: None,
            build_args: BTreeMap::new(),
            labels: BTreeMap::new(),
            platforms: vec![platform.into()],
            mounts: Mounts::default(),
            created: 1_700_000_000,
            references: vec!["registry.test/shop/api:1".into()],
        };
        let built = embedded::build(&request, &self.images(), &self.bases)?;
        Ok(built.digest.unwrap())
    }
}

fn context(dockerfile: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files.iter().chain([&("Dockerfile", dockerfile)]) {
        fs::write(folder.path().join(path), text).unwrap();
    }
    folder
}

/// Pushes the image `image` of the layout `root` to `server`.
fn push(server: &Server, root: &Path, image: &str, name: &str) -> Reference {
    let (registry, _folder) = registry(&server.address, None);
    let name = Reference::parse(&format!("{}/{name}", server.address)).unwrap();
    registry
        .push_layout(root, image, std::slice::from_ref(&name))
        .unwrap();
    name
}

/// A base of three layers with all that a layer may say of the ones below it.
fn base_layers() -> Vec<(Sent, Vec<u8>)> {
    let one = archive(&[
        ("./", 0o755, 0, 0, Folder),
        ("./etc/", 0o755, 0, 0, Folder),
        (
            "etc/passwd",
            0o644,
            0,
            0,
            File("root:x:0:0::/root:\napp:x:1000:1001::/home/app:\n"),
        ),
        ("etc/group", 0o644, 0, 0, File("root:x:0:\nstaff:x:50:\n")),
        ("usr", 0o755, 0, 0, Folder),
        ("usr/lib", 0o711, 3, 4, Folder),
        ("usr/lib/library", 0o644, 0, 0, File("library")),
        ("lib", 0o777, 0, 0, Symlink("usr/lib")),
        ("gone", 0o755, 0, 0, Folder),
        ("gone/with", 0o644, 0, 0, File("all")),
        ("covered/deep", 0o644, 0, 0, File("below")),
        ("folder/to/file", 0o644, 0, 0, File("below")),
        ("file-to-folder", 0o644, 0, 0, File("below")),
        ("home/app", 0o700, 1000, 1001, Folder),
    ]);
    let two = archive(&[
        // Through the link of the layer below.
        ("lib/added", 0o751, 0, 0, File("added")),
        ("lib/.wh.library", 0, 0, 0, File("")),
        (".wh.gone", 0, 0, 0, File("")),
        ("covered/new", 0o600, 5, 6, File("new")),
        ("covered/.wh..wh..opq", 0, 0, 0, File("")),
        ("folder", 0o640, 0, 0, File("a file now")),
        ("file-to-folder/", 0o750, 7, 7, Folder),
        ("file-to-folder/inside", 0o644, 0, 0, File("inside")),
    ]);
    let long = "a-long-name/".repeat(12) + "name";
    let three = archive(&[
        ("usr/bin/tool", 0o755, 0, 0, File("tool")),
        ("usr/bin/hard", 0o755, 0, 0, Link("usr/bin/tool")),
        ("usr/bin/alias", 0o777, 0, 0, Symlink("tool")),
        ("usr/bin/of-below", 0o644, 0, 0, Link("lib/added")),
        (&long, 0o644, 4_000_000, 0, File("long")),
    ]);
    vec![(Sent::Gzip, one), (Sent::Zstd, two), (Sent::Stored, three)]
}

fn base_config() -> Value {
    json!({
        "Env": ["PATH=/usr/bin", "A=1"],
        "User": "app",
        "WorkingDir": "/home/app",
        "Entrypoint": ["/usr/bin/tool"],
        "Cmd": ["--help"],
        "Labels": {"of": "base", "both": "base"},
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}},
        "StopSignal": "SIGINT",
    })
}

/// The oracle: a buildah with a store of its own.
struct Buildah {
    folder: tempfile::TempDir,
}

impl Buildah {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;
        fs::write(folder.path().join("policy.json"), policy).unwrap();
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> String {
        let at = |name: &str| self.folder.path().join(name);
        let mut command = Command::new("buildah");
        command
            .arg("--root")
            .arg(at("root"))
            .arg("--runroot")
            .arg(at("run"))
            .args(["--storage-driver", "vfs"])
            .args(arguments);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn policy(&self) -> String {
        let policy = self.folder.path().join("policy.json");
        format!("--signature-policy={}", policy.display())
    }

    /// Builds `context` and pushes the image.
    fn build(&self, context: &Path, name: &str) {
        let policy = self.policy();
        let context = context.display().to_string();
        self.run(&[
            "build",
            "--format=oci",
            "--tls-verify=false",
            &policy,
            "-t",
            name,
            &context,
        ]);
        self.run(&["push", "--tls-verify=false", &policy, name]);
    }

    /// What a container of the image at `name` sees: each path with its kind, mode, owner and content.
    fn files(&self, name: &str) -> BTreeMap<PathBuf, String> {
        let policy = self.policy();
        let image = format!("docker://{name}");
        let container = self.run(&[
            "from",
            "--pull-always",
            "--tls-verify=false",
            &policy,
            &image,
        ]);
        let root = PathBuf::from(self.run(&["mount", &container]));
        let found = walkdir::WalkDir::new(&root).min_depth(1).into_iter();
        let files = found.map(|found| {
            let found = found.unwrap();
            let metadata = found.metadata().unwrap();
            let content = match found.file_type() {
                kind if kind.is_symlink() => {
                    format!("-> {:?}", fs::read_link(found.path()).unwrap())
                }
                kind if kind.is_file() => {
                    format!("{:?}", fs::read_to_string(found.path()).unwrap())
                }
                _ => String::new(),
            };
            let (mode, uid, gid) = (metadata.mode(), metadata.uid(), metadata.gid());
            let path = found.path().strip_prefix(&root).unwrap().to_owned();
            (path, format!("{mode:o} {uid}:{gid} {content}"))
        });
        let files = files.collect();
        self.run(&["rm", &container]);
        files
    }
}

/// The configuration of the image at `name`, as skopeo reads it.
fn configuration(name: &str) -> Value {
    let output = Command::new("skopeo")
        .args([
            "inspect",
            "--config",
            "--tls-verify=false",
            &format!("docker://{name}"),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn images_on_bases_are_as_buildah_makes_them() {
    let Some(server) = Server::open() else { return };
    if !is_at_hand("buildah", "buildah") || !is_at_hand("skopeo", "skopeo") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let (docker, _) = put_base(
        root.path(),
        true,
        "amd64",
        base_config(),
        &[
            (Sent::Gzip, base_layers().remove(0).1),
            (Sent::Gzip, base_layers().remove(1).1),
            (Sent::Gzip, base_layers().remove(2).1),
        ],
    );
    let (oci, _) = put_base(root.path(), false, "amd64", base_config(), &base_layers());
    let docker = push(&server, root.path(), &docker, "base/docker:1");
    let oci = push(&server, root.path(), &oci, "base/oci:1");
    let buildah = Buildah::new();
    let files = [("app", "app"), ("note", "note")];
    for (index, dockerfile) in [
        format!("FROM {oci}\nLABEL both=own\nENV A=$A-2 B=3\nEXPOSE 81\nVOLUME /more\nCMD [\"x\"]\n"),
        format!("FROM {docker}\nENTRYPOINT [\"/app\"]\nUSER root\nCOPY app /app\n"),
        format!(
            "FROM {oci}\nUSER 0\nCOPY app /lib/app\nCOPY --chown=app:staff app note /home/app/\nCOPY --chown=app app /new/deep/app\n\
             COPY --chown=7:staff app /numbers\nCOPY note /usr/lib/added\nCOPY note /file-to-folder/\nCOPY note /covered/deep\n"
        ),
        format!(
            "FROM {docker} AS tools\nUSER 0\nCOPY app /usr/bin/more\nFROM scratch\nCOPY --from=tools /usr/bin /bin\nCOPY --from={oci} /usr/bin/hard /usr/bin/of-below /one/\n\
             COPY --from={oci} /lib /lib\nCOPY --from={oci} --chown=9 /lib/ad* /some/\nCOPY --from={oci} /a-long-name /long\n"
        ),
        format!("FROM {docker}\nUSER root\nWORKDIR /lib/sub\nCOPY app .\nWORKDIR /covered\nCOPY note ./\n"),
    ]
    .iter()
    .enumerate()
    {
        let here = Here::new();
        let image = here.build(dockerfile, &files, "linux/amd64").unwrap();
        let ours = push(&server, &here.images(), &image, &format!("ours/i{index}:1")).to_string();
        let theirs = format!("{}/theirs/i{index}:1", server.address);
        buildah.build(context(dockerfile, &files).path(), &theirs);

        assert_eq!(buildah.files(&ours), buildah.files(&theirs), "{dockerfile}");
        let (ours, mut theirs) = (configuration(&ours), configuration(&theirs));
        let config = theirs["config"].as_object_mut().unwrap();
        let labels = config["Labels"].as_object_mut().unwrap();
        labels.remove("io.buildah.version");
        if labels.is_empty() {
            config.remove("Labels");
        }
        // BuildKit says what buildah leaves out.
        config.entry("WorkingDir").or_insert("/".into());
        for key in ["config", "os", "architecture", "variant", "author"] {
            assert_eq!(ours[key], theirs[key], "{key} of {dockerfile}");
        }
        let with_layers = |config: &Value| -> usize {
            let history = config["history"].as_array().unwrap();
            history.iter().filter(|past| past["empty_layer"] != true).count()
        };
        assert_eq!(with_layers(&ours), ours["rootfs"]["diff_ids"].as_array().unwrap().len());
    }
}

fn manifest(here: &Here, image: &str) -> Value {
    let path = here
        .images()
        .join("blobs/sha256")
        .join(&image["sha256:".len()..]);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn layers_of_a_base_are_shared_and_not_sent_again() {
    let Some(server) = Server::open() else { return };
    let root = tempfile::tempdir().unwrap();
    let (base, _) = put_base(root.path(), false, "amd64", base_config(), &base_layers());
    let name = push(&server, root.path(), &base, "base/oci:1");
    let here = Here::new();
    let dockerfile = format!("FROM {name}\nUSER 0\nCOPY app /app\n");
    let image = here
        .build(&dockerfile, &[("app", "app")], "linux/amd64")
        .unwrap();

    let document = manifest(&here, &image);
    let annotations = &document["annotations"];
    assert_eq!(
        annotations["org.opencontainers.image.base.name"],
        name.to_string()
    );
    assert_eq!(annotations["org.opencontainers.image.base.digest"], base);
    let of_base: Vec<Value> = {
        let path = root
            .path()
            .join("blobs/sha256")
            .join(&base["sha256:".len()..]);
        let base: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        base["layers"].as_array().unwrap().clone()
    };
    let layers = document["layers"].as_array().unwrap();
    assert_eq!(layers[..3], of_base[..]);
    let first = layers[0]["digest"].as_str().unwrap();
    let blob = |folder: PathBuf| {
        fs::metadata(folder.join(&first["sha256:".len()..]))
            .unwrap()
            .ino()
    };
    let kept = here.folder.path().join("bases/blobs/sha256");
    assert_eq!(
        blob(kept),
        blob(here.images().join("blobs/sha256")),
        "one file"
    );

    let before = server.writes_until("oci");
    let ours = push(&server, &here.images(), &image, "shop/api:1");
    let (registry, _folder) = registry(&server.address, None);
    registry.resolve(&ours.with_tag("marker").unwrap()).unwrap();
    // Three layers taken over, one that the base lacks is asked for; that and the configuration by POST and PUT; the tag.
    assert_eq!(server.writes_until("marker") - before, 3 + 1 + 2 * 2 + 1);
    let log = server.log();
    let taken = log
        .lines()
        .filter(|line| line.contains("mount=") && line.contains("response.status=201"));
    assert_eq!(taken.count(), 3);

    // A name by digest needs no registry once it is kept.
    drop(server);
    let dockerfile = format!(
        "FROM {}\nUSER 0\nCOPY app /app\n",
        name.with_digest(&base).unwrap()
    );
    here.build(&dockerfile, &[("app", "app")], "linux/amd64")
        .unwrap();
    let here = Here::new();
    let error = here
        .build(&dockerfile, &[("app", "app")], "linux/amd64")
        .unwrap_err();
    assert_eq!(error.exit(), Exit::Unavailable, "{}", whole(&error));
}

/// An index with an image for each of these platforms, and what Docker adds beside them.
fn put_index(root: &Path, platforms: &[(&str, Option<&str>)]) -> String {
    let images = platforms.iter().map(|(architecture, variant)| {
        let file = [("of", 0o644, 0, 0, File(architecture))];
        let layers = [(Sent::Gzip, archive(&file))];
        let (digest, size) = put_base(root, false, architecture, json!({}), &layers);
        let mut platform = json!({"os": "linux", "architecture": architecture});
        if let Some(variant) = variant {
            platform["variant"] = (*variant).into();
        }
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size, "platform": platform})
    });
    let mut images: Vec<_> = images.collect();
    let mut attestation = images[0].clone();
    attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    images.insert(0, attestation);
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": images,
    });
    put_blob(root, index.to_string().as_bytes())
}

#[test]
fn the_image_of_an_index_is_that_of_the_platform() {
    let Some(server) = Server::open() else { return };
    let root = tempfile::tempdir().unwrap();
    let index = put_index(
        root.path(),
        &[("amd64", None), ("arm64", Some("v8")), ("arm", Some("v6"))],
    );
    let name = push(&server, root.path(), &index, "base/many:1");
    let here = Here::new();
    let plain = format!("FROM {name}\n");
    let own = format!("FROM --platform=linux/arm64 {name}\n");
    let copied = format!("FROM scratch\nCOPY --from={name} /of /of\n");
    for (dockerfile, platform, expected) in [
        (&plain, "linux/amd64", "amd64"),
        (&plain, "linux/arm64", "arm64"),
        (&plain, "linux/arm/v7", "arm"),
        (&own, "linux/amd64", "arm64"),
    ] {
        let image = here.build(dockerfile, &[], platform).unwrap();
        let document = manifest(&here, &image);
        let config = manifest(&here, document["config"]["digest"].as_str().unwrap());
        assert_eq!(
            config["architecture"], expected,
            "{dockerfile} for {platform}"
        );
        let base = document["annotations"]["org.opencontainers.image.base.digest"]
            .as_str()
            .unwrap();
        assert_ne!(base, index, "the image itself");
    }
    let images =
        ["linux/amd64", "linux/arm64"].map(|platform| here.build(&copied, &[], platform).unwrap());
    assert_ne!(images[0], images[1]);

    let error = here.build(&plain, &[], "linux/s390x").unwrap_err();
    assert_eq!(error.exit(), Exit::WorkFailed);
    let said = whole(&error);
    for part in [
        "Dockerfile:1",
        "no image for linux/s390x",
        "linux/amd64, linux/arm64/v8, linux/arm/v6",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

/// What comes of building on an image whose documents a test has changed.
fn refused(
    change: impl Fn(&mut Value, &mut Value),
    layers: &[(Sent, Vec<u8>)],
) -> flota::model::error::Error {
    let here = Here::new();
    let root = here.images();
    let (base, _) = put_base(&root, false, "amd64", base_config(), layers);
    let mut document = manifest(&here, &base);
    let mut config = manifest(&here, document["config"]["digest"].as_str().unwrap());
    change(&mut document, &mut config);
    let config = config.to_string();
    document["config"]["digest"] = put_blob(&root, config.as_bytes()).into();
    document["config"]["size"] = config.len().into();
    let base = put_blob(&root, document.to_string().as_bytes());
    // A layout's own file, or the folder is one of something else.
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let dockerfile = format!("FROM registry.test/base@{base}\nCOPY app /\n");
    here.build(&dockerfile, &[("app", "app")], "linux/amd64")
        .unwrap_err()
}

#[test]
fn what_is_no_base_is_refused_by_name() {
    type Change = fn(&mut Value, &mut Value);
    let rows: [(Change, Exit, &str); 11] = [
        (
            |m, _| m["manifests"] = json!([]),
            Exit::WorkFailed,
            "both an index and an image",
        ),
        (
            |m, _| m["schemaVersion"] = 1.into(),
            Exit::Unavailable,
            "Docker's first schema",
        ),
        (
            |m, _| m["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json".into(),
            Exit::WorkFailed,
            "helm.config",
        ),
        (
            |m, _| {
                m["layers"][0]["mediaType"] =
                    "application/vnd.oci.image.layer.v1.tar+gzip+encrypted".into()
            },
            Exit::Unavailable,
            "+encrypted",
        ),
        (
            |m, _| {
                m["layers"][0]["mediaType"] =
                    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into()
            },
            Exit::Unavailable,
            "foreign",
        ),
        (
            |m, _| m["layers"][0]["digest"] = "sha256:../../../etc/passwd".into(),
            Exit::WorkFailed,
            "not a SHA-256 digest",
        ),
        (
            |m, _| _ = m.as_object_mut().unwrap().remove("layers"),
            Exit::WorkFailed,
            "is not an image",
        ),
        (
            |_, c| c["architecture"] = "arm64".into(),
            Exit::WorkFailed,
            "is for linux/arm64",
        ),
        (
            |_, c| c["config"]["OnBuild"] = json!(["RUN make"]),
            Exit::Unavailable,
            "ONBUILD RUN make",
        ),
        (
            |_, c| c["rootfs"]["diff_ids"] = json!([]),
            Exit::WorkFailed,
            "has 0 layers, its manifest 3",
        ),
        (
            |_, c| c["rootfs"]["diff_ids"][1] = digest(b"other").into(),
            Exit::WorkFailed,
            "it unpacks to",
        ),
    ];
    for (change, exit, expected) in rows {
        let error = refused(change, &base_layers());
        let said = whole(&error);
        assert_eq!(error.exit(), exit, "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn layers_that_no_tool_writes_are_refused() {
    let raw = |path: &str, kind: u8, size: u64, body: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(size);
        header.set_cksum();
        let mut bytes = [header.as_bytes(), body].concat();
        bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
        bytes
    };
    let pax = |field: &str| {
        let mut bytes = raw("pax", b'x', field.len() as u64, field.as_bytes());
        bytes.truncate(1024);
        [bytes, raw("file", b'0', 0, b"")].concat()
    };
    for (layer, expected) in [
        (
            raw("../../etc/passwd", b'0', 0, b""),
            "leads out of the image",
        ),
        (raw("a/../../b", b'5', 0, b""), "leads out of the image"),
        (raw("sparse", b'S', 0, b""), "sparse"),
        (raw("odd", b'Z', 0, b""), "unknown kind"),
        (raw(".wh...", b'0', 0, b""), "deletes nothing"),
        (raw("name", b'L', 3 << 20, &vec![b'a'; 3 << 20]), "too long"),
        (raw("cut", b'0', 1 << 30, b"short"), ""),
        (
            archive(&[("link", 0o644, 0, 0, Link("none"))]),
            "is not there",
        ),
        (
            archive(&[
                ("file", 0o644, 0, 0, File("")),
                ("file/below", 0o644, 0, 0, File("")),
            ]),
            "not a directory",
        ),
        (
            archive(&[
                ("a", 0o777, 0, 0, Symlink("a")),
                ("a/b", 0o644, 0, 0, File("")),
            ]),
            "leads in a circle",
        ),
        (pax("22 GNU.sparse.major=1\n"), "sparse"),
        (pax("15 size=123456\n"), "8 GiB"),
        (
            b"no archive at all, and longer than a header of one would be".repeat(20),
            "",
        ),
    ] {
        let error = refused(|_, _| {}, &[(Sent::Gzip, layer)]);
        let said = whole(&error);
        assert_eq!(error.exit(), Exit::WorkFailed, "{said}");
        assert!(
            said.contains("cannot be used") && said.contains(expected),
            "{expected}: {said}"
        );
    }
}

#[test]
fn a_registry_that_sends_something_else_is_not_believed() {
    let root = tempfile::tempdir().unwrap();
    let layer = archive(&[("file", 0o644, 0, 0, File("text"))]);
    let (base, _) = put_base(
        root.path(),
        false,
        "amd64",
        json!({}),
        &[(Sent::Stored, layer)],
    );
    let text = move |digest: &str| {
        let path = root
            .path()
            .join("blobs/sha256")
            .join(&digest["sha256:".len()..]);
        String::from_utf8(fs::read(path).unwrap()).unwrap()
    };
    let document: Value = serde_json::from_str(&text(&base)).unwrap();
    let named = |part: &Value| part["digest"].as_str().unwrap().to_owned();
    let (config, layer) = (named(&document["config"]), named(&document["layers"][0]));
    let texts: BTreeMap<String, String> = [&base, &config, &layer]
        .map(|digest| (digest.clone(), text(digest)))
        .into();
    type Lie = fn(String) -> Answer;
    let with = |text: String| Answer::With(200, Vec::new(), text);
    let longer: Lie = |text| Answer::With(200, Vec::new(), text + " ");
    let other: Lie = |text| Answer::With(200, Vec::new(), text.replacen('t', "T", 1));
    let shorter: Lie = |text| Answer::With(200, Vec::new(), text[1..].to_owned());
    for (lied, lie, exit) in [
        (&base, longer, Exit::WorkFailed),
        (&base, other, Exit::WorkFailed),
        (&config, longer, Exit::WorkFailed),
        (&config, other, Exit::WorkFailed),
        (&layer, longer, Exit::WorkFailed),
        (&layer, other, Exit::WorkFailed),
        (&layer, shorter, Exit::WorkFailed),
        (&layer, |_| status(404), Exit::Unavailable),
        (&layer, |_| status(403), Exit::Unavailable),
        (&layer, |_| status(500), Exit::Unavailable),
        (&base, |_| status(404), Exit::WorkFailed),
    ] {
        let (texts, lied) = (texts.clone(), lied.clone());
        let fake = Fake::start(move |asked, _| {
            let digest = asked.path.rsplit('/').next().unwrap();
            let text = texts[digest].clone();
            if digest == lied {
                lie(text)
            } else {
                with(text)
            }
        });
        let here = Here::new();
        let dockerfile = format!("FROM {}/base@{base}\nCOPY app /\n", fake.address);
        let error = here
            .build(&dockerfile, &[("app", "app")], "linux/amd64")
            .unwrap_err();
        assert_eq!(error.exit(), exit, "{}", whole(&error));
        assert!(whole(&error).contains("Dockerfile:1"), "{}", whole(&error));
    }
    // A connection that breaks off is tried again, from the beginning.
    let fake = Fake::start(move |asked, before| {
        let digest = asked.path.rsplit('/').next().unwrap();
        if before % 2 == 0 {
            Answer::HangUp
        } else {
            with(texts[digest].clone())
        }
    });
    let here = Here::new();
    let dockerfile = format!("FROM {}/base@{base}\nCOPY app /\n", fake.address);
    here.build(&dockerfile, &[("app", "app")], "linux/amd64")
        .unwrap();
    assert_eq!(fake.asked().len(), 6);
}

#[test]
fn what_is_kept_and_damaged_is_read_again() {
    let Some(server) = Server::open() else { return };
    let root = tempfile::tempdir().unwrap();
    let (base, _) = put_base(root.path(), false, "amd64", base_config(), &base_layers());
    let name = push(&server, root.path(), &base, "base/oci:1");
    let dockerfile = format!("FROM {name}\nUSER 0\nCOPY --from={name} /usr/bin/tool /tool\n");
    let first = Here::new();
    let image = first.build(&dockerfile, &[], "linux/amd64").unwrap();
    let kept = first.folder.path().join("bases");
    for folder in ["blobs/sha256", "listings"] {
        for found in fs::read_dir(kept.join(folder)).unwrap() {
            let path = found.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
        }
    }
    let again = Here {
        bases: Bases::new(
            Arc::new(Registries::new(options())),
            BaseCache::at(kept.clone()),
            root.path().join("none"),
        ),
        folder: tempfile::tempdir().unwrap(),
    };
    assert_eq!(again.build(&dockerfile, &[], "linux/amd64").unwrap(), image);

    let cache = BaseCache::at(kept);
    assert_eq!(cache.usage().unwrap().blobs, 5);
    cache.clear().unwrap();
    assert_eq!(cache.usage().unwrap(), Default::default());
}
