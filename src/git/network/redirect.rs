//! Where an HTTP server sends git (RFC 9110, 10.2.2, `Location`), when git is not to go there by itself.
//!
//! git takes the login of a URL, and headers that are for one server alone, along to whatever server the first one names (seen
//! with 2.39.5 and 2.47.3). So it is asked anew with the new URL instead, and uses for that what the user gave it for that.

use bstr::{BStr, BString, ByteSlice};

use crate::{git::url, model::fleet::without_credentials};

/// How many redirects in a row are followed.
pub(super) const LIMIT: usize = 5;

/// What the first request of every conversation ends with (gitprotocol-http(5)).
const FIRST_REQUEST: &str = "/info/refs?service=";

/// The URL that stands for `url`, whose server answered the first request with `location`. A login stays with its server.
pub(super) fn target(url: &BStr, location: &str) -> Option<BString> {
    let (base, _) = location.split_once(FIRST_REQUEST)?;
    let plain = without_credentials(url);
    let base = match base.starts_with('/') {
        true if base.starts_with("//") => return None,
        true => format!("{}{base}", origin(&plain)?),
        false => base.to_owned(),
    };
    let base = without_credentials(base.as_str().into());
    if !is_http(base.as_ref()) {
        return None;
    }
    let target = url::given(base.as_ref()).ok()?.url;
    if !is_same_server(plain.as_ref(), target.as_ref()) {
        return Some(target);
    }
    let login = url::login(url);
    Some(match login {
        Some(login) => {
            let host = target.find("://")? + 3;
            [&target[..host], login, b"@", &target[host..]]
                .concat()
                .into()
        }
        None => target,
    })
}

/// Whether a URL is an HTTP server's.
pub(super) fn is_http(url: &BStr) -> bool {
    url.starts_with(b"http://") || url.starts_with(b"https://")
}

/// Scheme and host of a URL.
fn origin(url: &BString) -> Option<&BStr> {
    let host = url.find("://")? + 3;
    let end = url[host..].find_byte(b'/').unwrap_or(url.len() - host);
    Some(url[..host + end].as_bstr())
}

/// The same host and port, or the same host behind TLS.
fn is_same_server(one: &BStr, other: &BStr) -> bool {
    let (Ok(one), Ok(other)) = (gix::url::parse(one), gix::url::parse(other)) else {
        return false;
    };
    let host = |url: &gix::Url| url.host().map(str::to_ascii_lowercase);
    let place = |url: &gix::Url| (url.scheme.clone(), url.port_or_default());
    let (from, to) = (place(&one), place(&other));
    let is_behind_tls =
        from == (gix::url::Scheme::Http, Some(80)) && to == (gix::url::Scheme::Https, Some(443));
    host(&one) == host(&other) && (from == to || is_behind_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_stays_with_its_server() {
        let from = "http://me:pw@host/old";
        for (location, want) in [
            ("http://host/new", Some("http://me:pw@host/new")),
            ("/new.git", Some("http://me:pw@host/new.git")),
            ("http://HOST:80/new", Some("http://me:pw@HOST:80/new")),
            ("https://host/old", Some("https://me:pw@host/old")),
            ("http://host:8080/old", Some("http://host:8080/old")),
            ("https://host:8443/old", Some("https://host:8443/old")),
            (
                "http://host.evil.example/old",
                Some("http://host.evil.example/old"),
            ),
            ("http://x:y@other/old", Some("http://other/old")),
            ("http://host@other/old", Some("http://other/old")),
            ("//other/old", None),
            ("ftp://host/old", None),
            ("ext::sh", None),
            ("file:///etc", None),
            ("http://other/a\u{1}b", None),
            ("http://other/a%0ab", None),
        ] {
            let location = format!("{location}/info/refs?service=git-upload-pack");
            let target = target(from.into(), &location);
            assert_eq!(target, want.map(BString::from), "{location}");
        }
        assert_eq!(target("https://host/x".into(), "http://other/login"), None);
        let back = "http://host/x/info/refs?service=git-upload-pack";
        let plain = target("https://me:pw@host/x".into(), back);
        assert_eq!(plain.unwrap(), "http://host/x", "never without TLS");
    }
}
