use std::{io::Read, path::PathBuf};

use oci_spec::image::{ImageIndexBuilder, ImageManifestBuilder, MediaType, SCHEMA_VERSION};

use super::*;

/// Adds an image of one layer, which says `text`.
fn image(layout: &Layout, text: &str, os: &str) -> Descriptor {
    let config = layout.add(format!("{{\"config\":\"{text}\"}}").as_bytes());
    let layer = layout.add(text.as_bytes()).unwrap();
    let layer = layer.descriptor(MediaType::ImageLayer).unwrap();
    let manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(config.unwrap().descriptor(MediaType::ImageConfig).unwrap())
        // The same twice, as of two instructions that change nothing.
        .layers([layer.clone(), layer])
        .build();
    let manifest = layout.add(&canonical(manifest.unwrap()).unwrap()).unwrap();
    let mut image = manifest.descriptor(MediaType::ImageManifest).unwrap();
    let platform = oci_spec::image::PlatformBuilder::default()
        .os(os)
        .architecture("amd64")
        .build();
    image.set_platform(Some(platform.unwrap()));
    image
}

fn layout() -> (tempfile::TempDir, PathBuf, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    let layout = Layout::create(&images).unwrap();
    (folder, images, layout)
}

fn blobs(layout: &Path) -> usize {
    fs::read_dir(layout.join("blobs/sha256")).unwrap().count()
}

#[test]
fn one_image_is_taken_out_of_many() {
    let (folder, images, layout) = layout();
    let [one, two] = ["one", "two"].map(|text| image(&layout, text, "linux"));
    layout.tag(&one, &["r/one:1".to_owned()]).unwrap();
    layout.tag(&two, &["r/two:1".to_owned()]).unwrap();
    let into = folder.path().join("single");
    take(&images, two.digest().as_ref(), "r/two:1", &into).unwrap();
    assert_eq!(blobs(&into), 3);
    let found = platforms(&into).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].digest(), two.digest());
    let missing = format!("sha256:{}", "0".repeat(64));
    assert!(take(&images, &missing, "r/x:1", &folder.path().join("x")).is_err());
}

#[test]
fn each_platform_of_an_index_is_an_image_and_an_attestation_is_none() {
    let (folder, images, layout) = layout();
    let parts = [("one", "linux"), ("two", "linux"), ("signed", "unknown")]
        .map(|(text, os)| image(&layout, text, os));
    let index = ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests(parts.clone())
        .build();
    let index = layout.add(&canonical(index.unwrap()).unwrap()).unwrap();
    let index = index.descriptor(MediaType::ImageIndex).unwrap();
    layout.tag(&index, &["r/both:1".to_owned()]).unwrap();
    let into = folder.path().join("single");
    take(&images, index.digest().as_ref(), "r/both:1", &into).unwrap();
    assert_eq!(blobs(&into), 1 + 3 * 3);
    let found = platforms(&into).unwrap();
    let digests: Vec<_> = found.iter().map(Descriptor::digest).collect();
    assert_eq!(digests, [parts[0].digest(), parts[1].digest()]);

    let file = folder.path().join("two.tar");
    archive(&into, &found[1], "r/both:1", &file).unwrap();
    let mut tar = tar::Archive::new(File::open(&file).unwrap());
    let mut texts = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut text = String::new();
        entry.unwrap().read_to_string(&mut text).unwrap();
        texts.push(text);
    }
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(
        texts[0].starts_with(r#"[{"Config":"blobs/sha256/"#),
        "{}",
        texts[0]
    );
    assert!(
        texts[0].contains(r#""RepoTags":["r/both:1"]"#),
        "{}",
        texts[0]
    );
    assert_eq!(texts[1..], [r#"{"config":"two"}"#, "two"]);
}
