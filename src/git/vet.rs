//! The list of submodules of a commit, checked as a whole before the first fetch: where git warns and continues without a
//! submodule, or where it is undefined which of two wins, flota refuses.

#[cfg(any(test, fuzzing))]
pub mod properties;

use std::collections::BTreeMap;

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{gitmodules::Gitmodules, objects::Objects, path, tree};
use crate::model::{
    error::{Error, Result},
    fleet::{Gitlink, Submodule},
};

/// No fleet has more submodules at one level; a tree that does is a bomb (CVE-2017-15298).
const COUNT_LIMIT: usize = 100_000;

/// Longer names and paths are for no file system.
const LENGTH_LIMIT: usize = 2_000;

/// A gitlink, and what `.gitmodules` says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it sits in the tree that holds it.
    pub path: BString,
    /// The commit it records.
    pub pin: ObjectId,
    /// Its section; none when `.gitmodules` does not list it.
    pub listed: Option<Submodule>,
}

/// The submodules of the tree `root`, sorted by path.
///
/// # Errors
/// Repository: one of them is refused, by name and with the reason.
pub fn links_of_tree(objects: Objects<'_>, root: ObjectId) -> Result<Vec<Link>> {
    let found = tree::links_for_checkout(objects, root)?;
    if found.gitlinks.is_empty() {
        return Ok(Vec::new());
    }
    let modules = Gitmodules::of_tree(objects, root)?;
    links(found.gitlinks, &modules, &found.symlinks)
}

/// The same from a list of gitlinks, which must be sorted by path, and of the symbolic links beside them.
pub fn links(
    gitlinks: Vec<Gitlink>,
    modules: &Gitmodules,
    symlinks: &[BString],
) -> Result<Vec<Link>> {
    if gitlinks.len() > COUNT_LIMIT {
        return Err(Error::repository(format!(
            "refused the list of submodules: more than {COUNT_LIMIT} of them"
        )));
    }
    // Sections without a gitlink lead nowhere today, and may tomorrow.
    for submodule in modules.iter() {
        check_name(submodule)?;
        check_path(submodule.name.as_ref(), submodule.path.as_ref())?;
        check_update(submodule)?;
    }
    let links: Vec<_> = gitlinks
        .into_iter()
        .map(|gitlink| Link {
            listed: modules.at(gitlink.path.as_ref()).cloned(),
            path: gitlink.path,
            pin: gitlink.pin,
        })
        .collect();
    for link in &links {
        check_path(link.name(), link.path.as_ref())?;
    }
    apart(
        "git directory",
        links.iter().map(|link| (link.name(), link.name())),
    )?;
    let paths = apart(
        "path",
        links.iter().map(|link| (link.name(), link.path.as_ref())),
    )?;
    check_parents(&paths, symlinks)?;
    Ok(links)
}

impl Link {
    /// What messages and git directories call it: the section's name, else the path.
    pub fn name(&self) -> &BStr {
        match &self.listed {
            Some(submodule) => submodule.name.as_ref(),
            None => self.path.as_ref(),
        }
    }
}

fn check_name(submodule: &Submodule) -> Result<()> {
    let name = submodule.name.as_bstr();
    check_text(name, "name", name)?;
    // git takes `\` for a separator here too (CVE-2018-11235).
    for part in name.split(|byte| matches!(byte, b'/' | b'\\')) {
        let why = match part {
            b"" => "a part of it is empty",
            b"." | b".." => "it leads out of its directory",
            _ => {
                check_component(name, "name", part.as_bstr())?;
                continue;
            }
        };
        return refuse(name, &format!("its name: {why}"));
    }
    Ok(())
}

fn check_path(name: &BStr, path: &BStr) -> Result<()> {
    check_text(name, "path", path)?;
    path::relative("path", path)
        .map_err(|why| refused(name, "its path leaves the worktree").because(why.to_string()))?;
    path.split_str("/")
        .try_for_each(|part| check_component(name, "path", part.as_bstr()))
}

