use std::fs;

use serde_json::Value;

use super::{super::*, bases, request};

#[test]
fn several_platforms_are_an_index_that_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    fs::create_dir(&context).unwrap();
    let dockerfile = "FROM scratch\nARG TARGETARCH\nCOPY app /app-$TARGETARCH\n";
    fs::write(context.join("Dockerfile"), dockerfile).unwrap();
    fs::write(context.join("app"), "app").unwrap();
    let request = ImageRequest {
        platforms: ["linux/amd64", "linux/arm64"].map(String::from).to_vec(),
        ..request(&context)
    };
    let layout = |name: &str| folder.path().join(name);
    let [one, two] = ["one", "two"].map(|name| bases::build(&request, &layout(name)).unwrap());
    assert_eq!(one, two);
    let found = resolve(&layout("one"), &request.references[0]).unwrap();
    assert_eq!(found, one.digest, "it is whole");
    let blob = |digest: &str| {
        let file = layout("one").join("blobs/sha256").join(&digest[7..]);
        serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap()
    };
    let index = blob(&one.digest.unwrap());
    let platforms = index["manifests"].as_array().unwrap().iter().map(|image| {
        let config = blob(image["digest"].as_str().unwrap())["config"].clone();
        let config = blob(config["digest"].as_str().unwrap());
        assert_eq!(config["architecture"], image["platform"]["architecture"]);
        config["architecture"].as_str().unwrap().to_owned()
    });
    assert_eq!(platforms.collect::<Vec<_>>(), ["amd64", "arm64"]);

    // One that lost a part is not found.
    let part = index["manifests"][1]["digest"].as_str().unwrap();
    fs::remove_file(layout("one").join("blobs/sha256").join(&part[7..])).unwrap();
    assert_eq!(
        resolve(&layout("one"), &request.references[0]).unwrap(),
        None
    );
}
