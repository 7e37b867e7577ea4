//! Where a submodule's repository is: the URL of `.gitmodules`, resolved, checked and rewritten as git does it.

mod check;
mod policy;
#[cfg(any(test, fuzzing))]
pub mod properties;

use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice, ByteVec};

use super::repository::Repository;
use crate::{
    model::{
        error::{Error, Result},
        exit::Exit,
        fleet::without_credentials,
    },
    process::mask_secret,
};

use check::Address;

/// A submodule's repository, fit to be fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What git gets: absolute, before `url.<base>.insteadOf`, which git applies itself. May hold credentials.
    pub url: BString,
    /// The same without credentials, for messages.
    pub shown: BString,
    /// The repository's folder, when it is on this machine after all rewriting.
    pub local: Option<PathBuf>,
    /// Where it is after all rewriting, when that is an HTTP server's. May hold credentials.
    pub http: Option<BString>,
    /// The transports that git may use for it, as `GIT_ALLOW_PROTOCOL` lists them.
    pub protocols: &'static str,
}

impl Source {
    /// What `remote.<name>.url` has to be for a git that runs in whatever folder.
    pub fn address(&self) -> String {
        match &self.local {
            Some(path) => absolute(path).to_string_lossy().into_owned(),
            None => self.url.to_string(),
        }
    }
}

/// Where to fetch the submodule `name` from, which `.gitmodules` says is at `url`.
///
/// As git-submodule(1) has it, `submodule.<name>.url` of the fleet's own configuration wins; a URL that begins with `./` or
/// `../` is relative to the fleet's remote (of the current branch, else `origin`), or to the fleet where it has no remote.
///
/// # Errors
/// Repository, when there is no URL, when git would refuse it as malformed (CVE-2017-1000117, CVE-2018-17456,
/// CVE-2020-5260, CVE-2020-11008, CVE-2024-50349), or when its transport is not allowed for submodules.
pub fn source(fleet: &Repository, name: Option<&BStr>, url: Option<&BStr>) -> Result<Source> {
    let repo = fleet.to_local()?;
    let config = repo.config_snapshot();
    let configured = name.and_then(|name| configured(config.plumbing(), name));
    let listed = || {
        let url = url.ok_or_else(|| {
            Error::repository("no URL is known for it").hint(
                "list it in .gitmodules: git submodule add URL PATH, or git config submodule.NAME.url URL",
            )
        })?;
        check::raw(url)?;
        if is_relative(url) {
            relative_to(fleet_url(fleet, &repo).as_ref(), url)
        } else {
            Ok(url.to_owned())
        }
    };
    let url = configured.map_or_else(listed, Ok)?;
    check::address(url.as_ref())?;
    let rewritten = rewrite(config.plumbing(), url.as_ref());
    let address = check::address(rewritten.as_ref())?;
    policy::allow(&config, &address, || is_local(fleet, &repo))?;
    remember_secrets(&url, &rewritten);
    Ok(Source {
        shown: without_credentials(url.as_ref()),
        local: match &address {
            Address::Local(path) => Some(folder(fleet).join(path)),
            Address::Remote(_) => None,
        },
        http: matches!(address.protocol(), "http" | "https").then_some(rewritten),
        protocols: address.protocols(),
        url,
    })
}

/// Two places of one submodule: the fleet's own configuration, which an earlier run may have left, names another than
/// `.gitmodules` does.
pub struct Elsewhere {
    /// What the configuration names, without credentials.
    pub configured: BString,
    /// Where `.gitmodules` says it is.
    pub listed: Source,
}

impl Elsewhere {
    /// The two places of the submodule `name`, which `.gitmodules` says is at `url`; none when they are one, or when git would
    /// not go to the listed one.
    pub fn of(fleet: &Repository, name: Option<&BStr>, url: Option<&BStr>) -> Option<Self> {
        let repo = fleet.to_local().ok()?;
        let configured = configured(repo.config_snapshot().plumbing(), name?)?;
        let configured = without_credentials(configured.as_ref());
        let listed = source(fleet, None, url).ok()?;
        (listed.shown != configured).then_some(Self { configured, listed })
    }
}

/// `submodule.<name>.url` of the fleet's own configuration.
fn configured(config: &gix::config::File, name: &BStr) -> Option<BString> {
    let value = config.string_by("submodule", Some(name), "url")?;
    (!value.is_empty()).then_some(value)
}

/// Where a URL leads that the user gives on the command line: a folder counts from where flota runs.
///
/// # Errors
/// Misuse, when git would refuse it, or its transport runs programs (`ext::`).
pub fn given(url: &BStr) -> Result<Source> {
    let misused = |err: Error| {
        let hints = err.hints().to_vec();
        let error = Error::new(Exit::Misuse, err.to_string());
        hints.into_iter().fold(error, Error::hint)
    };
    let address = check::address(url).map_err(misused)?;
    let url = match &address {
        Address::Local(path) if !url.contains_str("://") => {
            Vec::from_path_lossy(&absolute(path)).into_owned().into()
        }
        _ => url.to_owned(),
    };
    remember_secrets(&url, &url);
    Ok(Source {
        shown: without_credentials(url.as_ref()),
        local: match address {
            Address::Local(path) => Some(absolute(&path)),
            Address::Remote(_) => None,
        },
        // The configuration, which may rewrite it, is not known yet.
        http: None,
        protocols: "https:http:ssh:git:file",
        url,
    })
}

