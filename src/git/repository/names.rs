//! The refs that a name may mean, and the error about one that means none.

use bstr::ByteSlice;
use gix::{ObjectId, refs::file::Store};

use super::super::remote;
use crate::model::{error::Error, nearest::nearest};

/// Where a name is looked for, in this order (gitrevisions(7)).
const PLACES: [(&str, &str); 6] = [
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];

/// The refs that the name at the beginning of `rev` may mean, the one that is taken first. None where it is no name: a whole id is
/// always that commit, and nothing else is called HEAD.
pub(super) fn meant(refs: &Store, rev: &str) -> Vec<String> {
    let name = name_in(rev);
    let is_a_name = gix::validate::reference::name_partial(name.into()).is_ok();
    if !is_a_name || name == "HEAD" || ObjectId::from_hex(name.as_bytes()).is_ok() {
        return Vec::new();
    }
    let places = PLACES.map(|(before, after)| format!("{before}{name}{after}"));
    let packed = refs.cached_packed_buffer().ok().flatten();
    let is_there = |full: &String| {
        let is_loose = || {
            let mut dirs = [refs.git_dir(), refs.common_dir_resolved()].into_iter();
            dirs.any(|dir| dir.join(full).is_file())
        };
        let is_packed = || {
            let found = packed.as_ref()?.try_find(full.as_str()).ok()?;
            Some(found.is_some())
        };
        if !is_loose() && is_packed() != Some(true) {
            return false;
        }
        // The store looks for it in all places too.
        let found = refs.try_find(full.as_str()).ok().flatten();
        found.is_some_and(|found| found.name.as_bstr() == full.as_str())
    };
    places.into_iter().filter(is_there).collect()
}

/// The error about `rev`, which names nothing here, because of `err`; with what may be meant.
pub(super) fn unknown(
    repo: &gix::Repository,
    rev: &str,
    is_shallow: bool,
    err: gix::Error,
) -> Error {
    if rev.starts_with("HEAD") && repo.head().is_ok_and(|head| head.is_unborn()) {
        return Error::repository("the repository has no commit yet")
            .hint("create one: git commit");
    }
    let mut error = Error::repository(format!("`{rev}` is not a valid revision here"));
    let remote = remote::name(repo);
    let branch = format!("{remote}/{rev}");
    if repo.rev_parse_single(branch.as_str()).is_ok() {
        return error.hint(format!("the remote has this branch: {branch}"));
    }
    let names = repo.references().ok().into_iter().flat_map(|all| {
        let names: Vec<String> = all
            .all()
            .into_iter()
            .flatten()
            .filter_map(|r| Some(r.ok()?.name().shorten().to_str_lossy().into_owned()))
            .collect();
        names
    });
    if let Some(name) = nearest(rev, names) {
        error = error.hint(format!("did you mean `{name}`?"));
    }
    if is_shallow {
        error = error.hint("this clone is shallow: git fetch --unshallow");
    }
    // More than a name (`HEAD~9`) is nothing to fetch; only then is it news where the lookup ended.
    if gix::validate::reference::name_partial(rev.into()).is_ok() {
        error.hint(format!("fetch it: git fetch {remote} {rev}"))
    } else {
        error.because(err.probable_cause().to_string())
    }
}

/// `rev` without what leads from the name to another commit: `~2`, `^{commit}`, `@{1}`, `:path`.
fn name_in(rev: &str) -> &str {
    let end = rev.find(['^', '~', ':']).unwrap_or(rev.len());
    let name = &rev[..end];
    &name[..name.find("@{").unwrap_or(name.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_where_no_name_goes_on() {
        for (rev, want) in [
            ("main", "main"),
            ("main~2", "main"),
            ("main^{commit}", "main"),
            ("main@{1}", "main"),
            ("main:path", "main"),
            ("a@b", "a@b"),
            ("^main", ""),
            ("@{u}", ""),
        ] {
            assert_eq!(name_in(rev), want, "{rev}");
        }
    }
}
