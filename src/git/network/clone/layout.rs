//! The git directory that `git clone --no-checkout` leaves, laid out in process, each file written once.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, config::file::Metadata, objs::Exists as _};

use crate::{
    files,
    git::{
        network::upload_pack::Advertised,
        pack::{self, Received},
    },
    model::error::{Error, Result},
};

/// What `git init` finds out about a file system; the fleet's own holds for its submodules.
const OF_FILE_SYSTEM: [&str; 4] = ["filemode", "symlinks", "ignorecase", "precomposeunicode"];

pub(super) const HEADS: &str = "refs/heads/";
pub(super) const TAGS: &str = "refs/tags/";

/// Settings of the fleet's `[core]`, by name.
pub(super) fn file_system(fleet: &gix::Repository) -> Vec<(&'static str, BString)> {
    let config = fleet.config_snapshot();
    let value = |key| Some((key, config.string(format!("core.{key}").as_str())?));
    OF_FILE_SYSTEM.into_iter().filter_map(value).collect()
}

/// The refs of a repository that is cloned.
pub(super) struct Refs {
    /// The branch that HEAD is on, and its tip.
    pub head: (BString, ObjectId),
    /// Branches and tags, by full name.
    pub all: Vec<(BString, ObjectId)>,
}

impl Refs {
    /// Of what a server names, the branches and tags; its names are held to git's rules (git-check-ref-format(1)).
    ///
    /// # Errors
    /// Work: a name is malformed or comes twice, or HEAD is on no branch.
    pub(super) fn of(advertised: Vec<Advertised>) -> Result<Self> {
        let mut head = None;
        let mut all = Vec::with_capacity(advertised.len());
        for Advertised { name, id, target } in advertised {
            if name == "HEAD" {
                head = target;
            } else if name.starts_with_str(HEADS) || name.starts_with_str(TAGS) {
                if gix::refs::FullName::try_from(name.as_bstr()).is_err() {
                    return Err(Error::work(format!(
                        "a ref has the malformed name `{name}`"
                    )));
                }
                all.push((name, id));
            }
        }
        all.sort();
        if let Some(twice) = all.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(Error::work(format!("it names `{}` twice", twice[0].0)));
        }
        Self::new(head.as_ref().map(AsRef::as_ref), all)
    }

    /// `head` is the full name of the branch that HEAD is on.
    ///
    /// # Errors
    /// Work: it is on no branch, or on one without commits.
    pub(super) fn new(head: Option<&BStr>, all: Vec<(BString, ObjectId)>) -> Result<Self> {
        let head = head.and_then(|name| {
            let tip = all.iter().find(|(other, _)| name == other)?;
            Some((name.strip_prefix(HEADS.as_bytes())?.into(), tip.1))
        });
        let head = head.ok_or_else(|| Error::work("its HEAD is detached"))?;
        Ok(Self { head, all })
    }

    /// What they lead to, each object once.
    pub(super) fn tips(&self) -> Vec<ObjectId> {
        let mut tips: Vec<_> = self.all.iter().map(|(_, id)| *id).collect();
        tips.sort();
        tips.dedup();
        tips
    }
}

/// A clone that is to be made.
pub(super) struct NewClone<'a> {
    /// Its folder.
    pub into: &'a Path,
    /// What its remote is called, and that one's URL.
    pub remote: &'a BStr,
    pub url: &'a BStr,
    /// Settings of `[core]`.
    pub file_system: &'a [(&'static str, BString)],
}

impl NewClone<'_> {
    /// Its git directory.
    pub(super) fn git_dir(&self) -> PathBuf {
        self.into.join(".git")
    }
}

