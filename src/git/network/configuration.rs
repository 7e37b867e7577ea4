//! Which configuration git uses when it talks to a server.

use bstr::{BStr, BString, ByteSlice};
use gix::config::{Boolean, File, Source as ConfigSource, file::Metadata};

pub(in crate::git) use crate::git::access::Setting;
use crate::{
    git::{
        access, remote,
        url::{Source, rewrite::rewritten},
    },
    model::error::Result,
    process::Command,
};

/// The configuration that counts for a conversation with a server.
#[derive(Clone, Debug)]
pub(in crate::git) struct Configuration {
    /// All of it, as far as flota goes by it.
    file: File,
    /// What git would not read by itself, where it runs.
    told: Vec<Setting>,
    /// Whether that is all: git reads no file of the user's then.
    is_complete: bool,
}

impl Configuration {
    /// The user's, and what the fleet's own file says of access to servers: for a git that runs outside of the fleet.
    pub(crate) fn of_fleet(fleet: &gix::Repository) -> Self {
        Self {
            file: fleet.config_snapshot().plumbing().clone(),
            told: access::of_fleet(fleet),
            is_complete: false,
        }
    }

    /// That of the repository that git runs in, which git reads by itself.
    pub(crate) fn of_repository(repository: &gix::Repository) -> Self {
        Self {
            file: repository.config_snapshot().plumbing().clone(),
            told: Vec::new(),
            is_complete: false,
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
            is_complete: false,
        }
    }

    /// The same for a git that runs elsewhere and asks `source`, about a submodule whose own repository may be here: then its
    /// configuration counts, and the fleet's where it says nothing.
    pub(crate) fn of_source(&self, source: &Source) -> Self {
        let own = &source.own;
        let told = self.told.iter().filter(|(key, _)| !own.has(key));
        let told: Vec<_> = own.settings.iter().chain(told).cloned().collect();
        let file = match own.is_complete {
            true => access::over(&File::default(), &told),
            false => access::over(&self.file, &own.settings),
        };
        Self {
            file,
            told,
            // A repository on this machine is served by another git, which goes by the user's files and not by what this one is told.
            is_complete: own.is_complete && source.local.is_none(),
        }
    }

    /// The same for a git that runs in the submodule's own repository, and reads its configuration by itself.
    pub(crate) fn inside(&self, source: &Source) -> Self {
        let own = &source.own;
        let told = self.told.iter().filter(|(key, _)| !own.has(key));
        let mut told: Vec<_> = told.cloned().collect();
        if own.has_bare_header {
            // It goes to the server that it is for, and to no other that is asked from here.
            let key = "http.extraheader".to_owned();
            let is_users = |meta: &Metadata| {
                !matches!(meta.source, ConfigSource::Local | ConfigSource::Worktree)
            };
            let of_user = self.file.strings_filter(&key, is_users).unwrap_or_default();
            told.push((key.clone(), String::new()));
            told.extend(of_user.iter().map(|value| (key.clone(), value.to_string())));
            let own = own.settings.iter();
            let headers =
                own.filter(|(key, _)| key.starts_with("http.") && key.ends_with(".extraheader"));
            told.extend(headers.cloned());
        }
        Self {
            file: access::over(&self.file, &own.settings),
            told,
            is_complete: false,
        }
    }

    /// Whether git is told all that counts, and reads no file of the user's.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// All of it.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// What a remote of a new clone is called.
    ///
    /// # Errors
    /// Misuse: the user's name for it is none.
    pub(crate) fn remote_of_new_clones(&self) -> Result<BString> {
        remote::of_new_clones(&self.file)
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
        let pushed = is_push.then(|| rewritten(&self.file, "pushInsteadOf", url));
        pushed
            .flatten()
            .or_else(|| rewritten(&self.file, "insteadOf", url))
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
    command: Command,
    settings: impl IntoIterator<Item = &'a Setting>,
) -> Command {
    let count = std::env::var("GIT_CONFIG_COUNT")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(0);
    numbered(command, settings, count)
}

/// The same where they are all that counts: git reads neither files of the user's nor what else the environment says.
pub(super) fn with_settings_alone<'a>(
    command: Command,
    settings: impl IntoIterator<Item = &'a Setting>,
) -> Command {
    let command = command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_CONFIG_PARAMETERS");
    numbered(command, settings, 0)
}

fn numbered<'a>(
    mut command: Command,
    settings: impl IntoIterator<Item = &'a Setting>,
    mut count: usize,
) -> Command {
    for (key, value) in settings {
        command = command
            .env(format!("GIT_CONFIG_KEY_{count}"), key)
            .env(format!("GIT_CONFIG_VALUE_{count}"), value);
        count += 1;
    }
    command.env("GIT_CONFIG_COUNT", count.to_string())
}
