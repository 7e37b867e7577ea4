//! Which services an argument means: the one parser of SERVICE, for every command.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::Path,
};

use bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::ObjectId;

use crate::{
    git::{Objects, gitmodules::Gitmodules, index::Pins, repository::Repository, tree},
    model::{
        error::{Error, Result},
        fleet::ancestors,
    },
};

mod active;
mod selection;
#[cfg(test)]
mod tests;
mod words;

pub use selection::Selection;
use words::{Called, Word};

/// Which of the fleet's services a command is about.
#[derive(Clone, Debug)]
pub struct Selector(Choice);

#[derive(Clone, Debug)]
enum Choice {
    /// Nobody named one.
    Any,
    /// What the user typed.
    Words(Vec<Word>),
    /// Paths from the fleet's root, as the steps of a plan have them; `.` is the repository itself, with all of its own.
    Paths(Vec<BString>),
}

/// What a word of the user means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeantByWord {
    /// The word.
    pub typed: BString,
    /// The paths of the submodules that it means; at least one.
    pub paths: Vec<BString>,
}

impl Selector {
    /// No service in particular.
    pub const ANY: Self = Self(Choice::Any);

    /// What `words` mean to somebody who stands in `dir`; without any, no service in particular.
    ///
    /// # Errors
    /// Unavailable: the fleet's folder cannot be found.
    pub fn new(words: &[OsString], fleet: &Repository, dir: &Path) -> Result<Self> {
        if words.is_empty() {
            return Ok(Self::ANY);
        }
        let cannot = |err| Error::unavailable("cannot find the fleet's directory").because(err);
        let root = fleet.folder().map_err(cannot)?;
        let dir = dir.canonicalize().map_err(cannot)?;
        let from = dir.strip_prefix(&root).ok().map(Vec::from_path_lossy);
        let from = from.as_ref().map(|from| BStr::new(from.as_ref()));
        let word = |typed: &OsString| Word::new(typed, Some(&root), from);
        Ok(Self(Choice::Words(words.iter().map(word).collect())))
    }

    /// What `words` mean in a fleet that nobody stands in: paths count from its root.
    pub fn from_root(words: &[OsString]) -> Self {
        if words.is_empty() {
            return Self::ANY;
        }
        let word = |typed: &OsString| Word::new(typed, None, Some(BStr::new("")));
        Self(Choice::Words(words.iter().map(word).collect()))
    }

    /// The services at `paths` from the fleet's root, as the steps of a plan name them.
    pub fn of_steps(paths: impl IntoIterator<Item = BString>) -> Self {
        Self(Choice::Paths(paths.into_iter().collect()))
    }

    /// Whether services were named.
    pub fn is_named(&self) -> bool {
        !matches!(self.0, Choice::Any)
    }

    /// Those that are meant; without a name, all.
    ///
    /// # Errors
    /// Misuse: a word matches no service, or a name is shared by several.
    pub fn among(&self, pins: Pins) -> Result<Pins> {
        let Pins { links, conflicted } = pins;
        let settled = links
            .iter()
            .map(|one| Called::new(&one.path, one.listed.as_ref()));
        let in_conflict = conflicted
            .iter()
            .map(|one| Called::new(&one.path, one.listed.as_ref()));
        let known: Vec<_> = settled.chain(in_conflict).collect();
        let chosen = match &self.0 {
            Choice::Any => return Ok(Pins { links, conflicted }),
            Choice::Words(words) => by_words(words, &known)?,
            Choice::Paths(paths) => by_paths(paths, &known)?,
        };
        let first_conflicted = links.len();
        let links = links.into_iter().enumerate();
        let conflicted = conflicted.into_iter().enumerate();
        let chosen_link = |(index, link)| chosen.contains(&index).then_some(link);
        let chosen_conflict =
            |(index, one)| chosen.contains(&(first_conflicted + index)).then_some(one);
        Ok(Pins {
            links: links.filter_map(chosen_link).collect(),
            conflicted: conflicted.filter_map(chosen_conflict).collect(),
        })
    }

    /// Those that are meant; without a name, those that are active (gitsubmodules(7)).
    ///
    /// # Errors
    /// As for [`Selector::among`]; and the fleet's configuration cannot be read.
    pub fn active_among(&self, fleet: &Repository, pins: Pins) -> Result<Pins> {
        match self.0 {
            Choice::Any => Ok(Pins {
                links: active::active(fleet, pins.links)?,
                ..pins
            }),
            _ => self.among(pins),
        }
    }

    /// Those that are meant at head or, where it has none, at base; none without a name: then all are.
    ///
    /// # Errors
    /// As for [`Selector::among`]; and the trees cannot be read.
    pub fn in_trees(
        &self,
        objects: Objects<'_>,
        base: Option<ObjectId>,
        head: Option<ObjectId>,
    ) -> Result<Option<Selection>> {
        match &self.0 {
            Choice::Any => Ok(None),
            Choice::Words(_) => {
                let words = self.words_in_trees(objects, base, head)?.into_iter();
                Ok(Some(words.flat_map(|word| word.paths).collect()))
            }
            Choice::Paths(paths) => {
                let (head, base) = (
                    TreeListing::of(objects, head)?,
                    TreeListing::of(objects, base)?,
                );
                by_paths(paths, &[head.called(), base.called()].concat())?;
                Ok(Some(paths.iter().cloned().collect()))
            }
        }
    }