/// `!command` would run what the repository says (CVE-2019-19604).
fn check_update(submodule: &Submodule) -> Result<()> {
    match submodule
        .update
        .as_ref()
        .map(|how| how.as_bytes().trim_ascii())
    {
        None | Some(b"checkout" | b"rebase" | b"merge" | b"none") => Ok(()),
        Some(how) if how.starts_with(b"!") => refuse(
            submodule.name.as_ref(),
            "`update` names a command, and a repository may not run commands",
        ),
        Some(_) => refuse(
            submodule.name.as_ref(),
            "`update` is not one of checkout, rebase, merge and none",
        ),
    }
}

fn check_text(name: &BStr, what: &str, text: &BStr) -> Result<()> {
    let why = if text.is_empty() {
        "is empty"
    } else if text.len() > LENGTH_LIMIT {
        "is too long"
    } else if text.starts_with(b"-") {
        "looks like an option"
    } else if text.iter().any(u8::is_ascii_control) {
        "contains control characters"
    } else {
        return Ok(());
    };
    refuse(name, &format!("its {what} {why}"))
}

fn check_component(name: &BStr, what: &str, part: &BStr) -> Result<()> {
    path::component(part).map(drop).map_err(|why| {
        let cause = std::error::Error::source(&why)
            .map_or_else(|| why.to_string(), |cause| cause.to_string());
        refused(
            name,
            &format!("`{part}` in its {what} is not a valid file name"),
        )
        .because(cause)
    })
}

/// No two are the same, and none lies in another, on any file system: two names may differ by case or by Unicode form alone
/// (CVE-2019-1387, CVE-2021-21300, CVE-2024-32002). Gives the places as such a file system sees them.
fn apart<'a>(
    what: &str,
    places: impl Iterator<Item = (&'a BStr, &'a BStr)>,
) -> Result<BTreeMap<Vec<String>, &'a BStr>> {
    let mut taken = BTreeMap::new();
    for (name, place) in places {
        if let Some(other) = taken.insert(folded(place), name) {
            return refuse(
                name,
                &format!("its {what} is the same as that of `{other}`, or can be taken for it"),
            );
        }
    }
    for (place, name) in &taken {
        for end in 1..place.len() {
            if let Some(above) = taken.get(&place[..end]) {
                return refuse(name, &format!("its {what} is inside that of `{above}`"));
            }
        }
    }
    Ok(taken)
}

/// No symbolic link of the same tree stands where a submodule or a folder above it belongs.
fn check_parents(paths: &BTreeMap<Vec<String>, &BStr>, symlinks: &[BString]) -> Result<()> {
    let links: BTreeMap<_, _> = symlinks
        .iter()
        .map(|link| (folded(link.as_ref()), link))
        .collect();
    for (path, name) in paths {
        for end in 1..=path.len() {
            if let Some(link) = links.get(&path[..end]) {
                return refuse(
                    name,
                    &format!("its path leads through the symbolic link `{link}`"),
                );
            }
        }
    }
    Ok(())
}

/// A path as the least discerning file system sees it, part by part.
fn folded(path: &BStr) -> Vec<String> {
    path.split(|byte| matches!(byte, b'/' | b'\\'))
        .map(path::folded)
        .collect()
}

fn refused(name: &BStr, why: &str) -> Error {
    Error::repository(format!("refused the submodule `{name}`: {why}"))
        .hint("nothing was fetched for it; ask whoever maintains its .gitmodules")
}

