//! Filters that the attributes of a commit name (gitattributes(5), `filter`), for files that are built: what a clone holds in place of
//! what is committed, such as the file that a pointer of Git LFS stands for.
//!
//! They run in a git directory that is made for them and thrown away: the user's repository lends its configuration, and the objects
//! that Git LFS keeps in it, and nothing is written there. What Git LFS has to fetch is fetched into the directory that is thrown away.
//!
//! Attributes count where the commit has them, and not in the user's own files: what is built is the same on every machine. So a
//! filter that fails is an error here, required or not.

use std::{collections::HashMap, fs, io::Read, path::Path};

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, attrs::StateRef, index::entry::Mode, objs::tree::EntryKind};

use self::scratch::{CommittedFile, Scratch, index_of, read};
use super::{conversion, objects::Objects, path, tree};
use crate::{
    files,
    model::error::{Error, Result},
};

mod scratch;

/// How the pointers of Git LFS begin (git-lfs, `docs/spec.md`), and those of its first versions.
const LFS_POINTERS: [&[u8]; 2] = [
    b"version https://git-lfs.github.com/spec/v1\n",
    b"version https://hawser.github.com/spec/v1\n",
];

/// A pointer is smaller, in bytes (git-lfs, `docs/spec.md`).
const LFS_POINTER_SIZE: u64 = 1024;

/// How files begin that git-crypt has encrypted (git-crypt, `commands.cpp`).
const GIT_CRYPT: &[u8] = b"\0GITCRYPT\0";

/// What Git LFS is told by a commit: where its server is (git-lfs-config(5)).
const LFS_CONFIG: &str = ".lfsconfig";

/// Files of a commit that were written as they are committed.
pub struct Committed<'a> {
    /// Where the commit is read from.
    pub objects: Objects<'a>,
    /// The git directory whose configuration counts.
    pub git_dir: &'a Path,
    /// All of the commit: the attributes of a folder hold below it.
    pub root: ObjectId,
    /// Where the files are; not all of the commit has to be there.
    pub folder: &'a Path,
    /// Where temporary files may lie.
    pub scratch: &'a Path,
}

/// A file that stays as it is committed, since nobody said what its filter does.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfiltered {
    /// The path in the commit.
    pub path: BString,
    /// The filter's name.
    pub filter: String,
}

