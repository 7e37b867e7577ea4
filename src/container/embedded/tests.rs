//! Runs the builder on every directory of `fixtures/dockerfiles`, and tests what no fixture can show.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::{container::image::Mounts, model::exit::Exit};
use bases::{bases, build, with_base};

mod bases;
mod platforms;

const CREATED: i64 = 1_700_000_000;

/// `request.toml` of a fixture: what differs from the usual request.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    dockerfile: Option<PathBuf>,
    target: Option<String>,
    platform: Option<String>,
    build_args: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    /// Symlinks to make in the context, path to target: a repository with dangling links cannot be packaged.
    links: BTreeMap<PathBuf, PathBuf>,
}

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
        created: CREATED,
        references: vec!["registry.test/shop/api:code-1".into()],
    }
}

/// The request of a fixture, and the folder its context was copied to.
fn fixture(folder: &Path) -> (ImageRequest, tempfile::TempDir) {
    let asked = match fs::read_to_string(folder.join("request.toml")) {
        Ok(text) => toml::from_str(&text).unwrap(),
        Err(_) => Asked::default(),
    };
    let context = tempfile::tempdir().unwrap();
    copy(&folder.join("context"), context.path());
    for (link, target) in &asked.links {
        symlink(target, context.path().join(link)).unwrap();
    }
    let request = request(context.path());
    let request = ImageRequest {
        dockerfile: asked.dockerfile.unwrap_or(request.dockerfile),
        target: asked.target,
        platforms: asked.platform.map_or(request.platforms, |it| vec![it]),
        build_args: asked.build_args,
        labels: asked.labels,
        ..request
    };
    (request, context)
}

fn copy(from: &Path, to: &Path) {
    for found in walkdir::WalkDir::new(from).min_depth(1) {
        let found = found.unwrap();
        let target = to.join(found.path().strip_prefix(from).unwrap());
        match found.file_type().is_dir() {
            true => fs::create_dir(target).unwrap(),
            false => _ = fs::copy(found.path(), target).unwrap(),
        }
    }
}

/// Every fixture is a folder with `context`, perhaps `base` and `request.toml`, and `expected.snap`: what is not is a mistake.
fn fixtures() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dockerfiles");
    let mut folders: Vec<PathBuf> = fs::read_dir(all)
        .unwrap()
        .map(|found| found.unwrap().path())
        .collect();
    folders.sort();
    for folder in &folders {
        for found in fs::read_dir(folder).unwrap() {
            let name = found.unwrap().file_name();
            let known = [
                "context",
                "base",
                "request.toml",
                "expected.snap",
                "expected.snap.new",
            ];
            assert!(
                known.iter().any(|known| name == *known),
                "{} holds {name:?}",
                folder.display()
            );
        }
    }
    assert!(!folders.is_empty());
    folders
}

#[test]
fn every_fixture_gives_what_it_expects() {
    for folder in fixtures() {
        let (mut request, _context) = fixture(&folder);
        let layout = tempfile::tempdir().unwrap();
        let base = with_base(&folder, &mut request, layout.path());
        let mut shown = match build(&request, layout.path()) {
            Ok(built) => show_image(layout.path(), &built),
            Err(error) => show_error(&error, &request),
        };
        if let Some(digest) = base {
            shown = shown.replace(&digest, "DIGEST");
        }
        insta::with_settings!({
            snapshot_path => &folder,
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => folder.file_name().unwrap().to_string_lossy(),
        }, {
            insta::assert_snapshot!("expected", shown);
        });
    }
}

#[test]
fn check_says_in_advance_what_build_says() {
    for folder in fixtures() {
        let (mut request, _context) = fixture(&folder);
        let layout = tempfile::tempdir().unwrap();
        with_base(&folder, &mut request, layout.path());
        let before = fs::read_dir(layout.path()).unwrap().count();
        let (bases, _kept) = bases(layout.path());
        let Err(checked) = check(&request, &bases) else {
            continue;
        };
        let built = build(&request, layout.path()).unwrap_err();
        assert_eq!(show_error(&checked, &request), show_error(&built, &request));
        assert_eq!(
            fs::read_dir(layout.path()).unwrap().count(),
            before,
            "{}: a refused build writes nothing",
            folder.display()
        );
    }
}