fn refuse<T>(name: &BStr, why: &str) -> Result<T> {
    Err(refused(name, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::random;

    fn vet(text: &str, symlinks: &[&str]) -> Result<Vec<Link>> {
        let modules = Gitmodules::parse(text.as_bytes())?;
        let mut gitlinks: Vec<_> = modules
            .iter()
            .map(|submodule| Gitlink {
                path: submodule.path.clone(),
                pin: ObjectId::null(gix::hash::Kind::Sha1),
            })
            .collect();
        gitlinks.sort();
        let symlinks: Vec<BString> = symlinks.iter().map(|path| BString::from(*path)).collect();
        links(gitlinks, &modules, &symlinks)
    }

    fn two(one: (&str, &str), other: (&str, &str)) -> String {
        [one, other]
            .map(|(name, path)| format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = ../x\n"))
            .concat()
    }

    #[test]
    fn an_ordinary_fleet_passes() {
        let text = two(
            ("code-repos/api", "code-repos/api"),
            ("b", "code-repos/api-b"),
        );
        let links = vet(&text, &["code-repos/latest", "docs"]).unwrap();
        assert_eq!(links[0].name(), "code-repos/api");
        assert_eq!(links[1].path, "code-repos/api-b");
    }

    #[test]
    fn names_and_paths_that_git_would_drop_or_trip_over_are_refused() {
        for (name, path) in [
            ("../../evil", "a"),
            ("a/../b", "a"),
            ("..\\\\x", "a"),
            ("a//b", "a"),
            ("-u./payload", "a"),
            ("a", "-u./payload"),
            ("a", "/etc"),
            ("a", "../a"),
            ("a", "b/.GIT/hooks"),
            ("a", "b/git~1"),
            ("a", "b/.g\u{200c}it"),
            ("x/.git", "a"),
            ("a", "\"a\\r\""),
            ("a\u{7}", "a"),
        ] {
            let text = format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = ../x\n");
            assert!(vet(&text, &[]).is_err(), "{name} {path}");
        }
    }

    #[test]
    fn no_two_share_a_place() {
        for (one, other) in [
            (("hippo", "a"), ("hippo/hooks", "b")),
            (("Hippo", "a"), ("hippo", "b")),
            (("a", "lib"), ("b", "LIB")),
            (("a", "lib"), ("b", "Lib/x")),
            (("a", "caf\u{e9}"), ("b", "cafe\u{301}")),
        ] {
            assert!(vet(&two(one, other), &[]).is_err(), "{one:?} {other:?}");
        }
    }

    #[test]
    fn no_symbolic_link_leads_into_a_submodule() {
        let text = two(("a", "A/modules/x"), ("b", "b"));
        assert!(vet(&text, &["a"]).is_err());
        assert!(vet(&text, &["A/modules/X"]).is_err());
        assert!(vet(&text, &["A/other", "c", "A/other2/x"]).is_ok());
    }

    #[test]
    fn no_command_is_taken_for_a_way_to_update() {
        for (update, fits) in [
            ("checkout", true),
            ("none", true),
            ("!touch x", false),
            ("\" !touch x\"", false),
            ("often", false),
        ] {
            let text =
                format!("[submodule \"a\"]\n\tpath = a\n\turl = ../x\n\tupdate = {update}\n");
            assert_eq!(vet(&text, &[]).is_ok(), fits, "{update}");
        }
    }
    #[test]
    fn whatever_is_let_through_stays_in_its_place() {
        const PIECES: [&[u8]; 24] = [
            b"[submodule \"a\"]\npath=",
            b"[submodule \"b\"]\npath=",
            b"[submodule \"A/b\"]\npath=",
            b"[submodule \"",
            b"[submodule \"",
            b"\"]\npath=",
            b"\"]\npath=",
            b"a",
            b"b",
            b"B",
            b"c",
            b"/",
            b"\n",
            b"\n",
            b"\nupdate=none\n",
            b"\nupdate=!",
            b"..",
            b".git",
            b".GIT",
            b"git~1",
            b"\\\\",
            b"-",
            b"\xcc\x81",
            b"\xe2\x80\x8c",
        ];
        let symlinks = ["b".into(), "a/c".into()];
        let passed = random::texts(&PIECES, 14)
            .take(100_000)
            .map(|text| properties::listing(&text, &symlinks));
        let passed: usize = passed.sum();
        assert!(passed > 1_000, "{passed}");
    }
}