impl Committed<'_> {
    /// Runs the filters that the user's configuration defines. Returns the first file of each filter that it does not know.
    ///
    /// # Errors
    /// Work: a filter fails. Unavailable: a file is a pointer of Git LFS, or encrypted by git-crypt, and stays it.
    pub fn filter(&self) -> Result<Vec<Unfiltered>> {
        let mut found = FilteredPaths::default();
        self.collect(self.root, self.folder, &mut Vec::new(), &mut found)?;
        if !self.mentions_filters(&found.settings)? {
            return Ok(Vec::new());
        }
        let room = files::temporary_folder_in(self.scratch)?;
        let scratch = Scratch {
            git_dir: room.path(),
            folder: self.folder,
        };
        scratch.make(self.git_dir, self.root.kind())?;
        for setting in &found.settings {
            scratch.put(self.objects, setting.id)?;
        }
        let repo = scratch.open()?;
        let named = filters_of(&repo, &found)?;
        let (run, left): (Vec<_>, Vec<_>) = named.iter().partition(|file| file.driver.runs());
        if !run.is_empty() {
            for file in &run {
                scratch.put(self.objects, file.listed.id)?;
            }
            let listed: Vec<_> = run.iter().map(|file| file.listed.clone()).collect();
            let filters = run.iter().map(|file| &*file.filter);
            scratch.run(&listed, &found.settings, filters, |failed| {
                let (filter, path) = (&run[failed].filter, &run[failed].listed.path);
                Error::work(format!(
                    "the filter `{filter}` gives no content for `{path}`"
                ))
                .hint("git config --get-regexp '^filter\\.'")
            })?;
        }
        for file in &named {
            self.refuse_stand_in(file)?;
        }
        let mut unknown = Vec::<Unfiltered>::new();
        for file in left.iter().filter(|file| file.driver == Driver::Unknown) {
            if unknown.iter().all(|known| known.filter != file.filter) {
                unknown.push(Unfiltered {
                    path: file.listed.path.clone(),
                    filter: file.filter.clone(),
                });
            }
        }
        Ok(unknown)
    }

    /// The files of `tree` that are in `folder`, and what says how they are treated.
    fn collect(
        &self,
        tree: ObjectId,
        folder: &Path,
        at: &mut Vec<u8>,
        found: &mut FilteredPaths,
    ) -> Result<()> {
        let parent = at.len();
        for (name, (mode, id)) in tree::entries(self.objects, tree)? {
            let place = folder.join(path::component(name.as_ref())?);
            let written = fs::symlink_metadata(&place).ok();
            at.extend_from_slice(&name);
            match mode.kind() {
                EntryKind::Tree if written.as_ref().is_some_and(fs::Metadata::is_dir) => {
                    at.push(b'/');
                    self.collect(id, &place, at, found)?;
                }
                kind @ (EntryKind::Blob | EntryKind::BlobExecutable) => {
                    let path = at.as_bstr().to_owned();
                    let mode = match kind {
                        EntryKind::Blob => Mode::FILE,
                        _ => Mode::FILE_EXECUTABLE,
                    };
                    let is_setting = name == conversion::FILE || path == LFS_CONFIG;
                    let listed = CommittedFile { path, mode, id };
                    if is_setting {
                        found.settings.push(listed);
                    } else if written.as_ref().is_some_and(fs::Metadata::is_file) {
                        found.files.push(listed);
                    }
                }
                _ => {}
            }
            at.truncate(parent);
        }
        Ok(())
    }

    /// Most repositories have no filters, and that is quickly told.
    fn mentions_filters(&self, settings: &[CommittedFile]) -> Result<bool> {
        let ids: Vec<_> = settings.iter().map(|setting| setting.id).collect();
        self.objects.obtain(&ids)?;
        for CommittedFile { path, id, .. } in settings {
            if path != LFS_CONFIG && read(self.objects, *id)?.contains_str("filter") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A file that stands in for another is not what a build is meant to hold.
    fn refuse_stand_in(&self, file: &Filtered) -> Result<()> {
        let place = self
            .folder
            .join(path::relative("path", file.listed.path.as_ref())?);
        let mut start = Vec::new();
        let opened = fs::File::open(&place);
        opened
            .and_then(|opened| opened.take(LFS_POINTER_SIZE).read_to_end(&mut start))
            .map_err(|err| files::cannot("read", &place, err))?;
        let (path, filter) = (&file.listed.path, &file.filter);
        let is_small = (start.len() as u64) < LFS_POINTER_SIZE;
        if is_small
            && LFS_POINTERS
                .iter()
                .any(|pointer| start.starts_with(pointer))
        {
            let error = Error::unavailable(format!(
                "`{path}` is a pointer of Git LFS, without the file that it stands for"
            ));
            return Err(match file.driver.runs() {
                true => error
                    .because(format!("the filter `{filter}` leaves it as it is"))
                    .hint("unset GIT_LFS_SKIP_SMUDGE")
                    .hint("see what it is told to leave out: git lfs env"),
                false => error
                    .because(format!(
                        "the git configuration defines no filter `{filter}`"
                    ))
                    .hint("git lfs install"),
            });
        }
        if start.starts_with(GIT_CRYPT) {
            return Err(
                Error::unavailable(format!("`{path}` is encrypted by git-crypt"))
                    .hint("keep secrets out of what is built: exclude the file, or commit it outside of code/ and config/"),
            );
        }
        Ok(())
    }
}

/// What a commit holds, as far as it is written.
#[derive(Default)]
struct FilteredPaths {
    files: Vec<CommittedFile>,
    /// Attributes, and the configuration of Git LFS.
    settings: Vec<CommittedFile>,
}

/// A file that attributes give a filter.
struct Filtered {
    listed: CommittedFile,
    filter: String,
    driver: Driver,
}

/// What the user's configuration says of a filter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Driver {
    /// It changes files that are written.
    Writes,
    /// It has to, and nobody said how.
    Incomplete,
    /// It changes files that are committed, and no others.
    Commits,
    Unknown,
}

impl Driver {
    fn of(config: &gix::config::Snapshot<'_>, filter: &str) -> Self {
        let config = config.plumbing();
        let name = Some(BStr::new(filter));
        let has = |key: &str| {
            let value = config.string_by("filter", name, key);
            value.is_some_and(|value| !value.is_empty())
        };
        let is_required = matches!(
            config.boolean_by("filter", name, "required"),
            Ok(Some(true))
        );
        match () {
            () if has("process") || has("smudge") => Self::Writes,
            () if is_required => Self::Incomplete,
            () if has("clean") => Self::Commits,
            () => Self::Unknown,
        }
    }

    fn runs(self) -> bool {
        matches!(self, Self::Writes | Self::Incomplete)
    }
}

/// The files of `found` that have a filter.
fn filters_of(repo: &gix::Repository, found: &FilteredPaths) -> Result<Vec<Filtered>> {
    let failed = |err| Error::repository("cannot read the attributes of its files").because(err);
    let all = found.files.iter().chain(&found.settings);
    let index = index_of(repo.object_hash(), all);
    let files = found.files.iter();
    let files: HashMap<_, _> = files.map(|file| (file.path.as_bstr(), file)).collect();
    let config = repo.config_snapshot();
    let mut named = Vec::new();
    conversion::for_each_with(repo, &index, &["filter"], |path, state| {
        let (StateRef::Value(filter), Some(file)) = (state, files.get(path)) else {
            return;
        };
        let filter = filter.as_bstr().to_string();
        named.push(Filtered {
            listed: CommittedFile::clone(file),
            driver: Driver::of(&config, &filter),
            filter,
        });
    })
    .map_err(failed)?;
    Ok(named)
}
