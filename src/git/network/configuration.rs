//! Which configuration git uses when it talks to a server.

use bstr::{BStr, BString, ByteSlice};
use gix::config::{Boolean, File, Source as ConfigSource};

use crate::{git::url, process::Command};

/// A setting of git's: key and value.
pub(in crate::git) type Setting = (String, String);

/// The configuration that counts for a conversation with a server.
#[derive(Clone, Debug)]
pub(in crate::git) struct Configuration {
    /// All of it, as far as flota goes by it.
    file: File,
    /// What git would not read by itself, where it runs.
    told: Vec<Setting>,
}

impl Configuration {
    /// The user's, and what the fleet's own file says of access to servers: for a git that runs outside of the fleet.
    pub(crate) fn of_fleet(fleet: &gix::Repository) -> Self {
        Self {
            file: fleet.config_snapshot().plumbing().clone(),
            told: settings(fleet),
        }
    }

    /// That of the repository that git runs in, which git reads by itself.
    pub(crate) fn of_repository(repository: &gix::Repository) -> Self {
        Self {
            file: repository.config_snapshot().plumbing().clone(),
            told: Vec::new(),
        }
    }

    /// The user's and the system's alone. Where it cannot be read, git says what is wrong with it.
    pub(crate) fn of_user() -> Self {
        let mut file = File::from_globals().unwrap_or_default();
        if let Ok(more) = File::from_environment_overrides() {
            let _ = file.append(more);
        }
        Self {
            file,
            told: Vec::new(),
        }
    }

    /// What git has to be told.
    pub(crate) fn settings(&self) -> &[Setting] {
        &self.told
    }

    /// The URL of a remote of the repository, as it is listed; none without one.
    pub(crate) fn url_of(&self, remote: &BStr, is_push: bool) -> Option<BString> {
        let value = |key: &'static str| self.file.string_by("remote", Some(remote), key);
        let pushed = value("pushurl").filter(|_| is_push);
        pushed.or_else(|| value("url"))
    }

    /// Where git goes for `url`, by `url.<base>.insteadOf` and, for a push, `pushInsteadOf`.
    pub(crate) fn rewrite(&self, url: &BStr, is_push: bool) -> BString {
        let pushed = is_push.then(|| url::rewritten(&self.file, "pushInsteadOf", url));
        pushed
            .flatten()
            .or_else(|| url::rewritten(&self.file, "insteadOf", url))
            .unwrap_or_else(|| url.to_owned())
    }

    /// Whether there are headers for one server and no other (`http.<url>.extraHeader`), which may well be secret.
    pub(crate) fn has_headers(&self) -> bool {
        let sections = self.file.sections_by_name("http").into_iter().flatten();
        sections
            .filter(|section| section.header().subsection_name().is_some())
            .any(|section| section.value("extraHeader").is_some())
    }

    /// Whether the user lets git go on to where the server of `url` sends it (`http.followRedirects`, `http.<url>.followRedirects`).
    pub(crate) fn follows_redirects(&self, url: &BStr) -> bool {
        let sections = self.file.sections_by_name("http").into_iter().flatten();
        let fits = |scope: &BStr| url.starts_with(scope);
        sections
            .filter(|section| section.header().subsection_name().is_none_or(fits))
            .filter_map(|section| section.value("followRedirects"))
            // `initial`, which is the default, is no boolean.
            .all(|value| {
                Boolean::try_from(value.as_bstr()).is_ok_and(|value| value.0) || value == "initial"
            })
    }
}

/// Settings by the environment (git-config(1), `GIT_CONFIG_COUNT`), after the user's own there: they may be secret, and
/// arguments are not.
pub(in crate::git) fn with_settings<'a>(
    mut command: Command,
    settings: impl IntoIterator<Item = &'a Setting>,
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
fn settings(repo: &gix::Repository) -> Vec<Setting> {
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
