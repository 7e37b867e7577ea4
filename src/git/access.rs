//! What configuration says of access to servers (git-config(1)): which settings are told to a git that would not read them by
//! itself where it runs.
//!
//! A submodule that is here has a configuration of its own: a deploy key (`core.sshCommand`), a token (`http.<url>.extraHeader`),
//! another way to the server (`url.<base>.insteadOf`). git goes by it in that repository. Questions run in stores of flota's own,
//! so that the repository stays as it is, and get these settings by the environment. Where they hang on conditions (`includeIf`),
//! git itself decides, in the repository that they are about.

use std::{fs, io, path::Path, sync::LazyLock};

use bstr::{BStr, BString, ByteSlice};
use gix::config::{File, Source, file::Metadata};

use super::{command::git, remote};
use crate::model::{
    error::{Error, Result},
    fleet::without_credentials,
};

/// A setting of git's: key and value.
pub(in crate::git) type Setting = (String, String);

/// The most that git may list of a repository's configuration, in bytes.
const LIST_LIMIT: usize = 16 << 20;

/// What a submodule's own repository says of access to servers; nothing where it is not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnAccess {
    /// In the order of git's.
    pub(in crate::git) settings: Vec<Setting>,
    /// Whether `settings` is all that counts, with what the user's own files say there: they have conditions, which another git,
    /// elsewhere, would decide in another way.
    pub(in crate::git) is_complete: bool,
    /// Whether it names a header for no server in particular.
    pub(in crate::git) has_bare_header: bool,
    /// The URL of its own remote ([`remote::name`]), where git goes; none where it has none.
    pub remote: Option<BString>,
}

impl OwnAccess {
    /// What the repository `git_dir` says. No process runs, unless conditions or included files are to be looked at.
    ///
    /// # Errors
    /// Repository: its configuration cannot be read.
    pub fn of(git_dir: &Path) -> Result<Self> {
        let text = match fs::read(git_dir.join("config")) {
            Ok(text) => Some(text),
            // A worktree that is linked has it elsewhere.
            Err(err) if err.kind() == io::ErrorKind::NotFound => None,
            Err(err) => return Err(unreadable(git_dir).because(err)),
        };
        let whole = match text {
            Some(text) => whole(&text).map_err(|err| unreadable(git_dir).because(err))?,
            None => None,
        };
        let entries = match whole.filter(|_| !*USER_HAS_CONDITIONS) {
            None => listed(git_dir)?,
            Some(file) => entries(&file, |_| true)
                .into_iter()
                .map(|setting| (true, setting))
                .collect(),
        };
        Ok(Self {
            is_complete: *USER_HAS_CONDITIONS,
            ..Self::among(git_dir, entries)
        })
    }

    /// Of all settings, each with whether it is the repository's own, those of access.
    fn among(git_dir: &Path, entries: Vec<(bool, Setting)>) -> Self {
        let repo = gix::open(git_dir).ok();
        let mut access = Self {
            remote: repo.as_ref().and_then(own_remote),
            ..Self::default()
        };
        let mut bare = Vec::new();
        for (is_own, (key, value)) in entries {
            let (section, scope, name) = parts(&key);
            if is_own && (section, scope, name) == ("http", None, "extraheader") {
                bare.push(value);
            } else if is_of_access((section, scope, name)) {
                access.settings.push((key, value));
            }
        }
        access.has_bare_header = !bare.is_empty();
        if let Some(server) = access.bare_headers_server() {
            let key = format!("http.{server}.extraheader");
            let bare = bare.into_iter().map(|value| (key.clone(), value));
            access.settings.extend(bare);
        }
        access
    }

    /// The server that headers are for which name none: that of the repository's own remote, as a URL. None where another header
    /// is for it already, which git prefers.
    fn bare_headers_server(&self) -> Option<String> {
        let url = self.remote.as_ref().filter(|_| self.has_bare_header)?;
        let server = server(url.as_ref())?;
        let is_named = |(key, _): &Setting| {
            let (section, scope, name) = parts(key);
            let scope = scope.filter(|_| section == "http" && name == "extraheader");
            scope.is_some_and(|scope| scope.starts_with(&server))
        };
        (!self.settings.iter().any(is_named)).then_some(server)
    }

    /// Whether it says something of `key`.
    pub(in crate::git) fn has(&self, key: &str) -> bool {
        self.settings.iter().any(|(own, _)| own == key)
    }
}

/// Where git goes for the remote of `repo`.
fn own_remote(repo: &gix::Repository) -> Option<BString> {
    let name = remote::name(repo);
    let urls = remote::urls(repo).into_iter();
    let (_, url) = urls.into_iter().find(|(known, _)| *known == name)?;
    Some(url)
}

/// A configuration file, if it is all that there is: no other file belongs to it.
fn whole(text: &[u8]) -> gix::Result<Option<File>> {
    let metadata = Metadata::from(Source::Local);
    let file = File::from_bytes_no_includes(text, metadata, Default::default())?;
    let has = |section: &str| file.sections_by_name(section).is_some();
    let has_more =
        has("include") || has("includeif") || file.string("extensions.worktreeConfig").is_some();
    Ok((!has_more).then_some(file))
}

/// Whether the user's or the system's files have settings that hold in some repositories alone.
static USER_HAS_CONDITIONS: LazyLock<bool> = LazyLock::new(|| {
    let file = File::from_globals().unwrap_or_default();
    file.sections_by_name("includeif").is_some()
});

