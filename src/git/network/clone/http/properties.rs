//! Properties that hold for every URL of a server, and for whatever one answers: the seeded tests assert it, and the fuzz targets
//! (`tests/fuzz`).

use std::{fs, io, path::Path};

use bstr::{BStr, BString, ByteSlice, io::BufReadExt};
use gix::{ObjectId, hash::Kind, objs::FindExt};
use gix_packetline::blocking_io::encode;
use ureq::http::Uri;

use super::config::UrlScope;
use crate::{
    git::{
        config_file::ConfigFile,
        network::{
            clone::layout::{self, HEADS, NewClone, Refs},
            credential::question,
            upload_pack,
        },
        url,
    },
    model::fleet::without_credentials,
};

const URL: &str = "https://example.com/shop/api.git";

/// The server that is asked is the one whose password the helpers are asked for, and whose headers are sent. Whether this
/// URL, which was accepted, is asked for here at all.
pub fn server(url: &BStr) -> bool {
    let place = UrlScope::of(&url.to_str_lossy());
    let uri = format!("{}/git-upload-pack", without_credentials(url)).parse::<Uri>();
    let (Some(place), Ok(uri)) = (place, uri) else {
        return false;
    };
    let (user, _) = url::credentials(url);
    let question = question(url, user.as_ref(), &[]).expect("no control characters");
    let line = |key: &str| {
        question
            .lines()
            .find_map(|line| line.strip_prefix(key.as_bytes()))
    };
    let text = |text: Option<&str>| text.map(str::to_owned).unwrap_or_default();
    let authority = text(uri.authority().map(|authority| authority.as_str()));
    let scheme = text(uri.scheme_str());
    assert_eq!(line("host=").unwrap().as_bstr(), authority, "{url:?}");
    assert_eq!(line("protocol=").unwrap().as_bstr(), scheme, "{url:?}");
    assert_eq!(place.host, text(uri.host()).to_ascii_lowercase(), "{url:?}");
    let usual = if scheme == "http" { 80 } else { 443 };
    assert_eq!(place.port, Some(uri.port_u16().unwrap_or(usual)), "{url:?}");
    true
}

/// An answer that is a list of refs: what is written of it reads back, and lies where it belongs. Says how many there are.
pub fn refs(answer: &[u8]) -> usize {
    let Ok(refs) = upload_pack::read_refs(answer).map(Refs::of) else {
        return 0;
    };
    let Ok(refs) = refs else { return 0 };
    let dir = scratch();
    let new = NewClone {
        into: &dir.path().join("clone"),
        remote: "origin".into(),
        url: URL.into(),
        file_system: &[],
    };
    let git_dir = new.git_dir();
    // The file system has its own limits on names.
    if layout::lay(&new, &refs).is_err() {
        return 0;
    }
    assert_eq!(names(dir.path()), ["clone"]);
    assert_eq!(names(&dir.path().join("clone")), [".git"]);
    assert_eq!(
        names(&git_dir),
        ["HEAD", "config", "objects", "packed-refs", "refs"]
    );
    let store = gix::refs::file::Store::at(git_dir.clone(), Kind::Sha1);
    for (name, id) in &refs.all {
        let tracked: BString = match name.strip_prefix(HEADS.as_bytes()) {
            Some(branch) => [b"refs/remotes/origin/", branch].concat().into(),
            None => name.clone(),
        };
        let found = store.find(tracked.as_bstr()).unwrap();
        assert_eq!(found.target.try_id(), Some(id.as_ref()), "{name:?}");
    }
    let config = fs::read(git_dir.join("config")).unwrap();
    let headers = config
        .byte_lines()
        .filter(|line| line.as_ref().unwrap().starts_with(b"["));
    assert_eq!(headers.count(), 3, "{:?}", config.as_bstr());
    let config = ConfigFile::of(&git_dir).unwrap();
    let branch = Some(refs.head.0.as_ref());
    assert!(config.is("remote", Some("origin".into()), "url", URL));
    assert!(config.is("branch", branch, "remote", "origin"));
    refs.all.len()
}

/// An answer that is a pack, whatever it is framed in.
pub fn framed_pack(answer: &[u8]) {
    let _ = upload_pack::read_pack(answer, |pack, _| {
        io::copy(pack, &mut io::sink())
            .map(drop)
            .map_err(|err| crate::model::error::Error::work("cut off").because(err))
    });
}

/// A pack but for its checksum, which is put right: what is taken in is whole. Says how many objects there are.
pub fn pack(objects: &[u8]) -> u64 {
    let dir = scratch();
    fs::create_dir_all(dir.path().join("objects/pack")).unwrap();
    let mut count = 0;
    let read = upload_pack::read_pack(&with_a_pack(objects)[..], |pack, _| {
        count = layout::adopt(dir.path(), pack)?;
        Ok(())
    });
    if read.is_err() {
        assert!(names(&dir.path().join("objects/pack")).is_empty());
        return 0;
    }
    let store = gix::odb::at(dir.path().join("objects"), Kind::Sha1).unwrap();
    let all: Vec<ObjectId> = store.iter().unwrap().map(Result::unwrap).collect();
    for id in &all {
        let mut buffer = Vec::new();
        let object = store.find(id, &mut buffer).unwrap();
        let hash = gix::objs::compute_hash(Kind::Sha1, object.kind, object.data).unwrap();
        assert_eq!(hash, *id);
    }
    count
}

/// The answer to a request for objects that brings this pack.
fn with_a_pack(objects: &[u8]) -> Vec<u8> {
    let mut hasher = gix::hash::hasher(Kind::Sha1);
    hasher.update(objects);
    let checksum = hasher.try_finalize().unwrap();
    let mut answer = Vec::new();
    encode::text_to_write(b"packfile", &mut answer).unwrap();
    for part in [objects, checksum.as_slice()].concat().chunks(1000) {
        let band = gix_packetline::Channel::Data;
        encode::band_to_write(band, part, &mut answer).unwrap();
    }
    encode::flush_to_write(&mut answer).unwrap();
    answer
}

/// In memory where there is some: thousands of these are made, and what is written in them is put on the disk.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(name: &str) -> Vec<u8> {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz");
        fs::read(seeds.join(name)).unwrap()
    }

    /// The seed with one byte after the other changed.
    fn off_by_a_byte(seed: &[u8], change: impl Fn(u8) -> u8) -> impl Iterator<Item = Vec<u8>> {
        (0..seed.len()).map(move |at| {
            let mut changed = seed.to_vec();
            changed[at] = change(seed[at]);
            changed
        })
    }

    #[test]
    fn refs_read_back_or_are_refused() {
        let seed = seed("answer/refs");
        assert_eq!(refs(&seed), 3);
        for refused in ["refs-of-two-hashes", "a-ref-twice"] {
            assert_eq!(refs(&self::seed(&format!("answer/{refused}"))), 0);
        }
        let lines = off_by_a_byte(&seed, |_| b'\n');
        let bits = off_by_a_byte(&seed, |byte| byte ^ 1);
        let read = lines.chain(bits).filter(|answer| refs(answer) > 0).count();
        assert!(read > 100, "{read}");
    }

    #[test]
    fn packs_are_whole_or_refused() {
        for name in ["pack/id-delta", "pack/offset-delta"] {
            let seed = seed(name);
            assert_eq!(pack(&seed), 9);
            let mut damaged = off_by_a_byte(&seed, |byte| byte ^ 0x11);
            assert!(damaged.all(|objects| pack(&objects) == 0));
        }
    }
}
