//! Properties that hold for every URL, whoever made it up: the seeded tests assert it, and the fuzz targets (`tests/fuzz`).

use bstr::{BStr, BString, ByteSlice};

use super::{
    check::{self, Address},
    credentials, is_relative, nested,
};
use crate::model::fleet::without_credentials;

/// Every transport there is.
const TRANSPORTS: [&str; 5] = ["file", "git", "http", "https", "ssh"];

/// A URL of `.gitmodules` as git would get it; the transport, if it is accepted.
pub fn address(url: &BStr) -> Option<&'static str> {
    no_password_is_shown(url);
    let address = check::address(url).ok()?;
    let transport = address.protocol();
    assert!(TRANSPORTS.contains(&transport), "{url:?}");
    let more = address.protocols().split(':');
    let is_more = |other: &str| other != transport && (transport, other) != ("http", "https");
    assert!(!more.into_iter().any(is_more), "{url:?}");
    assert!(
        !check::decode(url).iter().any(u8::is_ascii_control),
        "{url:?}"
    );
    assert!(!url.starts_with(b"-"), "{url:?}");
    let is_of_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let after = url.iter().position(|byte| !is_of_scheme(byte));
    let rest = after.map_or(b"".as_bstr(), |after| url[after..].as_bstr());
    assert!(!rest.starts_with(b"::"), "{url:?}");
    if let Address::Remote(_) = address {
        let parts = match rest.strip_prefix(b"://") {
            Some(rest) => rest.split_at(rest.find_byteset(b"/?#").unwrap_or(rest.len())),
            None => url.split_once_str(":").expect("a host ends somewhere"),
        };
        no_option_for_ssh(url, parts);
    }
    Some(transport)
}

/// Neither the host that ssh is given, nor the user before it, nor the path behind it begins with `-`. git decodes no path
/// that stands behind a mere `host:`.
fn no_option_for_ssh(url: &BStr, (authority, path): (&[u8], &[u8])) {
    let host = authority
        .rsplit_once_str("@")
        .map_or(authority, |(_, host)| host);
    for part in [authority, host] {
        assert!(!check::decode(part).starts_with(b"-"), "{url:?}");
    }
    assert!(!path.starts_with(b"-"), "{url:?}");
}

/// Whatever else a URL holds: a password in front of its host is known for one, to be masked, and neither the form that is
/// shown nor the message of a refusal has it.
fn no_password_is_shown(url: &BStr) {
    const PASSWORD: &str = "correct-horse";
    let Some((scheme, rest)) = url.split_once_str("://") else {
        return;
    };
    let secret: BString = [scheme, b"://user:", PASSWORD.as_bytes(), b"@", rest]
        .concat()
        .into();
    let shown = without_credentials(secret.as_ref());
    assert!(!shown.contains_str(PASSWORD), "{secret:?}");
    if let Err(refusal) = check::address(secret.as_ref()) {
        assert!(!refusal.to_string().contains(PASSWORD), "{secret:?}");
    }
    let (user, password) = credentials(secret.as_ref());
    assert_eq!(user.unwrap(), "user", "{secret:?}");
    assert!(password.unwrap().starts_with_str(PASSWORD), "{secret:?}");
}

/// The URL of a submodule in a fleet that comes from `fleet`, itself accepted; what becomes of it, if that is accepted.
pub fn relative(fleet: &BStr, url: &BStr) -> Option<BString> {
    check::address(fleet).ok()?;
    let resolved = nested(fleet, url).ok()?;
    assert!(!resolved.starts_with(b"-"), "{fleet:?} {url:?}");
    match is_relative(url) {
        true => is_as_git_has_it(fleet, url, resolved.as_ref()),
        false => assert_eq!(resolved, url),
    }
    Some(resolved)
}

/// git-submodule(1), `add`: said once more, in another way. Each `../` takes a component off the fleet's URL.
fn is_as_git_has_it(fleet: &BStr, url: &BStr, resolved: &BStr) {
    let mut rest = url.as_bytes();
    let mut ups = 0;
    while let Some((dots, below)) = rest.split_once_str("/") {
        match dots {
            b"." => {}
            b".." => ups += 1,
            _ => break,
        }
        rest = below;
    }
    let rest = rest.strip_suffix(b"/").unwrap_or(rest);
    let parts: Vec<_> = fleet
        .strip_suffix(b"/")
        .unwrap_or(fleet)
        .split_str("/")
        .collect();
    if check::is_absolute_or_remote(fleet) && ups < parts.len() {
        let base = bstr::join("/", &parts[..parts.len() - ups]);
        let expected = [base.as_slice(), b"/", rest].concat();
        assert_eq!(resolved, expected.as_bstr(), "{url:?} seen from {fleet:?}");
    }
}
