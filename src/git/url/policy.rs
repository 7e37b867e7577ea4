//! Which transports a submodule may use: `protocol.*.allow` of git-config(1), and `GIT_ALLOW_PROTOCOL` of git(1).

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use bstr::{BStr, BString};

use super::check::{Address, user_info};
use crate::model::{
    error::{Error, Result},
    fleet::without_credentials,
};

/// Who may use a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allow {
    Always,
    Never,
    /// Only what the user asks for: for git, a URL out of `.gitmodules` is not that.
    User,
    /// Only a fleet that itself comes from this machine: flota's default for `file`, where git has `User`.
    LocalFleet,
}

/// Refuses what git's configuration keeps submodules from using.
///
/// `ext` and `fd` never come this far. `file` is open to a fleet that itself lies on this machine, unless the configuration
/// says otherwise: there everything is the user's own. A fleet from a server must not reach into the machine's files.
pub(super) fn allow(
    config: &gix::config::File,
    address: &Address,
    is_local_fleet: impl FnOnce() -> bool,
) -> Result<()> {
    let protocol = address.protocol();
    let allowed = match of_protocol(config, protocol)? {
        Allow::Always => true,
        Allow::LocalFleet => is_local_fleet(),
        Allow::Never | Allow::User => false,
    };
    match allowed {
        true => Ok(()),
        false => Err(refused(protocol, "for submodules here", "git config")),
    }
}

/// What of `protocols`, a list as `GIT_ALLOW_PROTOCOL` has it, git's configuration lets the user themselves use: the variable goes
/// before the configuration, so that a git which is told of it would not look there.
pub(in crate::git) fn allowed(config: &gix::config::File, protocols: &str) -> String {
    let is_allowed = |protocol: &&str| {
        of_protocol(config, protocol).is_ok_and(|allowed| allowed != Allow::Never)
    };
    let allowed: Vec<_> = protocols.split(':').filter(is_allowed).collect();
    allowed.join(":")
}

/// What to tell the user where git itself said `said`: that a transport is not allowed; none where it said something else.
pub(in crate::git) fn refused_by_git(said: &str) -> Option<Error> {
    let (_, rest) = said.split_once("fatal: transport '")?;
    let (protocol, _) = rest.split_once("' not allowed")?;
    Some(refused(protocol, "here", "git config --global"))
}

fn refused(protocol: &str, place: &str, set: &str) -> Error {
    let error = Error::repository(format!("the transport `{protocol}` is not allowed {place}"));
    match std::env::var_os("GIT_ALLOW_PROTOCOL") {
        Some(_) => error.hint(format!("add `{protocol}` to GIT_ALLOW_PROTOCOL")),
        None => error.hint(format!(
            "if you trust this fleet with it: {set} protocol.{protocol}.allow always"
        )),
    }
}

/// URLs with a password that the user wants to be warned of, without the password.
static PASSWORDS: Mutex<BTreeSet<BString>> = Mutex::new(BTreeSet::new());

/// What to warn of at the end of a run: the URLs in which a password was found, where `transfer.credentialsInUrl` is `warn`.
pub fn warnings() -> Vec<String> {
    let urls = PASSWORDS.lock().unwrap_or_else(PoisonError::into_inner);
    let warning = |url: &BString| {
        format!(
            "the URL {url} has a password in it (transfer.credentialsInUrl is `warn`); let a credential helper know it instead"
        )
    };
    urls.iter().map(warning).collect()
}

/// Refuses a URL with a password where `transfer.credentialsInUrl` is `die` (git-config(1)): git would, and does not get to see it.
/// Where it is `warn`, the URL is kept for [`warnings`]: what git says of it, nobody sees.
///
/// # Errors
/// Misuse: it has one.
pub(in crate::git) fn check_password(config: &gix::config::File, url: &BStr) -> Result<()> {
    if !user_info(url).is_some_and(|user| user.contains(&b':')) {
        return Ok(());
    }
    let said = config.string("transfer.credentialsInUrl");
    match said.as_ref().map(|said| said.as_slice()) {
        Some(b"die") => Err(Error::misuse(format!(
            "the URL {} has a password in it, and transfer.credentialsInUrl is `die`",
            without_credentials(url)
        ))
        .hint("let a credential helper know it instead: git help credentials")),
        Some(b"warn") => {
            let mut urls = PASSWORDS.lock().unwrap_or_else(PoisonError::into_inner);
            urls.insert(without_credentials(url));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What the user says of a transport.
fn of_protocol(config: &gix::config::File, protocol: &str) -> Result<Allow> {
    let listed = std::env::var("GIT_ALLOW_PROTOCOL").ok();
    let configured = config
        .string(format!("protocol.{protocol}.allow").as_str())
        .or_else(|| config.string("protocol.allow"))
        .map(|value| value.to_string());
    decide(protocol, listed.as_deref(), configured.as_deref())
}

fn decide(protocol: &str, listed: Option<&str>, configured: Option<&str>) -> Result<Allow> {
    if let Some(listed) = listed {
        let named = listed.split(':').any(|name| name == protocol);
        return Ok(if named { Allow::Always } else { Allow::Never });
    }
    match configured.map(str::to_ascii_lowercase).as_deref() {
        Some("always") => Ok(Allow::Always),
        Some("never") => Ok(Allow::Never),
        Some("user") => Ok(Allow::User),
        Some(other) => Err(Error::misuse(format!(
            "protocol.{protocol}.allow is `{other}`, which git does not know"
        ))
        .hint(format!("git config protocol.{protocol}.allow always"))),
        None if protocol == "file" => Ok(Allow::LocalFleet),
        None => Ok(Allow::Always),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_configuration_and_that_over_the_default() {
        for (protocol, listed, configured, want) in [
            ("file", None, None, Allow::LocalFleet),
            ("https", None, None, Allow::Always),
            ("file", None, Some("always"), Allow::Always),
            ("file", None, Some("user"), Allow::User),
            ("ssh", None, Some("never"), Allow::Never),
            ("file", Some("https:file"), Some("never"), Allow::Always),
            ("https", Some("ssh"), Some("always"), Allow::Never),
            ("https", Some(""), None, Allow::Never),
        ] {
            let got = decide(protocol, listed, configured).unwrap();
            assert_eq!(got, want, "{protocol} {listed:?} {configured:?}");
        }
        assert!(decide("https", None, Some("sometimes")).is_err());
    }

    #[test]
    fn a_password_in_a_url_is_refused_where_it_may_not_be() {
        for (value, url, is_refused) in [
            ("die", "https://me:pw@host/x", true),
            ("die", "https://me@host/x", false),
            ("die", "https://host/a:b@c", false),
            ("warn", "https://me:pw@host/x", false),
            ("allow", "https://me:pw@host/x", false),
        ] {
            let config = format!("[transfer]\n\tcredentialsInUrl = {value}\n");
            let config = gix::config::File::try_from(config.as_str()).unwrap();
            let refused = check_password(&config, url.into());
            assert_eq!(refused.is_err(), is_refused, "{value} {url}");
            if let Err(error) = refused {
                assert!(!error.to_string().contains("pw"), "{error}");
            }
        }
    }
}