/// The URL of a submodule's own submodule, which may be relative to `above`, the URL of the submodule that lists it.
pub fn nested(above: &BStr, url: &BStr) -> Result<BString> {
    check::raw(url)?;
    if is_relative(url) {
        relative_to(above, url)
    } else {
        Ok(url.to_owned())
    }
}

/// The remote that git takes for this repository's own: the current branch's, else `origin`.
pub fn default_remote(repo: &gix::Repository) -> BString {
    let branch = repo.head_name().ok().flatten();
    let configured = branch.and_then(|name| {
        let config = repo.config_snapshot();
        let branch = name.shorten();
        config
            .plumbing()
            .string_by("branch", Some(branch), "remote")
    });
    configured.unwrap_or_else(|| "origin".into())
}

/// The URL of that remote as configured; without one, the fleet's own folder.
fn fleet_url(fleet: &Repository, repo: &gix::Repository) -> BString {
    let remote = default_remote(repo);
    let config = repo.config_snapshot();
    let url = config
        .plumbing()
        .string_by("remote", Some(remote.as_ref()), "url");
    url.filter(|url| !url.is_empty()).unwrap_or_else(|| {
        Vec::from_path_lossy(&absolute(folder(fleet)))
            .into_owned()
            .into()
    })
}

/// Whether the fleet comes from this machine itself.
fn is_local(fleet: &Repository, repo: &gix::Repository) -> bool {
    let url = rewrite(
        repo.config_snapshot().plumbing(),
        fleet_url(fleet, repo).as_ref(),
    );
    matches!(check::address(url.as_ref()), Ok(Address::Local(_)))
}

/// What relative paths of a fleet's URLs are relative to.
fn folder(fleet: &Repository) -> &Path {
    fleet.work_dir().unwrap_or(fleet.common_dir())
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether git resolves this URL of `.gitmodules` against the fleet's.
fn is_relative(url: &BStr) -> bool {
    url.starts_with(b"./") || url.starts_with(b"../")
}

/// `url` (relative) seen from `remote`: each `../` takes a component away, at last what precedes a `:` without slashes.
fn relative_to(remote: &BStr, url: &BStr) -> Result<BString> {
    let remote = remote.strip_suffix(b"/").unwrap_or(remote).as_bstr();
    let is_path = !check::is_absolute_or_remote(remote);
    let mut base = BString::from(remote);
    if is_path && !is_relative(remote) {
        base.insert_str(0, "./");
    }
    let mut rest = url;
    let mut separator = b'/';
    loop {
        if let Some(below) = rest.strip_prefix(b"../") {
            rest = below.as_bstr();
            if let Some(slash) = base.rfind_byte(b'/') {
                base.truncate(slash);
            } else if let Some(colon) = base.rfind_byte(b':') {
                base.truncate(colon);
                separator = b':';
            } else {
                return Err(Error::repository(format!(
                    "its URL `{url}` leads out of the fleet's own, `{}`",
                    without_credentials(remote)
                )));
            }
        } else if let Some(below) = rest.strip_prefix(b"./") {
            rest = below.as_bstr();
        } else {
            break;
        }
    }
    base.push(separator);
    base.extend_from_slice(rest.strip_suffix(b"/").unwrap_or(rest));
    let url: BString = match base.strip_prefix(b"./") {
        Some(below) => below.into(),
        None => base,
    };
    // What stood behind `./` may look like something else without it.
    check::raw(url.as_ref())?;
    Ok(url)
}

/// `url.<base>.insteadOf` (git-config(1)): where git goes for `url`.
fn rewrite(config: &gix::config::File, url: &BStr) -> BString {
    rewritten(config, "insteadOf", url).unwrap_or_else(|| url.to_owned())
}

/// `url.<base>.insteadOf` or `pushInsteadOf`, as `key` says: the longest value that `url` begins with gives way to its base; none
/// where no value fits.
pub(super) fn rewritten(
    config: &gix::config::File,
    key: &'static str,
    url: &BStr,
) -> Option<BString> {
    let rules = config
        .sections_by_name("url")
        .into_iter()
        .flatten()
        .filter_map(|section| Some((section.header().subsection_name()?, section)));
    let (prefix, base) = rules
        .flat_map(|(base, section)| {
            section
                .values(key)
                .into_iter()
                .map(move |prefix| (prefix, base))
        })
        .filter(|(prefix, _)| url.starts_with(prefix))
        .max_by_key(|(prefix, _)| prefix.len())?;
    Some([base.as_bytes(), &url[prefix.len()..]].concat().into())
}

/// What an absolute URL names to log in with, as it stands there: `user` or `user:password`.
pub(super) fn login(url: &BStr) -> Option<&[u8]> {
    check::user_info(url)
}

/// User and password that an absolute URL names, decoded.
pub(super) fn credentials(url: &BStr) -> (Option<BString>, Option<BString>) {
    let Some(info) = check::user_info(url) else {
        return (None, None);
    };
    match info.split_once_str(":") {
        Some((user, password)) => (Some(check::decode(user)), Some(check::decode(password))),
        None => (Some(check::decode(info)), None),
    }
}

/// What children print holds no password of a URL.
fn remember_secrets(url: &BString, rewritten: &BString) {
    for url in [url, rewritten] {
        if let Some(user) = check::user_info(url.as_ref()) {
            let password = user
                .split_once_str(":")
                .map_or(user, |(_, password)| password);
            mask_secret(password);
            mask_secret(&check::decode(password));
        }
    }
}

#[cfg(test)]
mod tests;
