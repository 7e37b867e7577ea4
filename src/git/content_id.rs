//! The content identities of a service's tree.

use std::{io::Write, sync::LazyLock};

use bstr::{BStr, BString, ByteSlice};
use gix::{
    ObjectId,
    objs::{Tree, WriteTo, tree::EntryMode},
};

use super::{objects::Objects, tree};
use crate::model::{
    error::{Error, Result},
    rules::Content,
    settings::ChangeSettings,
};

/// The folder whose tree is the code's identity.
pub const CODE: &str = "code";
/// The folders whose trees are the configuration's identity.
pub const CONFIG: [&str; 2] = ["charts", "config"];

/// The one of them where the values of environments are, and what a path in it begins with.
const VALUES_FOLDER: &str = "config";
const CONFIG_PREFIX: &[u8] = b"config/";

/// Whether that is the name, below `config/`, of the values of a configured environment.
fn is_of_environment(name: &BStr, change: &ChangeSettings) -> bool {
    let mut environments = change.environments.iter();
    environments.any(|environment| name == ChangeSettings::values_file(environment).as_str())
}

/// Whether an entry of a service's root is one of these.
pub fn is_part(name: &BStr) -> bool {
    name == CODE || CONFIG.iter().any(|folder| name == *folder)
}

/// Which of the folders that mean something are none, but lead elsewhere: a symbolic link, or a submodule. What is there is
/// neither code nor configuration to flota, which reads no files for its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkedParts {
    /// `code`.
    pub code: bool,
    /// `config`.
    pub config: bool,
    /// `charts`.
    pub charts: bool,
}

impl LinkedParts {
    fn of(entries: &[(BString, tree::Entry)]) -> Self {
        let [charts, config] = CONFIG;
        let mut linked = Self::default();
        let leads_elsewhere = |mode: &EntryMode| mode.is_link() || mode.is_commit();
        for (name, _) in entries
            .iter()
            .filter(|(_, (mode, _))| leads_elsewhere(mode))
        {
            linked.code |= name == CODE;
            linked.config |= name == config;
            linked.charts |= name == charts;
        }
        linked
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let [charts, config] = CONFIG;
        let all = [
            (self.code, CODE),
            (self.config, config),
            (self.charts, charts),
        ];
        all.into_iter()
            .filter_map(|(is_linked, name)| is_linked.then_some(name))
    }
}

/// The identities in the tree `root`: by the folders of the guide, or by `[change]`'s globs where it names others.
pub fn of_tree(objects: Objects<'_>, root: ObjectId, change: &ChangeSettings) -> Result<Content> {
    with_links(objects, root, change).map(|(content, _)| content)
}

/// The same, and which of the folders lead elsewhere; none where the globs say what is compared.
pub fn with_links(
    objects: Objects<'_>,
    root: ObjectId,
    change: &ChangeSettings,
) -> Result<(Content, LinkedParts)> {
    if is_by_folders(change) {
        let entries = tree::entries(objects, root)?;
        let linked = LinkedParts::of(&entries);
        Ok((by_folders(objects, entries, root.kind(), change)?, linked))
    } else {
        let content = by_globs(objects, root, change)?;
        Ok((content, LinkedParts::default()))
    }
}

/// Whether the root tree's entries are all that the identities follow from; else it is all of its trees.
pub fn is_by_root(change: &ChangeSettings) -> bool {
    is_by_folders(change) && change.environments.is_empty()
}

fn is_by_folders(change: &ChangeSettings) -> bool {
    // Compiling globs takes longer than reading a service.
    static USUAL: LazyLock<ChangeSettings> = LazyLock::new(ChangeSettings::default);
    change.code == USUAL.code && change.config == USUAL.config && change.ignore == USUAL.ignore
}

