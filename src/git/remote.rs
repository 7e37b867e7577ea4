//! Which remote is a repository's own. There is one rule, and every part of flota that needs the remote's name asks here.

use bstr::{BStr, BString};

use super::url::rewrite::rewritten;
use crate::model::error::{Error, Result};

/// What git calls a remote when nobody says (git-clone(1), `--origin`).
pub const ORIGIN: &str = "origin";

/// The name of the remote that `repo` fetches from: `branch.<current>.remote`, else the only remote there is, else `origin`
/// (git-fetch(1), "when no remote is specified"). It may be the URL itself, as git allows it for a branch.
pub fn name(repo: &gix::Repository) -> BString {
    let branch = repo.head_name().ok().flatten();
    of_branch(repo, branch.as_ref().map(|name| name.shorten()))
}

/// The same for `branch`, given by its short name, instead of the current one.
pub fn of_branch(repo: &gix::Repository, branch: Option<&BStr>) -> BString {
    let config = repo.config_snapshot();
    let configured = branch.and_then(|branch| {
        config
            .plumbing()
            .string_by("branch", Some(branch), "remote")
    });
    // `.` is this repository: the branch follows another one of it, and its remote is not known from there.
    configured
        .filter(|name| !name.is_empty() && name != ".")
        .or_else(|| {
            let mut all = urls(repo).into_iter();
            let (only, _) = all.next()?;
            all.next().is_none().then_some(only)
        })
        .unwrap_or_else(|| ORIGIN.into())
}

/// The URL of the remote `name` as it is configured, which may be a URL itself; none where there is no such remote.
pub fn url(repo: &gix::Repository, name: &BStr) -> Option<BString> {
    let config = repo.config_snapshot();
    let url = config.plumbing().string_by("remote", Some(name), "url");
    url.filter(|url| !url.is_empty())
}

/// The remotes of `repo` that have a URL, with the URL where git goes: after `url.<base>.insteadOf` (git-config(1)).
pub fn urls(repo: &gix::Repository) -> Vec<(BString, BString)> {
    of_config(repo.config_snapshot().plumbing())
}

/// The same of a configuration.
pub fn of_config(config: &gix::config::File) -> Vec<(BString, BString)> {
    let mut found = Vec::<(BString, BString)>::new();
    let sections = config.sections_by_name("remote").into_iter().flatten();
    for section in sections {
        let Some(name) = section.header().subsection_name() else {
            continue;
        };
        let is_known = |known: &(BString, BString)| known.0 == name;
        if let Some(url) = section.value("url").filter(|url| !url.is_empty())
            && !found.iter().any(is_known)
        {
            let url = rewritten(config, "insteadOf", url.as_ref()).unwrap_or(url);
            found.push((name.to_owned(), url));
        }
    }
    found
}

/// The remote whose branch of the same name a new branch follows, by what git-config(1) says of git-switch(1):
/// `checkout.defaultRemote`, else its own; none where `checkout.guess` is off.
pub fn for_switch(repo: &gix::Repository) -> Option<BString> {
    let config = repo.config_snapshot();
    if config.boolean("checkout.guess") == Some(false) {
        return None;
    }
    let preferred = config.string("checkout.defaultRemote");
    Some(preferred.unwrap_or_else(|| name(repo)))
}

/// What the remote of a new clone is called: `clone.defaultRemoteName` of the user's configuration, else `origin`.
///
/// # Errors
/// Misuse: it cannot be the name of a remote.
pub fn of_new_clones(config: &gix::config::File) -> Result<BString> {
    let Some(name) = config.string("clone.defaultRemoteName") else {
        return Ok(ORIGIN.into());
    };
    let reference = format!("refs/remotes/{name}/test");
    // Also what a command line would take for an option.
    let is_valid = !name.starts_with(b"-")
        && gix::validate::reference::name(reference.as_str().into()).is_ok();
    match is_valid {
        true => Ok(name),
        false => Err(Error::misuse(format!(
            "clone.defaultRemoteName is `{name}`, which is not a valid name for a remote"
        ))
        .hint("name another: git config --global clone.defaultRemoteName origin")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A repository on the branch `work`, with this configuration.
    fn repository(config: &str) -> (tempfile::TempDir, gix::Repository) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("objects")).unwrap();
        fs::create_dir_all(at("refs")).unwrap();
        fs::write(at("HEAD"), "ref: refs/heads/work\n").unwrap();
        fs::write(at("config"), format!("[core]\n\tbare = true\n{config}")).unwrap();
        let repo = gix::open(folder.path()).unwrap();
        (folder, repo)
    }

    const UP: &str = "[remote \"up\"]\n\turl = https://host/up\n";
    const FORK: &str = "[remote \"fork\"]\n\turl = https://host/fork\n";

    #[test]
    fn the_remote_is_the_branchs_else_the_only_one_else_origin() {
        let of_branch =
            |branch: &str, name: &str| format!("[branch \"{branch}\"]\n\tremote = {name}\n");
        for (config, want) in [
            (String::new(), "origin"),
            (UP.to_owned(), "up"),
            ([UP, FORK].concat(), "origin"),
            ([UP, FORK, &of_branch("work", "fork")].concat(), "fork"),
            ([UP, FORK, &of_branch("other", "fork")].concat(), "origin"),
            ([UP, &of_branch("work", ".")].concat(), "up"),
            // A section without a URL is no remote.
            ([UP, "[remote \"x\"]\n\tprune = true\n"].concat(), "up"),
            ("[remote]\n\tpushDefault = x\n".to_owned(), "origin"),
            (of_branch("work", "https://host/x"), "https://host/x"),
        ] {
            let (_folder, repo) = repository(&config);
            assert_eq!(name(&repo), want, "{config}");
        }
    }

    #[test]
    fn urls_are_those_where_git_goes() {
        let rule = "[url \"ssh://git@host/\"]\n\tinsteadOf = https://host/\n";
        let (_folder, repo) = repository(&[UP, FORK, rule].concat());
        let want = [("up", "ssh://git@host/up"), ("fork", "ssh://git@host/fork")];
        assert_eq!(
            urls(&repo),
            want.map(|(name, url)| (name.into(), url.into()))
        );
    }

    #[test]
    fn a_new_clone_calls_its_remote_as_the_user_says() {
        for (value, want) in [
            ("upstream", Some("upstream")),
            ("team/up", Some("team/up")),
            ("-x", None),
            ("a b", None),
            ("a..b", None),
            ("", None),
        ] {
            let config = format!("[clone]\n\tdefaultRemoteName = \"{value}\"\n");
            let config = gix::config::File::try_from(config.as_str()).unwrap();
            let found = of_new_clones(&config).ok();
            assert_eq!(found, want.map(BString::from), "{value}");
        }
        assert_eq!(
            of_new_clones(&gix::config::File::default()).unwrap(),
            ORIGIN
        );
    }

    #[test]
    fn a_switch_follows_the_remote_that_the_configuration_prefers() {
        for (config, want) in [
            ("", Some("up")),
            ("[checkout]\n\tdefaultRemote = fork\n", Some("fork")),
            ("[checkout]\n\tguess = false\n", None),
            ("[checkout]\n\tguess = true\n", Some("up")),
        ] {
            let (_folder, repo) = repository(&[UP, config].concat());
            assert_eq!(for_switch(&repo), want.map(BString::from), "{config}");
        }
    }
}
