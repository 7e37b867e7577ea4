use super::*;

fn image(layout: &Layout, text: &str) -> Descriptor {
    let config = layout.add(text.as_bytes()).unwrap();
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[]}}"#,
        config.digest, config.size
    );
    let manifest = layout.add(manifest.as_bytes()).unwrap();
    manifest.descriptor(MediaType::ImageManifest).unwrap()
}

fn resolved(layout: &Layout, reference: &str) -> Option<String> {
    let found = layout.resolve(reference).unwrap();
    found.map(|image| image.digest().to_string())
}

#[test]
fn names_move_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    let (one, two) = (image(&layout, "one"), image(&layout, "two"));
    layout.tag(&one, &["r/a:1".into(), "r/a:2".into()]).unwrap();
    layout.tag(&two, &["r/a:2".into(), "r/b:2".into()]).unwrap();
    assert_eq!(resolved(&layout, "r/a:1"), Some(one.digest().to_string()));
    assert_eq!(resolved(&layout, "r/a:2"), Some(two.digest().to_string()));
    assert_eq!(resolved(&layout, "r/b:2"), Some(two.digest().to_string()));
    assert_eq!(resolved(&layout, "r/b"), None);
}

#[test]
fn concurrent_builds_keep_each_others_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    std::thread::scope(|scope| {
        for i in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let layout = Layout::create(path).unwrap();
                let image = image(&layout, &format!("{}", i % 3));
                layout.tag(&image, &[format!("r/s:{i}")]).unwrap();
            });
        }
    });
    let layout = Layout::open(&path).unwrap();
    assert!((0..8).all(|i| resolved(&layout, &format!("r/s:{i}")).is_some()));
    assert_eq!(
        fs::read_dir(layout.blobs()).unwrap().count(),
        6,
        "three images, nothing temporary"
    );
}

#[test]
fn an_image_with_a_missing_or_cut_part_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    let image = image(&layout, "config");
    layout.tag(&image, &["r:1".into()]).unwrap();
    let config = layout
        .blob_path(&format!("sha256:{}", digest::sha256_hex(b"config")))
        .unwrap();
    fs::write(&config, "conf").unwrap();
    assert_eq!(resolved(&layout, "r:1"), None);
    layout.add(b"config").unwrap();
    assert!(
        resolved(&layout, "r:1").is_some(),
        "a damaged blob is written again"
    );
    fs::remove_file(config).unwrap();
    assert_eq!(resolved(&layout, "r:1"), None);
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("precious"), "").unwrap();
    let error = Layout::create(folder.path()).unwrap_err();
    assert!(error.to_string().contains("neither empty nor"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(Layout::open(folder.path()).is_none());
}

#[test]
fn a_damaged_index_and_a_bad_name_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    let image = image(&layout, "one");
    for bad in ["", "a b", "a\n", "ä"] {
        assert!(layout.tag(&image, &[bad.into()]).is_err(), "{bad:?}");
    }
    fs::write(folder.path().join("index.json"), "{").unwrap();
    let error = layout.resolve("r:1").unwrap_err();
    assert!(error.to_string().ends_with("index.json"), "{error}");
    assert_eq!(error.hints().len(), 1);
}
