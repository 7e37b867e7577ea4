//! Fetching from a server: `git fetch`, which knows every way to log in, every proxy and every key of its configuration.
//!
//! gix 0.90 has HTTP too, but overlooks `http.<url>.*` (where actions/checkout keeps its token), `.netrc`, client
//! certificates and `GIT_SSH_COMMAND`'s variants.

use std::time::Duration;

use bstr::ByteSlice;
use gix::{ObjectId, config::Source as ConfigSource};

use super::{
    Depth,
    attempt::{self, Fault},
    scratch::Locked,
};
use crate::{
    git::{command::git, url::Source},
    process::Command,
};

/// How far back the branches of a server are searched that gives out nothing but its branches.
const BRANCH_DEPTHS: [u32; 2] = [50, 1000];

/// A setting of git's: key and value.
pub(in crate::git) type Setting = (String, String);

/// One server to fetch from.
pub(super) struct Server<'a> {
    pub source: &'a Source,
    pub depth: Depth,
    /// What the fleet's own configuration says of access to servers.
    pub settings: &'a [Setting],
    /// How long it may be silent.
    pub patience: Duration,
}

impl Server<'_> {
    /// Brings `objects` by their ids. A server without filters sends whole commits: git sees to that by itself.
    pub fn fetch(&self, scratch: &Locked<'_>, objects: &[ObjectId]) -> Result<(), Fault> {
        let ids: Vec<_> = objects.iter().map(ToString::to_string).collect();
        self.run(scratch, 1, &ids)
    }

    /// Brings the branches, deeper and deeper, until `is_found`.
    pub fn search(&self, scratch: &Locked<'_>, is_found: impl Fn() -> bool) -> Result<(), Fault> {
        for depth in BRANCH_DEPTHS {
            self.run(scratch, depth, &["+refs/heads/*:refs/heads/*".to_owned()])?;
            if is_found() {
                return Ok(());
            }
        }
        let [.., last] = BRANCH_DEPTHS;
        Err(Fault::NotThere(format!(
            "the server gives out only what its branches point to, and the last {last} commits of those do not hold it"
        )))
    }

    fn run(&self, scratch: &Locked<'_>, depth: u32, refspecs: &[String]) -> Result<(), Fault> {
        let command = git(scratch.dir())
            .args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"])
            .args([
                "-c",
                "fetch.unpackLimit=1",
                "-c",
                "fetch.writeCommitGraph=false",
            ])
            .arg("--git-dir=.")
            .args(attempt::FETCH)
            .arg(format!("--depth={depth}"))
            .arg(format!("--filter={}", self.depth.filter()))
            .arg("origin")
            .args(refspecs)
            .env("GIT_ALLOW_PROTOCOL", self.source.protocols)
            .env("GIT_PROTOCOL_FROM_USER", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .patience(self.patience);
        let url = match &self.source.local {
            // The folder that a relative path starts from is not the store's.
            Some(path) => path.to_string_lossy().into_owned(),
            None => self.source.url.to_string(),
        };
        let command = attempt::with_an_end(command, self.patience);
        let stay = stay(self.source);
        let remote = [("remote.origin.url".to_owned(), url)];
        attempt::run(&with_settings(
            command,
            self.settings.iter().chain(&remote).chain(&stay),
        ))
    }
}

/// No redirect is followed with a login in the URL: git takes it along to whatever host the server names (seen with 2.47.3).
pub(in crate::git) fn stay(source: &Source) -> Option<Setting> {
    let has_login = source.local.is_none() && source.url != source.shown;
    has_login.then(|| ("http.followRedirects".to_owned(), "false".to_owned()))
}

/// Settings by the environment (git-config(1), `GIT_CONFIG_COUNT`), after the user's own there: they may be secret, and
/// arguments are not.
pub(in crate::git) fn with_settings<'a>(
    mut command: Command,
    settings: impl Iterator<Item = &'a Setting>,
) -> Command {
    let mut count: usize = std::env::var("GIT_CONFIG_COUNT")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(0);
    for (key, value) in settings {
        command = command
            .env(format!("GIT_CONFIG_KEY_{count}"), key)
            .env(format!("GIT_CONFIG_VALUE_{count}"), value);
        count += 1;
    }
    command.env("GIT_CONFIG_COUNT", count.to_string())
}

/// What the fleet's own configuration file says of access to servers. git reads the user's and the system's file by itself.
///
/// Without a URL of their own, headers, cookies and credential helpers are left out: the fleet's host may have them, any
/// host that `.gitmodules` names may not.
pub(in crate::git) fn settings(repo: &gix::Repository) -> Vec<Setting> {
    let config = repo.config_snapshot();
    let is_own = |meta: &gix::config::file::Metadata| {
        matches!(meta.source, ConfigSource::Local | ConfigSource::Worktree)
    };
    let mut settings = Vec::new();
    for section in config
        .plumbing()
        .sections()
        .filter(|section| is_own(section.meta()))
    {
        let header = section.header();
        let name = header.name().to_str_lossy().to_ascii_lowercase();
        let scope = header.subsection_name().map(|scope| scope.to_str_lossy());
        for key in section.value_names() {
            let key = key.to_string().to_ascii_lowercase();
            if !is_access(&name, scope.is_some(), &key) {
                continue;
            }
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

fn is_access(section: &str, is_scoped: bool, key: &str) -> bool {
    match section {
        "url" => true,
        "http" => is_scoped || !(key.contains("header") || key.contains("cookie")),
        "credential" => is_scoped,
        "core" => matches!(key, "sshcommand" | "gitproxy"),
        "ssh" => key == "variant",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_the_fleets_host_goes_to_another() {
        for (section, is_scoped, key, want) in [
            ("http", true, "extraheader", true),
            ("http", false, "extraheader", false),
            ("http", false, "cookiefile", false),
            ("http", false, "proxy", true),
            ("credential", false, "helper", false),
            ("credential", true, "helper", true),
            ("url", true, "insteadof", true),
            ("core", false, "sshcommand", true),
            ("core", false, "hookspath", false),
            ("remote", true, "url", false),
        ] {
            assert_eq!(is_access(section, is_scoped, key), want, "{section} {key}");
        }
    }
}