/// Writes everything but the objects.
pub(super) fn lay(new: &NewClone<'_>, refs: &Refs) -> Result<()> {
    let git_dir = &new.git_dir();
    let remotes = format!("refs/remotes/{}", new.remote);
    let (branch, tip) = &refs.head;
    let cannot = |err: io::Error| files::cannot("write", git_dir, err);
    let branch_file = git_dir.join("refs/heads").join(path(branch.as_ref())?);
    for folder in [
        &git_dir.join("objects/pack"),
        &git_dir.join("objects/info"),
        &git_dir.join("refs/tags"),
        &git_dir.join(&remotes),
        branch_file.parent().unwrap_or(git_dir),
    ] {
        fs::create_dir_all(folder).map_err(cannot)?;
    }

    let mut packed = b"# pack-refs with: sorted \n".to_vec();
    let tracked = |name: &BString| match name.strip_prefix(HEADS.as_bytes()) {
        Some(branch) => [remotes.as_bytes(), b"/", branch].concat().into(),
        None => name.clone(),
    };
    let mut all: Vec<(BString, ObjectId)> = refs
        .all
        .iter()
        .map(|(name, id)| (tracked(name), *id))
        .collect();
    all.sort();
    for (name, id) in all {
        packed.extend_from_slice(format!("{id} ").as_bytes());
        packed.extend_from_slice(&name);
        packed.push(b'\n');
    }
    let symbolic = |prefix: &str| [prefix.as_bytes(), branch, b"\n"].concat();
    let files: [(PathBuf, Vec<u8>); 5] = [
        (git_dir.join("packed-refs"), packed),
        (git_dir.join("HEAD"), symbolic("ref: refs/heads/")),
        (
            git_dir.join(&remotes).join("HEAD"),
            symbolic(&format!("ref: {remotes}/")),
        ),
        (branch_file, format!("{tip}\n").into_bytes()),
        (git_dir.join("config"), config(new, branch.as_ref())?),
    ];
    for (path, text) in files {
        fs::write(path, text).map_err(cannot)?;
    }
    Ok(())
}

fn path(branch: &BStr) -> Result<&Path> {
    branch
        .to_path()
        .map_err(|_| Error::work("its branch is not a valid file name on this system"))
}

fn config(new: &NewClone<'_>, branch: &BStr) -> Result<Vec<u8>> {
    let remote = new.remote;
    let mut config = gix::config::File::new(Metadata::from(gix::config::Source::Local));
    let mut set = |section: &'static str, name: Option<&BStr>, key: &'static str, value: &[u8]| {
        config
            .set_raw_value_by(section, name, key, value.as_bstr())
            .map(drop)
            .map_err(|err| Error::work("its configuration cannot be written").because(err))
    };
    set("core", None, "repositoryformatversion", b"0")?;
    for (key, value) in new.file_system {
        set("core", None, key, value)?;
    }
    set("core", None, "bare", b"false")?;
    set("core", None, "logallrefupdates", b"true")?;
    set("remote", Some(remote), "url", new.url)?;
    let refspec = format!("+refs/heads/*:refs/remotes/{remote}/*");
    set("remote", Some(remote), "fetch", refspec.as_bytes())?;
    set("branch", Some(branch), "remote", remote)?;
    let merge = [HEADS.as_bytes(), branch].concat();
    set("branch", Some(branch), "merge", &merge)?;
    Ok(config.to_bstring().into())
}

/// Takes in a pack as it arrives, and says how many objects it holds; its index goes last, since a pack counts once that is
/// there.
pub(super) fn adopt(git_dir: &Path, pack: &mut dyn io::BufRead) -> Result<u64> {
    let packs = git_dir.join("objects/pack");
    let cannot = |err: io::Error| files::cannot("write", &packs, err);
    let incoming = tempfile::Builder::new()
        .prefix("incoming-")
        .tempdir_in(git_dir)
        .map_err(cannot)?;
    let received = pack::receive(pack, incoming.path(), gix::hash::Kind::Sha1)?;
    let Some(Received {
        data,
        index,
        objects,
    }) = received
    else {
        // What was asked for may hang on what was here before.
        return Ok(0);
    };
    let mode = readable(incoming.path()).map_err(cannot)?;
    for file in [data, index] {
        let name = file.file_name().unwrap_or_default();
        fs::set_permissions(&file, mode.clone()).map_err(cannot)?;
        fs::rename(&file, packs.join(name)).map_err(cannot)?;
    }
    Ok(objects)
}

/// What git's packs have: whoever may read a new file of the user's may read them, and nobody writes them.
fn readable(folder: &Path) -> io::Result<Permissions> {
    let new = fs::File::create(folder.join("new"))?;
    let mode = new.metadata()?.permissions().mode();
    Ok(Permissions::from_mode(mode & 0o444))
}

/// Whether all of `objects` are in `git_dir`.
pub(super) fn has_all(git_dir: &Path, objects: &[ObjectId]) -> bool {
    let Some(hash) = objects.first().map(|id| id.kind()) else {
        return true;
    };
    gix::odb::at(git_dir.join("objects"), hash)
        .is_ok_and(|store| objects.iter().all(|id| store.exists(id)))
}
