//! Grafts (gitrepository-layout(5), `info/grafts`): commits whose parents are others than they say themselves. git counts them in
//! every walk, and so does flota; nothing else of a commit changes.

use std::{collections::HashMap, fs, path::Path};

use bstr::ByteSlice;
use gix::ObjectId;

/// Where they are listed, from the git directory.
pub(super) const FILE: &str = "info/grafts";

/// The grafts of one repository: the parents of a commit, by its id.
#[derive(Debug, Default)]
pub(super) struct Grafts(HashMap<ObjectId, Vec<ObjectId>>);

impl Grafts {
    /// Those of the repository whose worktrees share `common_dir`. A line that says something else is skipped, as by git.
    pub(super) fn of(common_dir: &Path) -> Self {
        let text = fs::read(common_dir.join(FILE)).unwrap_or_default();
        Self(text.lines().filter_map(graft).collect())
    }

    /// Whether there are any in the repository whose worktrees share `common_dir`.
    pub(super) fn exist(common_dir: &Path) -> bool {
        common_dir.join(FILE).exists()
    }

    /// The commits that are grafted.
    pub(super) fn commits(&self) -> impl Iterator<Item = ObjectId> {
        self.0.keys().copied()
    }

    /// Puts the parents of the graft into `text`, the content of the commit `id`; without a graft it stays as it is.
    pub(super) fn apply(&self, id: &gix::oid, text: &mut Vec<u8>) {
        let Some(parents) = self.0.get(id) else {
            return;
        };
        // The tree's line, then the parents' lines, then the rest.
        let Some(after_tree) = text.find_byte(b'\n').map(|end| end + 1) else {
            return;
        };
        let own = text[after_tree..].lines_with_terminator();
        let own = own.take_while(|line| line.starts_with(b"parent "));
        let own: usize = own.map(<[u8]>::len).sum();
        let lines: String = parents.iter().map(|id| format!("parent {id}\n")).collect();
        text.splice(after_tree..after_tree + own, lines.into_bytes());
    }
}

/// A line: the commit, then its parents.
fn graft(line: &[u8]) -> Option<(ObjectId, Vec<ObjectId>)> {
    let ids = line.trim_ascii_end().split_str(" ");
    let mut ids = ids.map(|id| ObjectId::from_hex(id).ok());
    let commit = ids.next()??;
    Some((commit, ids.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("info")).unwrap();
        let id = |digit: &str| digit.repeat(40);
        let [a, b, c, d] = ["a", "b", "c", "d"].map(id);
        let list = format!("# said\n{a} {b} {c}\n{b}\n{c} x\nnothing\n{d} {a}\r\n");
        fs::write(dir.path().join(FILE), list).unwrap();
        let grafts = Grafts::of(dir.path());
        assert!(Grafts::exist(dir.path()));
        assert_eq!(grafts.commits().count(), 3);
        let commit = |parents: &[&String]| {
            let parents = parents.iter().map(|id| format!("parent {id}\n"));
            format!(
                "tree {a}\n{}author A\n\nparent x\n",
                parents.collect::<String>()
            )
        };
        for (id, before, after) in [
            (&a, &[][..], &[&b, &c][..]),
            (&a, &[&d], &[&b, &c]),
            (&b, &[&a, &c], &[]),
            (&c, &[&a], &[&a]),
            (&d, &[&b], &[&a]),
        ] {
            let mut text = commit(before).into_bytes();
            grafts.apply(&ObjectId::from_hex(id.as_bytes()).unwrap(), &mut text);
            assert_eq!(text.as_bstr(), commit(after).as_bytes().as_bstr());
        }
        assert!(!Grafts::exist(&dir.path().join("info")));
    }
}