/// What counts for a submodule of `fleet` whose own repository says `own`: that over what the fleet's files say; and over those of
/// the user as the fleet sees them, unless they hang on conditions, which were decided in that repository.
pub(in crate::git) fn merged(fleet: &gix::Repository, own: &OwnAccess) -> File {
    let config = fleet.config_snapshot();
    let file = config.plumbing();
    match own.is_complete {
        false => over(file, &own.settings),
        true => over(
            &over(&File::default(), &entries(file, is_local)),
            &own.settings,
        ),
    }
}

/// Whether a section is of the repository's own files.
fn is_local(meta: &Metadata) -> bool {
    matches!(meta.source, Source::Local | Source::Worktree)
}

/// What git reads in `git_dir`, and whether it is of the repository itself.
fn listed(git_dir: &Path) -> Result<Vec<(bool, Setting)>> {
    let listed = git(git_dir)
        // Its worktree may not be there.
        .args(["--git-dir=.", "--work-tree=."])
        .args(["config", "--list", "--includes", "--show-scope", "-z"])
        .stdout_as_data(LIST_LIMIT)
        .run()?
        .check(|| unreadable(git_dir))?;
    let mut words = listed.stdout.split(|byte| *byte == 0);
    let mut settings = Vec::new();
    while let (Some(scope), Some(entry)) = (words.next(), words.next()) {
        let is_own = matches!(scope, b"local" | b"worktree");
        // Without a value it is a boolean.
        let (key, value) = entry.split_once_str("\n").unwrap_or((entry, b"true"));
        let text = |bytes: &[u8]| bytes.to_str_lossy().into_owned();
        settings.push((is_own, (text(key), text(value))));
    }
    Ok(settings)
}

/// `file` with `settings` over it.
pub(in crate::git) fn over(file: &File, settings: &[Setting]) -> File {
    let mut file = file.clone();
    for (key, value) in settings {
        let (section, scope, name) = parts(key);
        let section = file.new_section(section, scope.map(BString::from));
        if let Ok(mut section) = section {
            // What is no valid name was never read from a file.
            let _ = section.push(name, value.as_str());
        }
    }
    file
}

/// What the fleet's own configuration file says of access to servers. git reads the user's and the system's file by itself.
///
/// Without a URL of their own, headers, cookies and credential helpers are left out: the fleet's host may have them, any
/// host that `.gitmodules` names may not.
pub(in crate::git) fn of_fleet(fleet: &gix::Repository) -> Vec<Setting> {
    let config = fleet.config_snapshot();
    let mut settings = entries(config.plumbing(), is_local);
    settings.retain(|(key, _)| {
        let (section, scope, name) = parts(key);
        let is_for_anybody = scope.is_none();
        is_of_access((section, scope, name))
            && match section {
                "http" => !(is_for_anybody && (name.contains("header") || name.contains("cookie"))),
                "credential" => !is_for_anybody,
                "transfer" | "fetch" | "protocol" => false,
                _ => true,
            }
    });
    settings
}

/// The settings of the sections that `is_meant`, in their order; section and key in lower case.
fn entries(file: &File, is_meant: impl Fn(&Metadata) -> bool) -> Vec<Setting> {
    let mut settings = Vec::new();
    for section in file.sections().filter(|section| is_meant(section.meta())) {
        let header = section.header();
        let name = header.name().to_str_lossy().to_ascii_lowercase();
        let scope = header.subsection_name().map(|scope| scope.to_str_lossy());
        let mut keys: Vec<_> = section
            .value_names()
            .map(|key| key.to_string().to_ascii_lowercase())
            .collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let full = match &scope {
                Some(scope) => format!("{name}.{scope}.{key}"),
                None => format!("{name}.{key}"),
            };
            let values = section
                .values(&key)
                .into_iter()
                .map(|value| value.to_string());
            let fit =
                |setting: &Setting| !setting.0.contains(['\n', '\0']) && !setting.1.contains('\0');
            settings.extend(values.map(|value| (full.clone(), value)).filter(fit));
        }
    }
    settings
}

/// Section, subsection and name of a key; the subsection may have dots.
pub(in crate::git) fn parts(key: &str) -> (&str, Option<&str>, &str) {
    let (section, rest) = key.split_once('.').unwrap_or((key, ""));
    match rest.rsplit_once('.') {
        Some((scope, name)) => (section, Some(scope), name),
        None => (section, None, rest),
    }
}

/// Whether git goes by it when it talks to a server.
fn is_of_access((section, scope, name): (&str, Option<&str>, &str)) -> bool {
    match section {
        "url" | "http" | "credential" | "protocol" => true,
        "core" => matches!(name, "sshcommand" | "gitproxy" | "askpass"),
        "ssh" => name == "variant",
        "transfer" => matches!(name, "fsckobjects" | "credentialsinurl"),
        "fetch" => name == "fsckobjects" || scope == Some("fsck"),
        _ => false,
    }
}

/// Scheme, host and port of an HTTP URL.
fn server(url: &BStr) -> Option<String> {
    let plain = without_credentials(url);
    let is_http = plain.starts_with(b"http://") || plain.starts_with(b"https://");
    let start = plain.find("://").filter(|_| is_http)? + 3;
    let end = plain[start..].find_byte(b'/');
    let end = end.map_or(plain.len(), |end| start + end);
    Some(format!("{}/", plain[..end].to_str().ok()?))
}

fn unreadable(git_dir: &Path) -> Error {
    Error::repository(format!(
        "cannot read the configuration of `{}`",
        git_dir.display()
    ))
    .hint("git says what is wrong with it: git config --list")
}

#[cfg(test)]
mod tests;
