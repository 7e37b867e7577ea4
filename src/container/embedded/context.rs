//! The build context: its files as a tree, read without ever leaving it.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};
use walkdir::WalkDir;

use super::{
    ignore::DockerIgnore,
    tree::{Kind, Owner, Tree, TreeEntry},
};
use crate::model::error::{Error, Result};

/// A `.dockerignore` beyond this many bytes is refused.
const IGNORE_SIZE: u64 = 256 * 1024;

/// A context with more entries than this is refused.
pub(super) const ENTRIES: usize = 1_000_000;

/// What a build may copy from.
#[derive(Debug)]
pub(super) struct Context {
    root: PathBuf,
    rules: DockerIgnore,
    tree: Tree,
}

impl Context {
    /// Reads the names in the folder `root`, without those that the `.dockerignore` of `dockerfile` hides.
    pub(super) fn load(root: &Path, dockerfile: &Path) -> Result<Self> {
        let root = canonical(root)?;
        let rules = ignore_rules(&root, dockerfile)?;
        let tree = walk(&root, &rules)?;
        Ok(Self { root, rules, tree })
    }

    /// What is in it, modes and owners made those that Git keeps.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The `.dockerignore` rule that keeps `path` out of the build, if it is there at all.
    pub(super) fn hidden(&self, path: &Path) -> Option<String> {
        self.rules
            .reason(path)
            .filter(|_| fs::symlink_metadata(self.root.join(path)).is_ok())
    }

    /// Opens the file at `path`, for which no symlink is followed: a path of [`Self::tree`] has none.
    pub(super) fn open(&self, path: &Path) -> io::Result<File> {
        open_beneath(&self.root, path)
    }
}

