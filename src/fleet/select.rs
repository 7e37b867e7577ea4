//! Which submodules of the fleet are meant.

use bstr::{BStr, BString, ByteSlice};
use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::{
    git::{
        index::{Conflicted, Pins},
        repository::Repository,
        vet::Link,
    },
    model::{
        error::{Error, Result},
        fleet::service_name,
    },
};

/// A choice among the fleet's submodules.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Those that are active (gitsubmodules(7)); in a clone where nobody chose yet, all.
    Active,
    /// Those whose name or path one of these patterns matches.
    Matching(Patterns),
    /// Those at these paths, and those that hold one of them.
    Holding(Vec<BString>),
}

/// Names, paths, or globs of either.
#[derive(Clone, Debug)]
pub struct Patterns {
    texts: Vec<String>,
    set: GlobSet,
}

impl Wanted {
    /// What the patterns match; without any, what is active.
    ///
    /// # Errors
    /// Misuse: one is no glob.
    pub fn new(patterns: &[String]) -> Result<Self> {
        if patterns.is_empty() {
            return Ok(Self::Active);
        }
        let refuse = |pattern: &str, err: globset::Error| {
            Error::misuse(format!("`{pattern}` is no pattern for services")).because(err)
        };
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let trimmed = pattern.trim_end_matches('/');
            set.add(Glob::new(trimmed).map_err(|err| refuse(pattern, err))?);
        }
        let set = set.build().map_err(|err| refuse("", err))?;
        Ok(Self::Matching(Patterns {
            texts: patterns.to_vec(),
            set,
        }))
    }

    /// Those that were named, or all where none was.
    ///
    /// # Errors
    /// Misuse: a pattern matches none.
    pub fn named(&self, links: Vec<Link>) -> Result<Vec<Link>> {
        match self {
            Self::Active => Ok(links),
            Self::Matching(patterns) => patterns.among(links, |link| link.path.as_ref()),
            Self::Holding(paths) => holding(paths, links),
        }
    }

    /// The wanted ones, and what of them is in conflict.
    ///
    /// # Errors
    /// Misuse: a pattern matches none.
    pub fn among(&self, fleet: &Repository, pins: Pins) -> Result<Pins> {
        let Pins { links, conflicted } = pins;
        match self {
            Self::Active => Ok(Pins {
                links: active(fleet, links)?,
                conflicted,
            }),
            Self::Holding(paths) => {
                let wanted = |one: &Conflicted| is_held(one.path.as_ref(), paths);
                Ok(Pins {
                    links: holding(paths, links)?,
                    conflicted: conflicted.into_iter().filter(wanted).collect(),
                })
            }
            Self::Matching(patterns) => {
                let settled = links.into_iter().map(Ok);
                let all = settled.chain(conflicted.into_iter().map(Err)).collect();
                let chosen = patterns.among(all, |one: &Result<Link, Conflicted>| match one {
                    Ok(link) => link.path.as_ref(),
                    Err(conflicted) => conflicted.path.as_ref(),
                })?;
                let (mut links, mut conflicted) = (Vec::new(), Vec::new());
                for one in chosen {
                    match one {
                        Ok(link) => links.push(link),
                        Err(one) => conflicted.push(one),
                    }
                }
                Ok(Pins { links, conflicted })
            }
        }
    }
}

/// Those that lie at one of `paths`, or hold it.
fn holding(paths: &[BString], links: Vec<Link>) -> Result<Vec<Link>> {
    for path in paths {
        let is_there = |link: &Link| holds(link.path.as_ref(), path.as_ref());
        if !links.iter().any(is_there) && path != "." {
            return Err(
                Error::misuse(format!("the fleet has no service at `{path}`"))
                    .hint("list them: flota plan --all"),
            );
        }
    }
    let wanted = |link: &Link| is_held(link.path.as_ref(), paths);
    Ok(links.into_iter().filter(wanted).collect())
}

fn is_held(path: &BStr, paths: &[BString]) -> bool {
    paths.iter().any(|inner| holds(path, inner.as_ref()))
}

/// Whether the submodule at `path` is what lies at `inner`, or holds it; `.` is the whole repository, with all of its own.
fn holds(path: &BStr, inner: &BStr) -> bool {
    if inner == "." {
        return true;
    }
    let rest = inner.strip_prefix(path.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

impl Patterns {
    /// Those that one of them matches.
    ///
    /// # Errors
    /// Misuse: a pattern matches none.
    pub fn among<T>(&self, all: Vec<T>, path: impl Fn(&T) -> &BStr) -> Result<Vec<T>> {
        let mut used = vec![false; self.texts.len()];
        let known: Vec<String> = all
            .iter()
            .map(|one| service_name(path(one)).to_string())
            .collect();
        let chosen = all
            .into_iter()
            .filter(|one| {
                let path = path(one);
                let matched = [path, service_name(path)]
                    .into_iter()
                    .flat_map(|text| self.set.matches(text.to_path_lossy().as_ref()));
                let mut is_wanted = false;
                for pattern in matched {
                    used[pattern] = true;
                    is_wanted = true;
                }
                is_wanted
            })
            .collect();
        let Some(unused) = used.iter().position(|used| !used) else {
            return Ok(chosen);
        };
        let text = &self.texts[unused];
        let error = Error::misuse(format!("the fleet has no service `{text}`"));
        let distance = |name: &String| strsim::damerau_levenshtein(name, text);
        let nearest = known.into_iter().min_by_key(distance);
        Err(
            match nearest.filter(|name| distance(name) <= 2.max(name.len() / 3)) {
                Some(name) => error.hint(format!("did you mean `{name}`?")),
                None => error.hint("list them: flota plan --all"),
            },
        )
    }
}

/// As gitsubmodules(7) has it: `submodule.<name>.active`, else the patterns of `submodule.active`, else whether
/// `submodule.<name>.url` is set. After a plain `git clone` none of these is there, and nobody has chosen anything yet.
fn active(fleet: &Repository, links: Vec<Link>) -> Result<Vec<Link>> {
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
    Ok(chosen.map(|(link, _)| link).filter(is_updated).collect())
}

/// git leaves a submodule alone whose `.gitmodules` says `update = none`, until somebody names it.
fn is_updated(link: &Link) -> bool {
    let update = link
        .listed
        .as_ref()
        .and_then(|listed| listed.update.as_ref());
    update.is_none_or(|update| update != "none")
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
}