    /// What each word means at head or, where that has none, at base; nothing where the user typed no words.
    ///
    /// # Errors
    /// As for [`Selector::in_trees`].
    pub fn words_in_trees(
        &self,
        objects: Objects<'_>,
        base: Option<ObjectId>,
        head: Option<ObjectId>,
    ) -> Result<Vec<MeantByWord>> {
        let Choice::Words(words) = &self.0 else {
            return Ok(Vec::new());
        };
        let (head, base) = (
            TreeListing::of(objects, head)?,
            TreeListing::of(objects, base)?,
        );
        let (at_head, at_base) = (head.called(), base.called());
        let both = [&at_head[..], &at_base].concat();
        let meant = |word: &Word| {
            // What left the fleet, or moved in it, has its name and path only if they are nobody's now.
            let literal = match word.literal(&at_head)? {
                Some(index) => Some(at_head[index]),
                None => word.literal(&at_base)?.map(|index| at_base[index]),
            };
            let paths: Vec<BString> = match literal {
                Some(one) => vec![one.path.to_owned()],
                None => {
                    let matching = word.matching(&both)?.into_iter();
                    matching.map(|index| both[index].path.to_owned()).collect()
                }
            };
            let paths = match (paths.is_empty(), word.inside(&both)) {
                (false, _) => paths,
                (true, Some(inside)) => vec![inside.clone()],
                (true, None) => return Err(word.unknown(&both)),
            };
            let typed = word.typed().to_owned();
            Ok(MeantByWord { typed, paths })
        };
        words.iter().map(meant).collect()
    }

    /// Refuses whatever is not the service called `name`, which is the repository itself.
    ///
    /// # Errors
    /// Misuse: another service is named.
    pub fn check_own(&self, name: &BStr) -> Result<()> {
        let mut other = None;
        match &self.0 {
            Choice::Any => {}
            Choice::Words(words) => {
                for word in words {
                    if !word.is_whole(name)? {
                        other = other.or(Some(word.typed()));
                    }
                }
            }
            Choice::Paths(paths) => {
                let mut paths = paths.iter().map(|path| path.as_bstr());
                other = paths.find(|path| *path != "." && *path != name);
            }
        }
        match other {
            None => Ok(()),
            Some(other) => Err(Error::misuse(format!(
                "this repository is the service `{name}`, not `{other}`"
            ))
            .hint("leave the name out: flota build")),
        }
    }
}

/// The submodules of a tree.
struct TreeListing {
    paths: Vec<BString>,
    listed: Gitmodules,
}

impl TreeListing {
    fn of(objects: Objects<'_>, root: Option<ObjectId>) -> Result<Self> {
        let Some(root) = root else {
            return Ok(Self {
                paths: Vec::new(),
                listed: Gitmodules::default(),
            });
        };
        let gitlinks = tree::gitlinks(objects, root)?.into_iter();
        Ok(Self {
            paths: gitlinks.map(|gitlink| gitlink.path).collect(),
            listed: Gitmodules::of_tree(objects, root)?,
        })
    }

    fn called(&self) -> Vec<Called<'_>> {
        let called = |path| Called::new(path, self.listed.at(path.as_ref()));
        self.paths.iter().map(called).collect()
    }
}

/// Those that `words` mean.
fn by_words(words: &[Word], known: &[Called<'_>]) -> Result<BTreeSet<usize>> {
    let mut chosen = BTreeSet::new();
    for word in words {
        let meant = match word.literal(known)? {
            Some(index) => vec![index],
            None => word.matching(known)?,
        };
        if meant.is_empty() {
            return Err(word.unknown(known));
        }
        chosen.extend(meant);
    }
    Ok(chosen)
}

/// Those at one of `paths`, and those that hold one of them.
fn by_paths(paths: &[BString], known: &[Called<'_>]) -> Result<BTreeSet<usize>> {
    let by_path: BTreeMap<&BStr, usize> = known
        .iter()
        .enumerate()
        .map(|(index, one)| (one.path, index))
        .collect();
    let mut chosen = BTreeSet::new();
    for path in paths {
        if path == "." {
            return Ok((0..known.len()).collect());
        }
        let holding = ancestors(path.as_ref()).filter_map(|above| by_path.get(above));
        let holding: Vec<_> = holding.copied().collect();
        if holding.is_empty() {
            let message = format!("the fleet has no service at `{path}`");
            return Err(Error::misuse(message).hint("list them: flota plan --all"));
        }
        chosen.extend(holding);
    }
    Ok(chosen)
}