/// The identities by globs: for each part the OID of the blob that `git ls-tree -r -z PIN` would print, its lines cut down
/// to the entries that match.
#[allow(clippy::expect_used, reason = "memory takes all writes")]
fn by_globs(objects: Objects<'_>, root: ObjectId, change: &ChangeSettings) -> Result<Content> {
    let (mut code, mut config, mut other) = (Vec::new(), Vec::new(), Vec::new());
    let mut environments = Vec::new();
    for found in tree::diff(objects, None, Some(root))? {
        let path = found.path.as_ref();
        let Some((mode, id)) = found.new.filter(|_| !change.ignore.is_match(path)) else {
            continue;
        };
        let in_config = path.strip_prefix(CONFIG_PREFIX).map(ByteSlice::as_bstr);
        let part = if in_config.is_some_and(|name| is_of_environment(name, change)) {
            &mut environments
        } else if change.code.is_match(path) {
            &mut code
        } else if change.config.is_match(path) {
            &mut config
        } else {
            &mut other
        };
        let kind = if mode.is_commit() { "commit" } else { "blob" };
        write!(part, "{:06o} {kind} {id}\t{path}\0", mode.value())
            .expect("memory takes all writes");
    }
    let id = |listing: Vec<u8>| {
        let some = (!listing.is_empty()).then_some(listing);
        some.map(|text| hash(root.kind(), gix::objs::Kind::Blob, &text))
            .transpose()
    };
    Ok(Content {
        code: id(code)?,
        config: id(config)?,
        other: id(other)?,
        environments: id(environments)?,
    })
}

/// The identities in the tree `root` by the folders of the guide: `code/`, and `config/` or `charts/`.
///
/// A part that is one folder is known by that folder's own OID, so `git rev-parse PIN:code` gives the same; one of several
/// entries by the OID of the tree that holds just them, as `git mktree` makes it.
///
/// What deployments take is left out of `config/`, as if it were not there.
fn by_folders(
    objects: Objects<'_>,
    entries: Vec<(BString, tree::Entry)>,
    kind: gix::hash::Kind,
    change: &ChangeSettings,
) -> Result<Content> {
    let (mut code, mut config, mut other) = (None, Vec::new(), Vec::new());
    let mut environments = Vec::new();
    for (name, (mode, id)) in entries {
        if mode.is_tree() && name == CODE {
            code = Some(id);
        } else if mode.is_tree() && CONFIG.iter().any(|folder| name == *folder) {
            let mut rest = Some(id);
            if name == VALUES_FOLDER && !change.environments.is_empty() {
                let all = tree::entries(objects, id)?;
                let is_theirs = |(name, (mode, _)): &(BString, tree::Entry)| {
                    !mode.is_tree() && is_of_environment(name.as_ref(), change)
                };
                let (theirs, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_theirs);
                if !theirs.is_empty() {
                    rest = tree_id(&others, kind)?;
                    environments = theirs;
                }
            }
            config.extend(rest.map(|id| (name, (mode, id))));
        } else {
            other.push((name, (mode, id)));
        }
    }
    let config = match &config[..] {
        [(_, (_, id))] => Some(*id),
        several => tree_id(several, kind)?,
    };
    Ok(Content {
        code,
        config,
        other: tree_id(&other, kind)?,
        environments: tree_id(&environments, kind)?,
    })
}

/// The OID of a tree with just these entries (given in git's order); none for no entries.
fn tree_id(
    entries: &[(BString, (EntryMode, ObjectId))],
    kind: gix::hash::Kind,
) -> Result<Option<ObjectId>> {
    if entries.is_empty() {
        return Ok(None);
    }
    let entries = entries
        .iter()
        .map(|(filename, (mode, oid))| gix::objs::tree::Entry {
            mode: *mode,
            filename: filename.as_bstr().to_owned(),
            oid: *oid,
        })
        .collect();
    let mut bytes = Vec::new();
    let unhashable = |err: std::io::Error| Error::repository("cannot hash a tree").because(err);
    Tree { entries }.write_to(&mut bytes).map_err(unhashable)?;
    hash(kind, gix::objs::Kind::Tree, &bytes).map(Some)
}

/// The id of an object with these bytes.
pub(super) fn hash(
    kind: gix::hash::Kind,
    object: gix::objs::Kind,
    bytes: &[u8],
) -> Result<ObjectId> {
    gix::objs::compute_hash(kind, object, bytes)
        .map_err(|err| Error::repository("cannot hash an object").because(err))
}
