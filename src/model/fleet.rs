//! The fleet as its trees record it: gitlinks, and what `.gitmodules` says of them.

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

/// How many submodules may lie in each other, counted from the fleet's own: more than anybody nests, since beyond it a repository
/// links itself (CVE-2017-15298).
pub const NESTING_LIMIT: usize = 16;

/// The path of the fleet itself among those of its services.
pub const FLEET_PATH: &str = ".";

/// A mode-160000 entry of the fleet's tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gitlink {
    /// Where the submodule sits, relative to the fleet's root, `/`-separated; any bytes but NUL.
    pub path: BString,
    /// The commit it records.
    pub pin: ObjectId,
}

/// One `[submodule "NAME"]` section of a `.gitmodules` (gitmodules(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submodule {
    /// The section's name: where the repository is kept, `<git dir>/modules/<name>`.
    pub name: BString,
    /// `submodule.<name>.path`.
    pub path: BString,
    /// `submodule.<name>.url`, as written: may be relative to the fleet's own remote.
    pub url: Option<BString>,
    /// `submodule.<name>.branch`, as written: what `--remote` follows.
    pub branch: Option<BString>,
    /// `submodule.<name>.update`, as written.
    pub update: Option<BString>,
    /// `submodule.<name>.shallow`: whether a clone should bring the newest commits alone.
    pub is_shallow: bool,
}

/// The name people call a service by: the last component of its path.
pub fn service_name(path: &BStr) -> &BStr {
    path.rfind_byte(b'/')
        .map_or(path, |slash| path[slash + 1..].as_bstr())
}

/// The path itself, and every folder that it lies in, upwards.
pub fn ancestors(path: &BStr) -> impl Iterator<Item = &BStr> {
    std::iter::successors(Some(path), |path| {
        path.rfind_byte(b'/').map(|slash| path[..slash].as_bstr())
    })
}

/// A URL without what may be secret in it, fit for labels, reports and logs: `https://token@host/x` becomes `https://host/x`.
///
/// Over ssh the user is a name without which the server is another, as in the scp-like `git@host:path`: only a password goes.
pub fn without_credentials(url: &BStr) -> BString {
    let Some(scheme) = url.find("://") else {
        return url.to_owned();
    };
    let (prefix, rest) = url.split_at(scheme + 3);
    let authority = rest.find_byteset(b"/?#").unwrap_or(rest.len());
    let Some(at) = rest[..authority].rfind_byte(b'@') else {
        return url.to_owned();
    };
    let (user, host) = rest.split_at(at);
    let is_ssh = url[..scheme].split_str("+").any(|word| word == b"ssh");
    match user.find_byteset(b":@") {
        _ if !is_ssh => [prefix, &host[1..]].concat().into(),
        end => [prefix, &user[..end.unwrap_or(at)], host].concat().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_called_by_the_last_component_of_its_path() {
        assert_eq!(service_name("code-repos/api".into()), "api");
        assert_eq!(service_name("api".into()), "api");
    }

    #[test]
    fn credentials_are_cut_from_urls() {
        for (url, want) in [
            ("https://user:tok@en@host/x.git", "https://host/x.git"),
            ("https://host/x@y.git", "https://host/x@y.git"),
            ("ssh://git@host:22/x", "ssh://git@host:22/x"),
            ("ssh://git:tok@host/x", "ssh://git@host/x"),
            ("git+ssh://git:t@k@host/x", "git+ssh://git@host/x"),
            ("http://ssh@host/x", "http://host/x"),
            ("git@host:x.git", "git@host:x.git"),
            ("../x.git", "../x.git"),
        ] {
            assert_eq!(without_credentials(url.into()), want, "{url}");
        }
    }
}
