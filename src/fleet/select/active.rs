//! Which submodules are active (gitsubmodules(7)): what a command that updates worktrees works on when no service is named.

use bstr::{BStr, ByteSlice};
use globset::Glob;

use crate::{
    fleet::worktree::Strategy,
    git::{repository::Repository, vet::Link},
    model::error::{Error, Result},
};

/// As gitsubmodules(7) has it: `submodule.<name>.active`, else the patterns of `submodule.active`, else whether
/// `submodule.<name>.url` is set. After a plain `git clone` none of these is there, and nobody has chosen anything yet.
pub(super) fn active(fleet: &Repository, links: Vec<Link>) -> Result<Vec<Link>> {
    let repo = fleet.to_local()?;
    let snapshot = repo.config_snapshot();
    let config = snapshot.plumbing();
    let patterns = config
        .strings_by("submodule", None, "active")
        .unwrap_or_default();
    let has_url = |link: &Link| {
        config
            .string_by("submodule", Some(link.name()), "url")
            .is_some()
    };
    let mut said = Vec::new();
    for link in &links {
        let active = config.boolean_by("submodule", Some(link.name()), "active");
        said.push(active.map_err(|err| {
            let key = format!("submodule.{}.active", link.name());
            Error::repository(format!("{key} is neither true nor false")).because(err)
        })?);
    }
    let is_untouched =
        patterns.is_empty() && said.iter().all(Option::is_none) && !links.iter().any(has_url);
    let is_active = |(link, said): &(Link, Option<bool>)| match said {
        Some(is_active) => *is_active,
        None if patterns.is_empty() => is_untouched || has_url(link),
        None => patterns
            .iter()
            .any(|pattern| covers(pattern.as_ref(), link.path.as_ref())),
    };
    let chosen = links.into_iter().zip(said).filter(is_active);
    let mut updated = Vec::new();
    for (link, _) in chosen {
        // git leaves it alone then; here it is brought when somebody names it.
        if Strategy::of(config, &link)? != Strategy::None {
            updated.push(link);
        }
    }
    Ok(updated)
}

/// The pathspecs that `git clone --recurse-submodules[=PATHSPEC]` writes: `.`, a folder, a glob.
fn covers(pattern: &BStr, path: &BStr) -> bool {
    let folder = pattern.trim_end_with(|letter| letter == '/');
    let is_below = || {
        path.strip_prefix(folder)
            .is_some_and(|rest| rest.first().is_none_or(|first| *first == b'/'))
    };
    let matches = || {
        let glob = Glob::new(&pattern.to_str_lossy()).ok();
        glob.is_some_and(|glob| glob.compile_matcher().is_match(path.to_path_lossy()))
    };
    pattern == "." || is_below() || matches()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{git::command::git, model::fleet::Submodule};

    #[test]
    fn a_pathspec_covers_what_it_names_and_what_lies_below() {
        for (pattern, path, want) in [
            (".", "code-repos/api", true),
            ("code-repos", "code-repos/api", true),
            ("code-repos/", "code-repos/api", true),
            ("code-repos/a*", "code-repos/api", true),
            ("code", "code-repos/api", false),
            ("code-repos/web", "code-repos/api", false),
        ] {
            assert_eq!(
                covers(pattern.into(), path.into()),
                want,
                "{pattern} {path}"
            );
        }
    }

    /// The paths that are active where the configuration has these keys. `web` says `update = none`, `handbook` is not listed.
    fn chosen(keys: &[(&str, &str)]) -> Result<String> {
        let dir = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| {
            let done = git(dir.path()).args(args).run().unwrap();
            assert!(done.success(), "{args:?}");
        };
        run(&["init", "--quiet"]);
        for (key, value) in keys {
            run(&["config", "--add", key, value]);
        }
        let link = |path: &str, update: Option<&str>| Link {
            path: path.into(),
            pin: gix::ObjectId::null(gix::hash::Kind::Sha1),
            listed: update.map(|update| Submodule {
                name: path.into(),
                path: path.into(),
                url: None,
                branch: None,
                update: Some(update.into()),
                is_shallow: false,
            }),
        };
        let links = vec![
            link("api", Some("checkout")),
            link("handbook", None),
            link("web", Some("none")),
        ];
        let fleet = Repository::discover(dir.path()).unwrap();
        let active = active(&fleet, links)?;
        let paths: Vec<_> = active.iter().map(|link| link.path.to_string()).collect();
        Ok(paths.join(" "))
    }

    #[test]
    fn what_git_calls_active_is_active() {
        const URL: (&str, &str) = ("submodule.api.url", "../api");
        for (keys, want) in [
            // Nobody has chosen anything.
            (&[][..], "api handbook"),
            (&[URL], "api"),
            (&[("submodule.handbook.url", "../x")], "handbook"),
            // It is named, and still not updated.
            (&[("submodule.web.url", "../web")], ""),
            (&[("submodule.api.active", "true")], "api"),
            (&[("submodule.api.active", "false")], ""),
            (&[URL, ("submodule.api.active", "false")], ""),
            (
                &[URL, ("submodule.handbook.active", "true")],
                "api handbook",
            ),
            // Patterns count before the URL, and the service's own key before both.
            (&[("submodule.active", ".")], "api handbook"),
            (&[("submodule.active", "h*")], "handbook"),
            (&[URL, ("submodule.active", "h*")], "handbook"),
            (
                &[("submodule.active", "h*"), ("submodule.active", "api")],
                "api handbook",
            ),
            (
                &[("submodule.active", "."), ("submodule.api.active", "false")],
                "handbook",
            ),
            // The user's own word counts before that of `.gitmodules`.
            (&[("submodule.api.update", "none")], "handbook"),
            (&[("submodule.web.update", "checkout")], "api handbook web"),
            (&[("submodule.handbook.update", "!true")], "api handbook"),
        ] {
            assert_eq!(chosen(keys).unwrap(), want, "{keys:?}");
        }
        let error = chosen(&[("submodule.api.active", "perhaps")]).unwrap_err();
        assert!(
            error.to_string().contains("submodule.api.active"),
            "{error}"
        );
        let error = chosen(&[("submodule.api.update", "perhaps")]).unwrap_err();
        assert!(
            error.to_string().contains("submodule.api.update"),
            "{error}"
        );
    }
}
