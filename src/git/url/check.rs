//! The checks of a URL before any process is started for it.

use std::path::PathBuf;

use bstr::{BStr, BString, ByteSlice};
use percent_encoding::percent_decode;

use crate::model::{
    error::{Error, Result},
    fleet::without_credentials,
};

/// A URL that git would accept, taken apart as far as flota needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A folder of this machine, maybe relative.
    Local(PathBuf),
    /// A server, by the name git has for its transport.
    Remote(&'static str),
}

impl Address {
    /// As `protocol.<name>.allow` calls the transport.
    pub(super) fn protocol(&self) -> &'static str {
        match self {
            Self::Local(_) => "file",
            Self::Remote(protocol) => protocol,
        }
    }

    /// What `GIT_ALLOW_PROTOCOL` must list: an HTTP server may send clients on to HTTPS.
    pub(super) fn protocols(&self) -> &'static str {
        match self.protocol() {
            "http" => "http:https",
            protocol => protocol,
        }
    }
}

/// The schemes with a server behind them, and git's name for the transport.
const SCHEMES: [(&[u8], &str); 6] = [
    (b"https", "https"),
    (b"http", "http"),
    (b"ssh", "ssh"),
    (b"git+ssh", "ssh"),
    (b"ssh+git", "ssh"),
    (b"git", "git"),
];

/// What holds for every URL of a `.gitmodules`, relative ones too.
pub(super) fn raw(url: &BStr) -> Result<()> {
    if url.is_empty() {
        return refuse(url, "it is empty");
    }
    if url.starts_with(b"-") {
        return refuse(url, "git would read it as an option");
    }
    if has_controls(url) || has_controls(&decode(url)) {
        return refuse(url, "it contains control characters");
    }
    // `../:x` and `..//x` would put another host into the fleet's own URL (CVE-2020-11008).
    let mut rest = url;
    while let Some(below) = rest.strip_prefix(b"../").or(rest.strip_prefix(b"./")) {
        rest = below.as_bstr();
    }
    if rest.len() < url.len() && (rest.starts_with(b"/") || rest.starts_with(b":")) {
        return refuse(url, "it reaches into the host of the fleet's own URL");
    }
    Ok(())
}

/// Takes an absolute URL apart as git does, and refuses what git refuses.
pub(super) fn address(url: &BStr) -> Result<Address> {
    raw(url)?;
    let scheme = url
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
        .count();
    let (scheme, rest) = url.split_at(scheme);
    if rest.starts_with(b"::") {
        return refuse(url, "it calls a remote helper, which runs programs");
    }
    if let Some(rest) = rest.strip_prefix(b"://") {
        return with_scheme(url, scheme, rest.as_bstr());
    }
    if !is_absolute_or_remote(url) || url.starts_with(b"/") {
        return Ok(Address::Local(to_path(url, url)?));
    }
    let (host, path) = url.split_once_str(":").unwrap_or((url, b""));
    authority(url, host.as_bstr())?;
    if path.is_empty() || path.starts_with(b"-") {
        return refuse(url, "its path is empty or begins with `-`");
    }
    Ok(Address::Remote("ssh"))
}

/// Whether git takes it for anything but a relative path: of `host:path`, the colon comes before the first slash.
pub(super) fn is_absolute_or_remote(url: &BStr) -> bool {
    let colon = url.find_byte(b':');
    let slash = url.find_byte(b'/');
    slash == Some(0) || colon.is_some_and(|colon| slash.is_none_or(|slash| colon < slash))
}

/// The `user[:password]` of a URL with a scheme.
pub(super) fn user_info(url: &BStr) -> Option<&[u8]> {
    let rest = &url.as_bytes()[url.find("://")? + 3..];
    let authority = &rest[..rest.find_byteset(b"/?#").unwrap_or(rest.len())];
    authority.rfind_byte(b'@').map(|at| &authority[..at])
}

/// With `%XX` replaced by what it stands for.
pub(super) fn decode(text: &[u8]) -> BString {
    percent_decode(text).collect::<Vec<u8>>().into()
}

fn with_scheme(url: &BStr, scheme: &[u8], rest: &BStr) -> Result<Address> {
    if scheme == b"file" {
        // `file://host/path` names no host for git, but a path relative to wherever it runs.
        if !rest.starts_with(b"/") {
            return refuse(url, "a file:// URL needs an absolute path");
        }
        return Ok(Address::Local(to_path(url, &decode(rest))?));
    }
    let Some((_, protocol)) = SCHEMES.iter().find(|(known, _)| *known == scheme) else {
        return refuse(
            url,
            "its scheme is not one of https, http, ssh, git and file (in lower case)",
        );
    };
    let end = rest.find_byteset(b"/?#").unwrap_or(rest.len());
    authority(url, rest[..end].as_bstr())?;
    Ok(Address::Remote(protocol))
}

/// `[user[:password]@]host[:port]`, of which nothing may pass for an option of ssh (CVE-2017-1000117).
fn authority(url: &BStr, authority: &BStr) -> Result<()> {
    let (user, host) = match authority.rfind_byte(b'@') {
        Some(at) => (&authority[..at], &authority[at + 1..]),
        None => (b"".as_bstr(), authority),
    };
    let (host, port) = match host.strip_prefix(b"[") {
        Some(rest) => rest.split_once_str("]").unwrap_or((b"", b"")),
        None => host.split_at(host.find_byte(b':').unwrap_or(host.len())),
    };
    let port = port.strip_prefix(b":").unwrap_or(port);
    let host = decode(host);
    let strange = |byte: &u8| byte.is_ascii_whitespace() || b"/\\@?#<>\"'`$;|&".contains(byte);
    if host.is_empty() {
        return refuse(url, "it names no host");
    }
    if host.starts_with(b"-") || decode(user).starts_with(b"-") || host.iter().any(strange) {
        return refuse(url, "its host or user name is not valid");
    }
    if !port.iter().all(u8::is_ascii_digit) {
        return refuse(url, "its port is not a number");
    }
    Ok(())
}

fn to_path(url: &BStr, path: &[u8]) -> Result<PathBuf> {
    match path.to_path() {
        Ok(path) => Ok(path.to_owned()),
        Err(_) => refuse(url, "it is not a valid path on this system"),
    }
}

fn has_controls(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_control)
}

fn refuse<T>(url: &BStr, why: &str) -> Result<T> {
    let shown = without_credentials(url);
    Err(Error::repository(format!(
        "refused the URL `{shown}`: {why}"
    )))
}