fn show_error(error: &Error, request: &ImageRequest) -> String {
    let mut shown = format!("exit {}: {error}\n", error.exit() as u8);
    let mut cause = std::error::Error::source(error);
    while let Some(found) = cause {
        writeln!(shown, "caused by: {found}").unwrap();
        cause = found.source();
    }
    for hint in error.hints() {
        writeln!(shown, "hint: {hint}").unwrap();
    }
    shown.replace(&request.context.display().to_string(), "CONTEXT")
}

fn document(layout: &Path, digest: &str) -> Value {
    serde_json::from_slice(&fs::read(blob(layout, digest)).unwrap()).unwrap()
}

fn blob(layout: &Path, digest: &str) -> PathBuf {
    layout
        .join("blobs/sha256")
        .join(digest.strip_prefix("sha256:").unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The image as the layout has it: each instruction, what its layer holds, and the configuration.
fn show_image(layout: &Path, built: &BuiltImage) -> String {
    let manifest = document(layout, built.digest.as_deref().unwrap());
    let config = document(layout, &built.id);
    assert_eq!(manifest["config"]["digest"], built.id);
    let mut layers = manifest["layers"].as_array().unwrap().iter();
    let mut shown = String::new();
    for past in config["history"].as_array().unwrap() {
        writeln!(shown, "{}", text(&past["created_by"])).unwrap();
        if past["empty_layer"] != true {
            shown += &show_layer(&blob(layout, text(&layers.next().unwrap()["digest"])));
        }
    }
    assert_eq!(layers.next(), None, "each layer has its history");
    let platform = [&config["os"], &config["architecture"], &config["variant"]];
    let platform: Vec<&str> = platform.into_iter().filter_map(Value::as_str).collect();
    let author = config["author"].as_str();
    let config = serde_json::to_string_pretty(&config["config"]).unwrap();
    writeln!(shown, "{} {config}", platform.join("/")).unwrap();
    if let Some(author) = author {
        writeln!(shown, "author {author}").unwrap();
    }
    shown
}

fn show_layer(blob: &Path) -> String {
    let mut shown = String::new();
    let mut archive =
        tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(blob).unwrap()));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let header = entry.header().clone();
        assert_eq!(header.mtime().unwrap(), CREATED as u64);
        let (mode, uid, gid) = (
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.gid().unwrap(),
        );
        write!(shown, "  {mode:04o} {uid}:{gid} /{path}").unwrap();
        if let Some(target) = entry.link_name().unwrap() {
            write!(shown, " -> {}", target.display()).unwrap();
        }
        let mut content = String::new();
        std::io::Read::read_to_string(&mut entry, &mut content).unwrap();
        if header.entry_type().is_file() {
            write!(shown, " {content:?}").unwrap();
        }
        shown.push('\n');
    }
    shown
}

