//! The git directory that filters run in.

use std::{fs, io, os::unix::ffi::OsStrExt, path::Path};

use bstr::BString;
use gix::{
    ObjectId,
    index::{
        State,
        entry::{Flags, Mode, Stat},
    },
    objs::{FindExt, Kind, Write as _},
    odb::loose,
};

use crate::{
    files,
    git::{config_file::ConfigFile, conversion, objects::Objects, path},
    model::error::{Error, Result},
};

/// A file of a commit.
#[derive(Clone)]
pub(super) struct CommittedFile {
    pub(super) path: BString,
    pub(super) mode: Mode,
    pub(super) id: ObjectId,
}

/// The index that lists `files`.
pub(super) fn index_of<'a>(
    hash: gix::hash::Kind,
    files: impl Iterator<Item = &'a CommittedFile>,
) -> State {
    let mut index = State::new(hash);
    for CommittedFile { path, mode, id } in files {
        index.dangerously_push_entry(Stat::default(), *id, Flags::empty(), *mode, path.as_ref());
    }
    index.sort_entries();
    index
}

/// The git directory that filters run in.
pub(super) struct Scratch<'a> {
    pub(super) git_dir: &'a Path,
    /// Its worktree.
    pub(super) folder: &'a Path,
}

impl Scratch<'_> {
    /// Makes it, with the configuration of the git directory `of`, and the objects that Git LFS keeps there: it looks beside those
    /// that are borrowed (gitrepository-layout(5), `objects/info/alternates`).
    pub(super) fn make(&self, of: &Path, hash: gix::hash::Kind) -> Result<()> {
        let cannot = |err: io::Error| files::cannot("write", self.git_dir, err);
        let of = std::path::absolute(of).map_err(cannot)?;
        for folder in ["objects/info", "refs"] {
            fs::create_dir_all(self.git_dir.join(folder)).map_err(cannot)?;
        }
        fs::write(self.git_dir.join("HEAD"), "ref: refs/heads/main\n").map_err(cannot)?;
        let mut lent = of.join("objects").into_os_string();
        lent.push("\n");
        let alternates = self.git_dir.join("objects/info/alternates");
        fs::write(alternates, lent.as_bytes()).map_err(cannot)?;
        let text = format!(
            "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tobjectFormat = {hash}\n"
        );
        let mut config = ConfigFile::parse(self.git_dir.join("config"), text.as_bytes())?;
        let theirs = of.join("config");
        config.set("include", None, "path", theirs.as_os_str().as_bytes())?;
        config.write()
    }

    /// Copies an object there.
    pub(super) fn put(&self, objects: Objects<'_>, id: ObjectId) -> Result<()> {
        let content = read(objects, id)?;
        let store = loose::Store::at(self.git_dir.join("objects"), id.kind());
        let written = store.write_buf(Kind::Blob, &content);
        written.map(drop).map_err(|err| self.unwritten(err))
    }

    pub(super) fn open(&self) -> Result<gix::Repository> {
        let opened = gix::open::Options::default()
            .with(gix::sec::Trust::Full)
            .open_path_as_is(true)
            .config_overrides(NO_ATTRIBUTES_OF_THE_USER)
            .open(self.git_dir);
        let opened = opened.map_err(|err| {
            Error::repository("cannot read the configuration of its repository").because(err)
        })?;
        Ok(opened.to_thread_local())
    }

    /// Has git write `files` anew, each by one of `filters`; `failed` is told which of them is the first that it did not write.
    pub(super) fn run<'f>(
        &self,
        files: &[CommittedFile],
        settings: &[CommittedFile],
        filters: impl Iterator<Item = &'f str>,
        failed: impl FnOnce(usize) -> Error,
    ) -> Result<()> {
        let mut config = ConfigFile::of(self.git_dir)?;
        for filter in filters {
            config.set("filter", Some(filter.into()), "required", b"true")?;
        }
        config.write()?;
        let hash = files[0].id.kind();
        let state = index_of(hash, files.iter().chain(settings));
        let mut index = gix::index::File::from_state(state, self.git_dir.join("index"));
        index
            .write(gix::index::write::Options::default())
            .map_err(|err| self.unwritten(err))?;
        let git = conversion::git_in(self.git_dir, self.folder).env("GIT_ATTR_NOSYSTEM", "1");
        let git = NO_ATTRIBUTES_OF_THE_USER
            .iter()
            .fold(git, |git, setting| git.args(["-c", setting]));
        let paths: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
        conversion::write_by(git, self.folder, &paths, || {
            // git does not always say which file it was.
            let is_missing = |path: &BString| {
                let place = path::relative("path", path.as_ref());
                place.is_ok_and(|place| !self.folder.join(place).exists())
            };
            failed(paths.iter().position(is_missing).unwrap_or_default())
        })
    }

    fn unwritten(&self, err: gix::Error) -> Error {
        Error::unavailable(format!("cannot write in `{}`", self.git_dir.display())).because(err)
    }
}

/// Attributes of the user do not count.
const NO_ATTRIBUTES_OF_THE_USER: [&str; 1] = ["core.attributesFile=/dev/null"];

/// The content of a blob.
pub(super) fn read(objects: Objects<'_>, id: ObjectId) -> Result<Vec<u8>> {
    let mut buffer = Vec::new();
    let promised = objects.promised();
    let found = promised.find_blob(&id, &mut buffer);
    let content = found.map(|blob| blob.data.to_owned());
    content.map_err(|err| Error::repository(format!("cannot read the blob {id}")).because(err))
}
