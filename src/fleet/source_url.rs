//! Where others find a service.

use bstr::{BStr, BString, ByteSlice};

use crate::{git::url, model::fleet::without_credentials};

/// A service's URL as others can use it. One that is relative to the fleet's own remote is joined to that, as git does for
/// submodules (gitmodules(5), `submodule.<name>.url`), unless it is a folder of this machine: then nothing of this machine
/// goes into an image.
pub(crate) fn source_url(url: &BStr, fleet: Option<&BStr>) -> BString {
    let fleet = fleet
        .filter(|fleet| is_remote(fleet))
        .map(without_credentials);
    let joined = fleet.and_then(|fleet| url::nested(fleet.as_ref(), url).ok());
    joined.unwrap_or_else(|| url.to_owned())
}

/// Whether a URL leads to another machine: with a scheme (but `file`), or in the scp-like form (git-clone(1), GIT URLS).
pub(crate) fn is_remote(url: &BStr) -> bool {
    match url.find("://") {
        Some(scheme) => !url[..scheme].eq_ignore_ascii_case(b"file"),
        None => url.find_byteset(b"/:").is_some_and(|at| url[at] == b':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_where_others_find_it() {
        for (url, fleet, want) in [
            (
                "../api.git",
                "https://me:token@host/team/fleet.git",
                "https://host/team/api.git",
            ),
            (
                "../../other/api",
                "https://host/team/fleet/",
                "https://host/other/api",
            ),
            ("./api", "ssh://host/fleet", "ssh://host/fleet/api"),
            (
                "../api.git",
                "git@host:team/fleet.git",
                "git@host:team/api.git",
            ),
            ("../api.git", "git@host:fleet.git", "git@host:api.git"),
            ("https://host/api", "https://else/fleet", "https://host/api"),
            ("../api.git", "/home/me/fleet.git", "../api.git"),
            ("../api.git", "file:///home/me/fleet.git", "../api.git"),
        ] {
            let fleet = Some(BStr::new(fleet));
            assert_eq!(source_url(url.into(), fleet), want, "{url} of {fleet:?}");
        }
        assert_eq!(source_url("../api".into(), None), "../api");
    }
}
