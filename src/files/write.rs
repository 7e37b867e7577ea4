//! Files written under a temporary name first: whoever looks sees the old text or the new one, never a part.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tempfile::NamedTempFile;

/// How the names of files begin that are not whole yet; a killed run leaves them behind.
pub(crate) const TEMPORARY: &str = ".flota-";

/// What every new file is made with; the umask takes its part. A temporary file's own default is its owner alone.
const MODE: u32 = 0o666;

/// Writes `bytes` to `path`, durably: whole, or not at all, also if the power fails. A file that is there is replaced and
/// keeps its mode.
///
/// # Errors
/// What the system says.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = beside(path, MODE)?;
    keep_mode(path, &file)?;
    file.write_all(bytes)?;
    file.finish(path)
}

/// The same with a mode of its own, from which the umask is taken, whatever mode a file that is replaced has.
///
/// # Errors
/// What the system says.
pub(crate) fn write_with_mode(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = beside(path, mode)?;
    file.write_all(bytes)?;
    file.finish(path)
}

/// The same as [`write`] without the wait for the disk: for a cache, which may be lost if the power fails.
///
/// # Errors
/// What the system says.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = beside(path, MODE)?;
    keep_mode(path, &file)?;
    file.write_all(bytes)?;
    file.0.persist(path)?;
    Ok(())
}

/// A copy of the file `from` as `to`, with its mode; a file that is there is replaced. It is not waited for the disk.
///
/// # Errors
/// What the system says.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut whole = NamedTempFile::with_prefix_in("tmp_", folder_of(to))?;
    let mut file = File::open(from)?;
    io::copy(&mut file, &mut whole)?;
    let mode = file.metadata()?.permissions();
    whole.as_file().set_permissions(mode)?;
    whole.persist(to)?;
    Ok(())
}

/// A file without its name yet; it disappears if it is dropped before [`Self::finish`].
pub(crate) struct NewFile(NamedTempFile);

impl NewFile {
    /// In the folder in which it will have its name.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        Self::with_mode(folder, MODE)
    }

    fn with_mode(folder: &Path, mode: u32) -> io::Result<Self> {
        tempfile::Builder::new()
            .prefix(TEMPORARY)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder)
            .map(Self)
    }

    /// Gives it its name. The bytes first, then the name, then the folder that holds the name: a crash in between leaves no
    /// half file under a full name.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn finish(self, path: &Path) -> io::Result<()> {
        self.0.as_file().sync_all()?;
        self.0.persist(path)?;
        File::open(folder_of(path))?.sync_all()
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn beside(path: &Path, mode: u32) -> io::Result<NewFile> {
    NewFile::with_mode(folder_of(path), mode)
}

fn keep_mode(path: &Path, new: &NewFile) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(old) => new.0.as_file().set_permissions(old.permissions()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(err) => Err(err),
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for write in [write, replace] {
            write(&path, b"old").unwrap();
            let plain = folder.path().join("plain");
            fs::write(&plain, "").unwrap();
            assert_eq!(mode(&path), mode(&plain), "as any new file");
            fs::set_permissions(&path, Permissions::from_mode(0o750)).unwrap();
            write(&path, b"new").unwrap();
            assert_eq!(
                (fs::read(&path).unwrap(), mode(&path)),
                (b"new".into(), 0o750)
            );
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_mode_of_its_own_replaces_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"old").unwrap();
        write_with_mode(&path, b"new", 0o700).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode(&path)),
            (b"new".into(), 0o700)
        );
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = NewFile::in_folder(folder.path()).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // A folder stands where the file should.
        fs::create_dir(folder.path().join("taken")).unwrap();
        assert!(write(&folder.path().join("taken"), b"text").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_without_a_folder_is_in_the_working_directory() {
        assert_eq!(folder_of(Path::new("file")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/file")), Path::new("a"));
    }
}