fn context(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// Two checkouts made in another order, with other times and another umask.
#[test]
fn the_same_content_gives_the_same_digests() {
    let files = [
        (
            "Dockerfile",
            "FROM scratch\nCOPY . /app/\nLABEL a=1 b=2 c=3\nEXPOSE 1 2 3\n",
        ),
        ("b/two", "2"),
        ("a/one", "1"),
        ("c", "3"),
    ];
    let one = context(&files);
    let mut reversed = files;
    reversed.reverse();
    let two = context(&reversed);
    for path in ["a", "b", "a/one", "c"] {
        let path = two.path().join(path);
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        fs::File::open(&path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
    }
    let layouts = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = build(&request(one.path()), layouts[0].path()).unwrap();
    assert_eq!(
        build(&request(two.path()), layouts[1].path()).unwrap(),
        first
    );

    fs::set_permissions(two.path().join("c"), fs::Permissions::from_mode(0o700)).unwrap();
    let executable = build(&request(two.path()), layouts[1].path()).unwrap();
    assert_ne!(executable, first, "the executable bit is content");
}

/// Pinned, because it is what makes an image the same for everyone.
#[test]
fn a_digest_is_what_it_always_was() {
    let files = [
        ("Dockerfile", "FROM scratch\nCOPY a /\nCMD [\"/a\"]\n"),
        ("a", "a\n"),
    ];
    let (folder, layout) = (context(&files), tempfile::tempdir().unwrap());
    let built = build(&request(folder.path()), layout.path()).unwrap();
    assert_eq!(
        built.id,
        "sha256:0f456d773e0a072fad3136295eb90f67fefa13fb55e4dbf271d79286ec4575af"
    );
    assert_eq!(
        built.digest.as_deref(),
        Some("sha256:08365c2d8a6dea1c8c6440633d5a7d14f3607f3852cd275bbf49dce3922245fb")
    );
}

#[test]
fn an_image_is_found_by_its_names_and_takes_further_ones() {
    let files = [("Dockerfile", "FROM scratch\nCOPY a /\n"), ("a", "")];
    let (folder, layout) = (context(&files), tempfile::tempdir().unwrap());
    let layout = layout.path().join("made/on/the/way");
    let built = build(&request(folder.path()), &layout).unwrap();
    let name = "registry.test/shop/api:code-1";
    assert_eq!(resolve(&layout, name).unwrap(), built.digest);
    assert_eq!(
        resolve(&layout, "registry.test/shop/api:pr-1").unwrap(),
        None
    );
    assert_eq!(resolve(Path::new("/none"), name).unwrap(), None);

    let digest = built.digest.as_deref().unwrap();
    tag(&layout, digest, &["registry.test/shop/api:pr-1".into()]).unwrap();
    assert_eq!(
        resolve(&layout, "registry.test/shop/api:pr-1").unwrap(),
        built.digest
    );
    assert_eq!(resolve(&layout, name).unwrap(), built.digest);

    let unknown = format!("sha256:{}", "0".repeat(64));
    let error = tag(&layout, &unknown, &["r:1".into()]).unwrap_err();
    assert_eq!(error.exit(), Exit::WorkFailed);
}

#[test]
fn links_never_lead_out_of_the_context() {
    let outside = context(&[("secret", "secret")]);
    for (target, dockerfile) in [
        (
            outside.path().join("secret"),
            "FROM scratch\nCOPY link /x\n",
        ),
        (
            outside.path().to_owned(),
            "FROM scratch\nCOPY link/secret /x\n",
        ),
        (outside.path().to_owned(), "FROM scratch\nCOPY link/* /x/\n"),
        (
            "../../../../../../../../etc/passwd".into(),
            "FROM scratch\nADD link /x\n",
        ),
        (
            outside.path().to_owned(),
            "FROM scratch AS a\nCOPY . /\nFROM scratch\nCOPY --from=a link/secret /\n",
        ),
    ] {
        let (folder, layout) = (
            context(&[("Dockerfile", dockerfile)]),
            tempfile::tempdir().unwrap(),
        );
        symlink(&target, folder.path().join("link")).unwrap();
        let error = build(&request(folder.path()), layout.path()).unwrap_err();
        assert_eq!(error.exit(), Exit::WorkFailed, "{dockerfile}: {error}");
    }
}

#[test]
fn what_no_image_can_hold_is_named() {
    let folder = context(&[("Dockerfile", "FROM scratch\nCOPY . /app/\n")]);
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let layout = tempfile::tempdir().unwrap();
    let error = build(&request(folder.path()), layout.path()).unwrap_err();
    let expected =
        "Dockerfile:2: COPY . /app/: /app/socket is neither a file nor a directory nor a symlink";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn hostile_sizes_end_in_an_error() {
    let layout = tempfile::tempdir().unwrap();
    let doubling = format!(
        "FROM scratch\nENV A=xxxxxxxx\n{}",
        "ENV A=$A$A\n".repeat(60)
    );
    let stages = "FROM scratch\n".repeat(65);
    let layers: String = (0..128).map(|i| format!("WORKDIR /{i}\n")).collect();
    let layers = format!("FROM scratch\n{layers}");
    let long = format!("FROM scratch\n# {}\n", "x".repeat(600_000));
    for (dockerfile, expected) in [
        (doubling, "come to more than"),
        (stages, "more than 64 stages"),
        (layers, "more than 127 layers"),
        (long, "more than 524288 bytes"),
    ] {
        let folder = context(&[("Dockerfile", &dockerfile)]);
        let error = build(&request(folder.path()), layout.path()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