/// The text of `file` in the context `root`; `None` if there is none. It may be a symlink, but not out of the context.
pub(super) fn read_text(root: &Path, file: &Path, limit: u64) -> Result<Option<String>> {
    let name = file.display();
    let root = canonical(root)?;
    let failed = |cause: io::Error| Error::work(format!("cannot read {name}")).because(cause);
    let found = match root.join(file).canonicalize() {
        Err(cause) if is_absence(&cause) => return Ok(None),
        found => found.map_err(failed)?,
    };
    let inside = found.strip_prefix(&root).map_err(|_| {
        Error::misuse(format!(
            "{name} leads out of the build context {}",
            root.display()
        ))
    })?;
    let mut text = Vec::new();
    let opened = open_beneath(&root, inside).map_err(failed)?;
    opened
        .take(limit + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > limit {
        return Err(Error::misuse(format!("{name} has more than {limit} bytes")));
    }
    let text = String::from_utf8(text);
    text.map(Some)
        .map_err(|cause| Error::misuse(format!("{name} is not UTF-8")).because(cause))
}

fn is_absence(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn canonical(root: &Path) -> Result<PathBuf> {
    root.canonicalize().map_err(|cause| {
        Error::work(format!("cannot read the build context {}", root.display())).because(cause)
    })
}

/// `Dockerfile.dockerignore` beside a Dockerfile of that name goes before the context's `.dockerignore`.
fn ignore_rules(root: &Path, dockerfile: &Path) -> Result<DockerIgnore> {
    let mut own = dockerfile.as_os_str().to_owned();
    own.push(".dockerignore");
    for file in [PathBuf::from(own), ".dockerignore".into()] {
        if let Some(text) = read_text(root, &file, IGNORE_SIZE)? {
            return DockerIgnore::parse(&file.display().to_string(), &text);
        }
    }
    Ok(DockerIgnore::default())
}

fn walk(root: &Path, rules: &DockerIgnore) -> Result<Tree> {
    let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
    let failed = |cause: walkdir::Error| {
        Error::work(format!("cannot read the build context {}", root.display())).because(cause)
    };
    let mut tree = Tree::default();
    let found = WalkDir::new(root).min_depth(1).into_iter();
    for found in found.filter_entry(|found| !rules.prune(&relative(found.path()))) {
        let found = found.map_err(failed)?;
        let path = relative(found.path());
        if rules.hide(&path) {
            continue;
        }
        let metadata = found.metadata().map_err(failed)?;
        let entry = entry(&path, found.path(), &metadata)?;
        add(&mut tree, path, entry);
        if tree.len() > ENTRIES {
            let message = format!("the build context has more than {ENTRIES} files");
            return Err(Error::work(message)
                .hint("exclude what the image does not need with a .dockerignore"));
        }
    }
    Ok(tree)
}

/// Adds an entry, and those parents of it that are hidden themselves but for this exception.
fn add(tree: &mut Tree, path: PathBuf, entry: TreeEntry) {
    for parent in path.ancestors().skip(1) {
        if tree.is_directory(parent) {
            break;
        }
        tree.insert(parent.to_owned(), TreeEntry::directory(Owner::default()));
    }
    tree.insert(path, entry);
}

/// Only what a commit has: kind, content, the executable bit.
fn entry(path: &Path, absolute: &Path, metadata: &Metadata) -> Result<TreeEntry> {
    let executable = metadata.permissions().mode() & 0o100 != 0;
    let (kind, mode) = match metadata.file_type() {
        kind if kind.is_dir() => (Kind::Directory, 0o755),
        kind if kind.is_symlink() => {
            let target = fs::read_link(absolute).map_err(|cause| {
                Error::work(format!("cannot read the link {}", path.display())).because(cause)
            })?;
            (Kind::Symlink(target), 0o777)
        }
        kind if kind.is_file() => {
            let mode = if executable { 0o755 } else { 0o644 };
            (Kind::File(path.to_owned(), metadata.len()), mode)
        }
        _ => (Kind::Special, 0),
    };
    let owner = Owner::default();
    Ok(TreeEntry { kind, mode, owner })
}

/// Opens a regular file component by component, so that a symlink put in its way meanwhile is refused and not followed.
fn open_beneath(root: &Path, path: &Path) -> io::Result<File> {
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = rustix::fs::open(root, directory, Mode::empty())?;
    let parent = path.parent().unwrap_or(Path::new(""));
    for component in parent.components() {
        let Component::Normal(name) = component else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        at = rustix::fs::openat(&at, name, directory | OFlags::NOFOLLOW, Mode::empty())?;
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    // Without NONBLOCK a pipe put in the file's place would wait for a writer.
    let file = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(&at, name, file, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a regular file")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    fn names(context: &Context) -> Vec<String> {
        let below = context.tree().below(Path::new(""));
        below.map(|(path, _)| path.display().to_string()).collect()
    }

    #[test]
    fn exceptions_bring_their_parents_back() {
        let folder = folder(&["a/b/keep", "a/b/drop", "c/drop"]);
        fs::write(folder.path().join(".dockerignore"), "*\n!a/b/keep\n").unwrap();
        let context = Context::load(folder.path(), Path::new("Dockerfile")).unwrap();
        assert_eq!(names(&context), ["a", "a/b", "a/b/keep"]);
        let hidden = context.hidden(Path::new("c/drop"));
        assert_eq!(hidden.as_deref(), Some(".dockerignore:1 (*)"));
        assert_eq!(context.hidden(Path::new("c/none")), None);
    }

    #[test]
    fn the_dockerfiles_own_ignore_file_goes_first() {
        let folder = folder(&["x", "y"]);
        fs::write(folder.path().join(".dockerignore"), "x\n").unwrap();
        fs::write(folder.path().join("api.Dockerfile.dockerignore"), "*\n!x").unwrap();
        let context = Context::load(folder.path(), Path::new("api.Dockerfile")).unwrap();
        assert_eq!(names(&context), ["x"]);
    }

    #[test]
    fn nothing_outside_is_read() {
        let outside = folder(&["secret", "deep/secret"]);
        let folder = folder(&["real/file"]);
        symlink(outside.path().join("secret"), folder.path().join("link")).unwrap();
        symlink(outside.path().join("deep"), folder.path().join("dir")).unwrap();
        for path in ["link", "dir/secret", "../secret", "/etc/passwd"] {
            let opened = open_beneath(folder.path(), Path::new(path));
            assert!(opened.is_err(), "{path}");
        }
        assert!(open_beneath(folder.path(), Path::new("real/file")).is_ok());
        for path in ["link".into(), outside.path().join("secret")] {
            let error = read_text(folder.path(), &path, 100).unwrap_err();
            assert!(error.to_string().contains("leads out of"), "{error}");
        }
    }

    #[test]
    fn text_is_bounded_and_utf8() {
        let folder = folder(&["0123456789"]);
        let read = |limit| read_text(folder.path(), Path::new("0123456789"), limit);
        assert_eq!(read(10).unwrap().as_deref(), Some("0123456789"));
        assert!(
            read(9)
                .unwrap_err()
                .to_string()
                .contains("more than 9 bytes")
        );
        fs::write(folder.path().join("bad"), [0xff]).unwrap();
        let error = read_text(folder.path(), Path::new("bad"), 10).unwrap_err();
        assert_eq!(error.to_string(), "bad is not UTF-8");
        assert_eq!(
            read_text(folder.path(), Path::new("none"), 10).unwrap(),
            None
        );
    }
}
