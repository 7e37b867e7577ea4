//! Images that others are built on, read from their registry (`FROM registry/image`, `COPY --from=registry/image`).
//!
//! A base is named by its Dockerfile. Its manifest and its configuration are read first: that is enough to plan a build
//! ([`Bases::find`]). Only a build reads the layers, and of these the headers of the archives alone ([`Bases::tree`]): layers are
//! never unpacked, and the new image has the very same ones. Everything is kept by its digest (`cache`), and each digest is checked
//! before what it names is used.

mod cache;
mod configuration;
mod document;
mod files;
pub(super) mod layer;
mod listing;
mod packed;
mod percent;
mod platform;

use std::{
    collections::HashMap,
    fs,
    hash::Hash,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use oci_spec::image::History;

use self::{
    cache::{digits, is_intact},
    configuration::Configuration,
    document::{BlobPart, Document, ImageParts, choose},
    layer::{BaseLayer, LayerCompression},
    listing::Listing,
};
pub use cache::{BaseCache, BaseUsage};

use super::{
    dockerfile::needs_engine,
    image::{Image, Platform},
    tree::{PackedFile, Tree},
};
use crate::{
    files::{self as disk, NewFile},
    interrupt,
    model::{
        digest::oci_digest,
        error::{Error, Result},
        reference::Reference,
    },
    registry::Registries,
};

/// The largest manifest that is read, in bytes.
const MANIFEST: u64 = 4 << 20;

/// The bases of one run. Each name is looked up once, so that all images of a run that name it stand on the same one.
pub struct Bases {
    registries: Arc<Registries>,
    cache: BaseCache,
    images: PathBuf,
    digests: Slots<String, String>,
    found: Slots<(String, String), Arc<Base>>,
    blobs: Slots<String, PathBuf>,
    listings: Slots<String, Arc<Listing>>,
}

/// What was found out, by what it is about; each is locked while somebody finds it out.
type Slots<K, V> = Mutex<HashMap<K, Arc<Mutex<Option<V>>>>>;

/// One image to build on.
#[derive(Debug)]
pub(super) struct Base {
    /// Its name, as the Dockerfile has it.
    pub name: Reference,
    /// The digest of its manifest: of the image itself, not of an index that lists it.
    pub digest: String,
    /// What it says about itself.
    pub image: Image,
    /// An entry for each instruction that made it.
    pub history: Vec<History>,
    /// Its layers, the lowest first.
    pub layers: Vec<Arc<BaseLayer>>,
}

impl Base {
    /// The history, with an entry for each layer: some tools leave them out.
    pub(super) fn full_history(&self) -> Vec<History> {
        let mut history = self.history.clone();
        let told = history
            .iter()
            .filter(|past| past.empty_layer() != Some(true))
            .count();
        for layer in self.layers.iter().skip(told) {
            let mut past = History::default();
            past.set_created_by(Some(format!("layer of {}", layer.image)));
            history.push(past);
        }
        history
    }
}

impl Bases {
    /// Bases that are read by `registries` and kept in `cache`. What the image layout `images` holds is not read again.
    pub fn new(registries: Arc<Registries>, cache: BaseCache, images: PathBuf) -> Self {
        Self {
            registries,
            cache,
            images,
            digests: Mutex::default(),
            found: Mutex::default(),
            blobs: Mutex::default(),
            listings: Mutex::default(),
        }
    }

    /// The digest of what `name` stands for now; the registry is asked once in a run.
    ///
    /// # Errors
    /// Work: there is no such image. Unavailable: the registry cannot be asked.
    pub fn digest(&self, name: &Reference) -> Result<String> {
        if let Some(digest) = name.digest() {
            digits(digest)?;
            return Ok(digest.to_owned());
        }
        once(&self.digests, name.to_string(), || {
            let bytes = self.ask(name)?;
            let digest = oci_digest(&bytes);
            self.keep(&digest, &bytes)?;
            Ok(digest)
        })
    }

    /// The image that `name` stands for on `platform`: its manifest and its configuration.
    pub(super) fn find(&self, name: &Reference, platform: &Platform) -> Result<Arc<Base>> {
        let key = (name.to_string(), platform.to_string());
        once(&self.found, key, || {
            self.look_up(name, platform).map(Arc::new)
        })
    }

    /// The files of `base`.
    pub(super) fn tree(&self, base: &Base) -> Result<Tree> {
        let mut tree = Tree::default();
        for layer in &base.layers {
            let listing = self.listing(layer)?;
            files::apply(&mut tree, layer, &listing).map_err(|why| damaged(layer, why))?;
        }
        Ok(tree)
    }

    /// A file that holds the bytes of `layer`, checked.
    pub(super) fn blob(&self, layer: &BaseLayer) -> Result<PathBuf> {
        self.part(&layer.image, &layer.digest, layer.size)
    }

    /// Writes the bytes of `files`, which lie in one layer, into files that `path` names.
    pub(super) fn unpack(
        &self,
        files: &[&PackedFile],
        path: impl Fn(&PackedFile) -> PathBuf,
    ) -> Result<()> {
        let Some(first) = files.first() else {
            return Ok(());
        };
        let layer = &first.layer;
        let blob = open(&self.blob(layer)?)?;
        packed::write(layer.unpacked(blob), files, path).map_err(|cause| match cause.kind() {
            ErrorKind::Interrupted => stopped(layer),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => disk::cannot(
                "write files of a base image in",
                &std::env::temp_dir(),
                cause,
            ),
            _ => damaged(layer, cause),
        })
    }

    fn look_up(&self, name: &Reference, platform: &Platform) -> Result<Base> {
        let shown = name.to_string();
        let mut digest = self.digest(name)?;
        let mut document = Document::read(&shown, &self.manifest(name, &digest)?)?;
        if let Document::Index(images) = &document {
            let chosen = choose(&shown, images, platform)?;
            digest.clone_from(&chosen.digest);
            let bytes = self.manifest(name, &digest)?;
            if bytes.len() as u64 != chosen.size {
                let (size, is) = (chosen.size, bytes.len());
                let message =
                    format!("the index of `{name}` gives {digest} {size} bytes: it has {is}");
                return Err(Error::work(message));
            }
            document = Document::read(&shown, &bytes)?;
        }
        let Document::Image(parts) = document else {
            return Err(needs_engine(format!("`{name}` is an index of indexes")));
        };
        let BlobPart {
            digest: id, size, ..
        } = &parts.configuration;
        let path = self.part(name, id, *size)?;
        let bytes = disk::read_own(&path).map_err(|cause| disk::cannot("read", &path, cause))?;
        let configuration = Configuration::read(&shown, &bytes, platform)?;
        let layers = layers(name, &parts, &configuration)?;
        Ok(Base {
            name: name.clone(),
            digest,
            image: configuration.image,
            history: configuration.history,
            layers,
        })
    }

    /// What `listing::Listing::read` says of `layer`, kept for the next time.
    fn listing(&self, layer: &BaseLayer) -> Result<Arc<Listing>> {
        once(&self.listings, layer.digest.clone(), || {
            let path = self.cache.listing(digits(&layer.digest)?);
            let kept = disk::read_own(&path).ok();
            let kept = kept.and_then(|text| Listing::kept(&text));
            if let Some(kept) = kept.filter(|kept| kept.diff_id == layer.diff_id) {
                return Ok(Arc::new(kept));
            }
            let blob = open(&self.blob(layer)?)?;
            let listing =
                Listing::read(layer.unpacked(blob)).map_err(|cause| match cause.kind() {
                    ErrorKind::Interrupted => stopped(layer),
                    _ => damaged(layer, cause),
                })?;
            if listing.diff_id != layer.diff_id {
                let why = format!(
                    "it unpacks to {}, and not to {}",
                    listing.diff_id, layer.diff_id
                );
                return Err(damaged(layer, why));
            }
            let text = listing.to_text().map_err(|cause| damaged(layer, cause))?;
            self.cache.create()?;
            disk::replace(&path, &text).map_err(|cause| disk::cannot("write", &path, cause))?;
            Ok(Arc::new(listing))
        })
    }

    /// The manifest or index `digest`, from the repository of `name` where it is not kept.
    fn manifest(&self, name: &Reference, digest: &str) -> Result<Vec<u8>> {
        for path in self.places(digest)? {
            let kept = disk::open_own(&path).and_then(|file| file.metadata());
            let Ok(size) = kept.map(|found| found.len()) else {
                continue;
            };
            if size <= MANIFEST && is_intact(&path, digest, size) {
                return disk::read_own(&path).map_err(|cause| disk::cannot("read", &path, cause));
            }
        }
        let bytes = self.ask(&name.with_digest(digest)?)?;
        self.keep(digest, &bytes)?;
        Ok(bytes)
    }

    fn ask(&self, name: &Reference) -> Result<Vec<u8>> {
        let registry = self.registries.at(name.registry())?;
        let found = registry.manifest(name)?;
        let (_, bytes) = found.ok_or_else(|| {
            Error::work(format!("there is no image `{name}`"))
                .hint("look at its name, and whether it was pushed")
        })?;
        Ok(bytes)
    }

    fn keep(&self, digest: &str, bytes: &[u8]) -> Result<()> {
        self.cache.create()?;
        let path = self.cache.blob(digits(digest)?);
        disk::replace(&path, bytes).map_err(|cause| disk::cannot("write", &path, cause))
    }

    /// A file with the bytes of `digest`, from the repository of `name` where they are not here. They are checked.
    fn part(&self, name: &Reference, digest: &str, size: u64) -> Result<PathBuf> {
        once(&self.blobs, digest.to_owned(), || {
            if let Some(path) = self
                .places(digest)?
                .into_iter()
                .find(|path| is_intact(path, digest, size))
            {
                return Ok(path);
            }
            self.cache.create()?;
            let path = self.cache.blob(digits(digest)?);
            let folder = path.parent().unwrap_or(Path::new("."));
            let unwritable = |cause| disk::cannot("write into", folder, cause);
            let registry = self.registries.at(name.registry())?;
            let file = registry.blob(name, digest, size, || {
                NewFile::in_folder(folder).map_err(unwritable)
            })?;
            file.finish(&path).map_err(unwritable)?;
            self.cache.expire()?;
            Ok(path)
        })
    }

    /// Where a blob may be already.
    fn places(&self, digest: &str) -> Result<[PathBuf; 2]> {
        let digits = digits(digest)?;
        let layout = self.images.join("blobs/sha256").join(digits);
        Ok([self.cache.blob(digits), layout])
    }
}

/// What was found out before about `key`, else what `find` finds out now. Others who ask for the same wait.
fn once<K: Eq + Hash, V: Clone>(
    slots: &Slots<K, V>,
    key: K,
    find: impl FnOnce() -> Result<V>,
) -> Result<V> {
    let slot = {
        let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    };
    let mut known = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = &*known {
        return Ok(known.clone());
    }
    let found = find()?;
    *known = Some(found.clone());
    Ok(found)
}

/// The layers that the manifest names, each with the digest that the configuration has for it.
fn layers(
    name: &Reference,
    parts: &ImageParts,
    configuration: &Configuration,
) -> Result<Vec<Arc<BaseLayer>>> {
    let diff_ids = &configuration.diff_ids;
    if diff_ids.len() != parts.layers.len() {
        return Err(Error::work(format!(
            "the configuration of `{name}` has {} layers, its manifest {}",
            diff_ids.len(),
            parts.layers.len()
        )));
    }
    let layers = parts.layers.iter().zip(diff_ids);
    layers
        .map(|(part, diff_id)| {
            let kind = &part.media_type;
            let compression = LayerCompression::of(kind).ok_or_else(|| {
                needs_engine(format!("`{name}` has a layer of the kind `{kind}`"))
            })?;
            Ok(Arc::new(BaseLayer {
                image: name.clone(),
                digest: part.digest.clone(),
                size: part.size,
                diff_id: diff_id.clone(),
                compression,
            }))
        })
        .collect()
}

fn open(path: &Path) -> Result<fs::File> {
    disk::open_own(path).map_err(|cause| disk::cannot("read", path, cause))
}

fn damaged(layer: &BaseLayer, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let BaseLayer { image, digest, .. } = layer;
    Error::work(format!("the layer {digest} of `{image}` cannot be used")).because(cause)
}

fn stopped(layer: &BaseLayer) -> Error {
    interrupt::error().unwrap_or_else(|| damaged(layer, "it was read to the middle only"))
}
