//! Where a submodule's repository is: the URL of `.gitmodules`, resolved, checked and rewritten as git does it.

mod check;
pub mod place;
mod policy;
#[cfg(any(test, fuzzing))]
pub mod properties;
pub(super) mod rewrite;

use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice, ByteVec};

use super::{
    access::{self, OwnAccess},
    repository::Repository,
    submodule,
};
use crate::{
    model::{
        error::{Error, Result},
        exit::Exit,
        fleet::without_credentials,
    },
    process::mask_secret,
};

use check::Address;
pub use policy::warnings;
pub(super) use policy::{allowed, check_password, refused_by_git};
use rewrite::rewritten;

/// A submodule's repository, fit to be fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What git gets: absolute, before `url.<base>.insteadOf`, which git applies itself. May hold credentials.
    pub url: BString,
    /// The same without credentials, for messages.
    pub shown: BString,
    /// Where that leads after all rewriting. May hold credentials.
    pub rewritten: BString,
    /// The repository's folder, when it is on this machine after all rewriting.
    pub local: Option<PathBuf>,
    /// Where it is after all rewriting, when that is an HTTP server's. May hold credentials.
    pub http: Option<BString>,
    /// The transports that git may use for it, as `GIT_ALLOW_PROTOCOL` lists them.
    pub protocols: &'static str,
    /// What the submodule's own repository says of access to servers, where that is here.
    pub own: OwnAccess,
    /// Where `.gitmodules` says that it is, if the user has configured another place.
    pub listed: Option<Box<Self>>,
    /// Whether its clone, or what is configured for it, still has a URL that `.gitmodules` does not list any more.
    pub is_replaced: bool,
}

impl Source {
    /// Whether a remote at `url` is this very repository: `url` is where git goes, after all rewriting.
    pub fn is_at(&self, url: &BStr) -> bool {
        place::is_same(self.real().as_ref(), url)
    }

    /// Where `.gitmodules` says that it is.
    pub fn of_gitmodules(&self) -> &Self {
        self.listed.as_deref().unwrap_or(self)
    }

    /// Where git goes: a folder, or the URL after all rewriting.
    fn real(&self) -> BString {
        match &self.local {
            Some(path) => Vec::from_path_lossy(&absolute(path)).into_owned().into(),
            None => self.rewritten.clone(),
        }
    }

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
/// `../` is relative to the fleet's remote ([`remote::name`](super::remote::name)), or to the fleet where it has no remote.
///
/// # Errors
/// Repository, when there is no URL, when git would refuse it as malformed (CVE-2017-1000117, CVE-2018-17456,
/// CVE-2020-5260, CVE-2020-11008, CVE-2024-50349), or when its transport is not allowed for submodules.
pub fn source(fleet: &Repository, name: Option<&BStr>, url: Option<&BStr>) -> Result<Source> {
    by(fleet, name, url, &OwnAccess::default())
}

/// The same of the submodule at `path`: where its repository is here, the URL is rewritten as that one's configuration says, and
/// its transport is judged after that.
///
/// # Errors
/// As for [`source`]; and where that configuration cannot be read.
pub fn source_at(
    fleet: &Repository,
    path: &BStr,
    name: Option<&BStr>,
    url: Option<&BStr>,
) -> Result<Source> {
    let Some(git_dir) = submodule::git_dir(fleet, name, path)? else {
        return by(fleet, name, url, &OwnAccess::default());
    };
    let mut source = by(fleet, name, url, &OwnAccess::of(&git_dir)?)?;
    if let (Some(remote), Some(name)) = (&source.own.remote, name)
        && !source.is_at(remote.as_ref())
        && let Ok(remote) = at(fleet, remote.clone(), &source.own)
    {
        source.is_replaced |= was_listed(fleet, name, &remote)?;
    }
    Ok(source)
}

/// The same of a submodule at whatever level, by its absolute or the fleet's relative `url` alone: what the fleet's configuration says
/// of the submodule is known to nobody else. `git_dir` is its repository, where that is here.
///
/// # Errors
/// As for [`source_at`].
pub fn listed(fleet: &Repository, git_dir: Option<&Path>, url: &BStr) -> Result<Source> {
    let own = match git_dir {
        Some(git_dir) => OwnAccess::of(git_dir)?,
        None => OwnAccess::default(),
    };
    by(fleet, None, Some(url), &own)
}

/// What the relative URLs of a fleet's `.gitmodules` are relative to.
pub struct BaseUrl(BString);

impl BaseUrl {
    /// The URL of the fleet's own remote, else its folder.
    ///
    /// # Errors
    /// Repository: its configuration cannot be read.
    pub fn of(fleet: &Repository) -> Result<Self> {
        Ok(Self(fleet.base_url()?.to_owned()))
    }

