//! Where tests work: folders in memory where there is room, and fixtures that are made once and copied from then on.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use bstr::ByteSlice;
use rustix::fs::StatVfsMountFlags;
use tempfile::TempDir;
use walkdir::WalkDir;

/// What has to be free in memory for tests to work there, in bytes: some of them write 100 MB, several at a time.
const ROOM: u64 = 4 << 30;

/// A folder that goes away with its value: in memory, where a file need not wait for a disk, unless `TMPDIR` says where.
pub fn folder() -> TempDir {
    static PLACE: LazyLock<Option<&Path>> = LazyLock::new(|| {
        let memory = Path::new("/dev/shm");
        let about = rustix::fs::statvfs(memory).ok()?;
        let is_fit = about.f_bavail * about.f_frsize >= ROOM
            && !about.f_flag.contains(StatVfsMountFlags::NOEXEC)
            && std::env::var_os("TMPDIR").is_none();
        is_fit.then_some(memory)
    });
    let in_memory = PLACE.and_then(|memory| tempfile::tempdir_in(memory).ok());
    in_memory.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// Copies into the empty folder `into` what `make` leaves in one of its own. `version` stands for all that this depends on:
/// it is made once for each, and stays in Cargo's folder for tests.
pub fn copy_of(name: &str, version: u64, make: impl FnOnce(&Path), into: &Path) {
    type Made = Arc<OnceLock<PathBuf>>;
    static MADE: LazyLock<Mutex<HashMap<(String, u64), Made>>> = LazyLock::new(Mutex::default);
    let made = {
        let mut all = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry((name.to_owned(), version)).or_default())
    };
    let from = made.get_or_init(|| kept(name, version, make));
    let old = fs::read(from.join(ROOT)).unwrap();
    copy(&from.join(TREE), &old, into).unwrap();
}

/// The folder that was made, and the file with the path that it had then: git writes absolute paths.
const TREE: &str = "tree";
const ROOT: &str = "root";
/// Written by each program that copies from it.
const USED: &str = "used";
/// After this, what was made for another version of the scripts goes: no program uses it any more.
const IDLE: Duration = Duration::from_secs(3600);

fn kept(name: &str, version: u64, make: impl FnOnce(&Path)) -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
    let kept = all.join(format!("{name}@{version:016x}"));
    if kept.exists() {
        // Still in use.
        fs::write(kept.join(USED), "").unwrap();
        return kept;
    }
    fs::create_dir_all(&all).unwrap();
    let new = tempfile::tempdir_in(&all).unwrap();
    let at = folder();
    make(at.path());
    let tree = new.path().join(TREE);
    fs::create_dir(&tree).unwrap();
    copy(at.path(), b"", &tree).unwrap();
    fs::write(new.path().join(ROOT), at.path().as_os_str().as_bytes()).unwrap();
    fs::write(new.path().join(USED), "").unwrap();
    for other in fs::read_dir(&all).unwrap().map(Result::unwrap) {
        let other = other.path();
        let used = fs::metadata(other.join(USED)).and_then(|used| used.modified());
        let is_idle = used.is_ok_and(|used| used.elapsed().unwrap_or_default() > IDLE);
        let is_older =
            |other: &str| is_idle && other.rsplit_once('@').is_some_and(|(of, _)| of == name);
        if other
            .file_name()
            .is_some_and(|other| is_older(&other.to_string_lossy()))
        {
            let _ = fs::remove_dir_all(other);
        }
    }
    // Where another program was quicker, its copy is as good.
    if let Err(err) = fs::rename(new.path(), &kept) {
        assert!(kept.exists(), "{}: {err}", kept.display());
    }
    kept
}

/// Copies what is in `from` into `into`, and puts the path of `into` where files name the path `old`.
fn copy(from: &Path, old: &[u8], into: &Path) -> io::Result<()> {
    for entry in WalkDir::new(from).min_depth(1) {
        let entry = entry?;
        let relative = entry.path().strip_prefix(from).unwrap();
        let to = into.join(relative);
        let kind = entry.file_type();
        if kind.is_dir() {
            fs::create_dir(&to)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &to)?;
        } else {
            // git's objects are compressed, and hold no path of this machine.
            let is_object =
                relative.iter().any(|part| part == "objects") && !relative.ends_with("alternates");
            let data = fs::read(entry.path())?;
            let data = match is_object || old.is_empty() || data.find(old).is_none() {
                true => data,
                false => data.replace(old, into.as_os_str().as_bytes()),
            };
            fs::write(&to, data)?;
            let mode = entry.metadata()?.permissions().mode();
            fs::set_permissions(&to, fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}
