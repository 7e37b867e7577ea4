//! What an image in an OCI layout says and holds, whatever its layers are cut into.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tar::{Archive, EntryType};

/// One image.
#[derive(PartialEq)]
pub struct Image {
    /// The configuration, without what follows from the layers.
    configuration: Value,
    /// Every file by its path: kind, mode, owner, time, and content.
    files: BTreeMap<PathBuf, String>,
}

impl Image {
    /// The only image of the layout `at`.
    pub fn read(at: &Path) -> Self {
        let index = document(&at.join("index.json"));
        let manifest = document(&blob(at, &index["manifests"][0]));
        let mut configuration = document(&blob(at, &manifest["config"]));
        let mut files = BTreeMap::new();
        for layer in manifest["layers"].as_array().into_iter().flatten() {
            let is_compressed = layer["mediaType"].as_str().unwrap().ends_with("gzip");
            let file = File::open(blob(at, layer)).unwrap();
            match is_compressed {
                true => apply(&mut files, GzDecoder::new(file)),
                false => apply(&mut files, file),
            }
        }
        let fields = configuration.as_object_mut().unwrap();
        if files.is_empty() {
            // BuildKit dates layers: without one, the image has no date.
            fields.remove("created");
        }
        // One entry an instruction, in the words of each builder.
        fields.remove("history");
        fields.remove("rootfs");
        let config = fields
            .entry("config")
            .or_insert_with(|| json!({}))
            .as_object_mut()
            .unwrap();
        // Docker's mark for Windows, deprecated.
        config.remove("ArgsEscaped");
        config.retain(|_, value| *value != json!([]) && *value != json!({}) && !value.is_null());
        Self {
            configuration,
            files,
        }
    }

    /// What is not alike.
    pub fn difference(&self, other: &Self) -> Vec<String> {
        let mut different = Vec::new();
        if self.configuration != other.configuration {
            different.push(format!(
                "BuildKit {}\nflota    {}",
                other.configuration, self.configuration
            ));
        }
        let paths = self.files.keys().chain(other.files.keys());
        let mut paths: Vec<&PathBuf> = paths
            .filter(|path| self.files.get(*path) != other.files.get(*path))
            .collect();
        paths.sort();
        paths.dedup();
        let shown = |files: &BTreeMap<PathBuf, String>, path| {
            files.get(path).map_or("nothing".into(), Clone::clone)
        };
        different.extend(paths.into_iter().map(|path| {
            format!(
                "/{}: BuildKit {}, flota {}",
                path.display(),
                shown(&other.files, path),
                shown(&self.files, path)
            )
        }));
        different
    }
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn blob(at: &Path, descriptor: &Value) -> PathBuf {
    let digest = descriptor["digest"].as_str().unwrap();
    at.join("blobs").join(digest.replace(':', "/"))
}

/// Puts a layer on `files`, as the image specification says ("Applying Changesets").
fn apply(files: &mut BTreeMap<PathBuf, String>, layer: impl Read) {
    let below: BTreeMap<PathBuf, String> = files.clone();
    for entry in Archive::new(layer).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path: PathBuf = entry.path().unwrap().components().collect();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if let Some(gone) = name.strip_prefix(".wh.") {
            let folder = path.parent().unwrap();
            let gone = if gone == ".wh..opq" {
                folder.to_owned()
            } else {
                folder.join(gone)
            };
            files.retain(|path, _| {
                !path.starts_with(&gone) || path == folder || !below.contains_key(path)
            });
            continue;
        }
        let header = entry.header().clone();
        let kind = header.entry_type();
        let about = format!(
            "{:o} {}:{} @{}",
            header.mode().unwrap() & 0o7777,
            header.uid().unwrap(),
            header.gid().unwrap(),
            header.mtime().unwrap()
        );
        let shown = match kind {
            EntryType::Directory => format!("directory {about}"),
            EntryType::Symlink => format!(
                "link {about} to {}",
                entry.link_name().unwrap().unwrap().display()
            ),
            EntryType::Link => files[&*entry.link_name().unwrap().unwrap()].clone(),
            _ => {
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                format!("file {about} {text:?}")
            }
        };
        if kind != EntryType::Directory {
            files.retain(|found, _| !found.starts_with(&path));
        }
        files.insert(path, shown);
    }
}