    /// Where `.gitmodules` says that a submodule is, whatever else is configured: absolute.
    ///
    /// # Errors
    /// Repository: git would refuse it as malformed.
    pub fn resolve(&self, url: &BStr) -> Result<BString> {
        nested(self.0.as_ref(), url)
    }
}

/// The URL that the fleet's own configuration has for the submodule `name`; none where it has none.
///
/// # Errors
/// Repository: the configuration cannot be read.
pub fn configured(fleet: &Repository, name: &BStr) -> Result<Option<BString>> {
    let repo = fleet.to_local()?;
    let config = repo.config_snapshot();
    let url = config.plumbing().string_by("submodule", Some(name), "url");
    Ok(url.filter(|url| !url.is_empty()))
}

/// Whether that URL is of the fleet's own file, where `git submodule init` notes what is listed; another is somebody's choice.
fn is_noted(fleet: &Repository, name: &BStr) -> Result<bool> {
    use gix::config::Source::{Local, Worktree};
    let repo = fleet.to_local()?;
    let config = repo.config_snapshot();
    let sections = config.plumbing().sections_by_name("submodule");
    let of_it = sections.into_iter().flatten().filter(|section| {
        section.header().subsection_name() == Some(name) && section.value("url").is_some()
    });
    let last = of_it.last().map(|section| section.meta().source);
    Ok(matches!(last, Some(Local | Worktree)))
}

fn by(
    fleet: &Repository,
    name: Option<&BStr>,
    url: Option<&BStr>,
    own: &OwnAccess,
) -> Result<Source> {
    let configured = match name {
        Some(name) => configured(fleet, name)?,
        None => None,
    };
    let listed = url.map(|url| BaseUrl::of(fleet)?.resolve(url));
    let Some(configured) = configured else {
        let url = listed.unwrap_or_else(|| {
            Err(Error::repository("no URL is known for it").hint(
                "list it in .gitmodules: git submodule add URL PATH, or git config submodule.NAME.url URL",
            ))
        })?;
        return at(fleet, url, own);
    };
    let listed = listed.and_then(Result::ok).filter(|url| *url != configured);
    let listed = listed.and_then(|url| at(fleet, url, own).ok());
    let source = at(fleet, configured, own)?;
    let listed = listed.filter(|listed| !listed.is_at(source.real().as_ref()));
    Ok(match (listed, name) {
        // Nobody chose it: it is what was listed when the submodule was initialised.
        (Some(listed), Some(name))
            if is_noted(fleet, name)? && was_listed(fleet, name, &source)? =>
        {
            Source {
                is_replaced: true,
                ..listed
            }
        }
        (listed, _) => Source {
            listed: listed.map(Box::new),
            ..source
        },
    })
}

/// Whether `.gitmodules` said in an earlier commit that the submodule `name` is where `source` is.
fn was_listed(fleet: &Repository, name: &BStr, source: &Source) -> Result<bool> {
    let base = BaseUrl::of(fleet)?;
    let older = fleet.older_urls().named(name);
    let older = older.filter_map(|url| base.resolve(url.as_ref()).ok());
    let mut older = older.filter_map(|url| at(fleet, url, &source.own).ok());
    Ok(older.any(|older| older.is_at(source.real().as_ref())))
}

/// The source at `url`, which is absolute.
fn at(fleet: &Repository, url: BString, own: &OwnAccess) -> Result<Source> {
    let repo = fleet.to_local()?;
    let config = repo.config_snapshot();
    let merged = (*own != OwnAccess::default()).then(|| access::merged(&repo, own));
    let config = merged.as_ref().unwrap_or(config.plumbing());
    check::address(url.as_ref())?;
    let rewritten = rewritten(config, "insteadOf", url.as_ref()).unwrap_or_else(|| url.clone());
    let address = check::address(rewritten.as_ref())?;
    policy::allow(config, &address, || is_local(fleet, &repo))?;
    check_password(config, rewritten.as_ref())?;
    remember_secrets(&url, &rewritten);
    Ok(Source {
        shown: without_credentials(url.as_ref()),
        local: match &address {
            Address::Local(path) => Some(folder(fleet).join(path)),
            Address::Remote(_) => None,
        },
        http: matches!(address.protocol(), "http" | "https").then_some(rewritten.clone()),
        protocols: address.protocols(),
        rewritten,
        own: own.clone(),
        listed: None,
        is_replaced: false,
        url,
    })
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
        rewritten: url.clone(),
        own: OwnAccess::default(),
        listed: None,
        is_replaced: false,
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

/// Whether the fleet comes from this machine itself.
fn is_local(fleet: &Repository, repo: &gix::Repository) -> bool {
    let Ok(base) = fleet.base_url() else {
        return false;
    };
    let config = repo.config_snapshot();
    let real = rewritten(config.plumbing(), "insteadOf", base);
    let real = real.as_ref().map_or(base, |real| real.as_ref());
    matches!(check::address(real), Ok(Address::Local(_)))
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
