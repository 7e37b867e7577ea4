//! Cloning from a repository on this machine, in one process where `git clone` takes six: its refs are read here, its objects
//! come through `git upload-pack` and are checked on arrival. What is on disk then is what `git clone --no-checkout` leaves.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, config::file::Metadata};

use crate::{
    git::{
        fetch::attempt::Fault,
        pack::{self, Received},
        upload_pack::{self, Request},
    },
    model::error::{Error, Result},
};

/// What `git init` finds out about a file system; the fleet's own holds for its submodules.
const OF_FILE_SYSTEM: [&str; 4] = ["filemode", "symlinks", "ignorecase", "precomposeunicode"];

/// A repository of more is not kept in memory on its way: `git clone` takes it.
const ANSWER_LIMIT: usize = 16 << 20;

const HEADS: &str = "refs/heads/";

/// Settings of the fleet's `[core]`, by name.
pub(super) fn file_system(fleet: &gix::Repository) -> Vec<(&'static str, BString)> {
    let config = fleet.config_snapshot();
    let value = |key| Some((key, config.string(format!("core.{key}").as_str())?));
    OF_FILE_SYSTEM.into_iter().filter_map(value).collect()
}

/// The refs of a repository.
struct Refs {
    /// The branch that HEAD is on, and its tip.
    head: (BString, ObjectId),
    /// Branches and tags, by full name.
    all: Vec<(BString, ObjectId)>,
}

/// Clones the repository in the folder `from`, which is called `url`, into `into`.
///
/// # Errors
/// Whatever is not as simple as it mostly is: then `git clone` has the last word. What was written is to be removed.
pub(super) fn clone(
    from: &Path,
    url: &BStr,
    into: &Path,
    file_system: &[(&'static str, BString)],
    patience: Duration,
) -> std::result::Result<(), Fault> {
    let failed = |err: Error| Fault::failed(&err);
    let refs = refs(from).map_err(failed)?;
    let git_dir = into.join(".git");
    lay(&git_dir, url, &refs, file_system).map_err(failed)?;
    let mut wants: Vec<_> = refs.all.iter().map(|(_, id)| *id).collect();
    wants.sort();
    wants.dedup();
    let request = Request {
        from,
        dir: into,
        wants: &wants,
        filter: None,
        depth: None,
        limit: ANSWER_LIMIT,
        patience,
    };
    upload_pack::ask(&request, |pack, shallow| {
        if !shallow.is_empty() {
            return Err(Error::work("the repository is shallow"));
        }
        adopt(&git_dir, pack)
    })
}

fn refs(from: &Path) -> Result<Refs> {
    let unfit = |why: String| Error::work(format!("not read directly: {why}"));
    let options = gix::open::Options::isolated().bail_if_untrusted(true);
    let repo = gix::open_opts(from, options).map_err(|err| unfit(err.to_string()))?;
    if repo.object_hash() != gix::hash::Kind::Sha1 {
        return Err(unfit("its hash is not SHA-1".into()));
    }
    let platform = repo.references().map_err(|err| unfit(err.to_string()))?;
    let mut all = Vec::new();
    for prefix in [HEADS, "refs/tags/"] {
        let found = platform
            .prefixed(prefix)
            .map_err(|err| unfit(err.to_string()))?;
        for reference in found {
            let reference = reference.map_err(|err| unfit(err.to_string()))?;
            let Some(id) = reference.try_id() else {
                return Err(unfit("one of its refs is symbolic".into()));
            };
            all.push((reference.name().as_bstr().to_owned(), id.detach()));
        }
    }
    let head = repo.head_name().map_err(|err| unfit(err.to_string()))?;
    let head = head.and_then(|name| {
        let tip = all.iter().find(|(other, _)| name.as_bstr() == other)?;
        Some((name.as_bstr().strip_prefix(HEADS.as_bytes())?.into(), tip.1))
    });
    let head = head.ok_or_else(|| unfit("its HEAD is on no branch".into()))?;
    Ok(Refs { head, all })
}

/// Everything but the objects.
fn lay(
    git_dir: &Path,
    url: &BStr,
    refs: &Refs,
    file_system: &[(&'static str, BString)],
) -> Result<()> {
    let (branch, tip) = &refs.head;
    let cannot = |err: io::Error| {
        Error::environment(format!("cannot write `{}`", git_dir.display())).because(err)
    };
    let branch_file = git_dir.join("refs/heads").join(path(branch.as_ref())?);
    for folder in [
        &git_dir.join("objects/pack"),
        &git_dir.join("objects/info"),
        &git_dir.join("refs/tags"),
        &git_dir.join("refs/remotes/origin"),
        branch_file.parent().unwrap_or(git_dir),
    ] {
        fs::create_dir_all(folder).map_err(cannot)?;
    }

    let mut packed = b"# pack-refs with: sorted \n".to_vec();
    let tracked = |name: &BString| match name.strip_prefix(HEADS.as_bytes()) {
        Some(branch) => [b"refs/remotes/origin/", branch].concat().into(),
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
            git_dir.join("refs/remotes/origin/HEAD"),
            symbolic("ref: refs/remotes/origin/"),
        ),
        (branch_file, format!("{tip}\n").into_bytes()),
        (
            git_dir.join("config"),
            config(url, branch.as_ref(), file_system)?,
        ),
    ];
    for (path, text) in files {
        fs::write(path, text).map_err(cannot)?;
    }
    Ok(())
}

fn path(branch: &BStr) -> Result<&Path> {
    branch
        .to_path()
        .map_err(|_| Error::work("its branch is no file name on this system"))
}

fn config(url: &BStr, branch: &BStr, file_system: &[(&'static str, BString)]) -> Result<Vec<u8>> {
    let mut config = gix::config::File::new(Metadata::from(gix::config::Source::Local));
    let mut set = |section: &'static str, name: Option<&BStr>, key: &'static str, value: &[u8]| {
        config
            .set_raw_value_by(section, name, key, value.as_bstr())
            .map(drop)
            .map_err(|err| Error::work("its configuration cannot be written").because(err))
    };
    set("core", None, "repositoryformatversion", b"0")?;
    for (key, value) in file_system {
        set("core", None, key, value)?;
    }
    set("core", None, "bare", b"false")?;
    set("core", None, "logallrefupdates", b"true")?;
    set("remote", Some("origin".into()), "url", url)?;
    let refspec = b"+refs/heads/*:refs/remotes/origin/*";
    set("remote", Some("origin".into()), "fetch", refspec)?;
    set("branch", Some(branch), "remote", b"origin")?;
    let merge = [HEADS.as_bytes(), branch].concat();
    set("branch", Some(branch), "merge", &merge)?;
    Ok(config.to_bstring().into())
}

fn adopt(git_dir: &Path, pack: &mut dyn io::BufRead) -> Result<()> {
    let packs = git_dir.join("objects/pack");
    let cannot = |err: io::Error| {
        Error::environment(format!("cannot write `{}`", packs.display())).because(err)
    };
    let incoming = tempfile::Builder::new()
        .prefix("incoming-")
        .tempdir_in(git_dir)
        .map_err(cannot)?;
    let received = pack::receive(pack, incoming.path(), gix::hash::Kind::Sha1)?;
    let Some(Received { data, index }) = received else {
        return Err(Error::work("it sent nothing"));
    };
    for file in [data, index] {
        let name = file.file_name().unwrap_or_default();
        fs::rename(&file, packs.join(name)).map_err(cannot)?;
    }
    Ok(())
}
