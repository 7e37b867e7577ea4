//! Whether two URLs are two ways to one repository.

use bstr::{BStr, BString, ByteSlice};
use gix::url::Scheme;

/// Whether git ends up in one repository by either of two URLs or paths, which are absolute and are not rewritten any more.
///
/// Logins make no difference, nor does `.git` at the end, nor the transport, where a server has each on its usual port: a forge
/// has one repository under one path.
pub fn is_same(one: &BStr, other: &BStr) -> bool {
    one == other
        || match (RepositoryPlace::of(one), RepositoryPlace::of(other)) {
            (Some(one), Some(other)) => one.is(&other),
            _ => false,
        }
}

struct RepositoryPlace {
    /// None on this machine.
    server: Option<PlaceServer>,
    path: BString,
}

struct PlaceServer {
    host: String,
    scheme: Scheme,
    port: Option<u16>,
}

impl RepositoryPlace {
    fn of(url: &BStr) -> Option<Self> {
        let parsed = gix::url::parse(url).ok()?;
        let path = match parsed.scheme {
            Scheme::File => parsed.path.to_path().ok().map_or_else(
                || parsed.path.clone(),
                |path| {
                    let real = path.canonicalize();
                    real.ok()
                        .and_then(|real| gix::path::into_bstr(real).ok())
                        .map_or_else(|| parsed.path.clone(), |real| real.into_owned())
                },
            ),
            _ => parsed.path.clone(),
        };
        let path = path.trim_end_with(|letter| letter == '/').as_bstr();
        let path = path.strip_suffix(b".git").unwrap_or(path).as_bstr();
        let path = path.trim_end_with(|letter| letter == '/').as_bstr();
        let server = match parsed.scheme {
            Scheme::File => None,
            _ => Some(PlaceServer {
                host: parsed.host()?.to_ascii_lowercase(),
                port: parsed.port,
                scheme: parsed.scheme,
            }),
        };
        let path = match &server {
            // `host:path` of ssh counts from the home of whoever logs in, which of a forge is its root.
            Some(_) => path.strip_prefix(b"/").unwrap_or(path).as_bstr(),
            None => path,
        };
        Some(Self {
            server,
            path: path.to_owned(),
        })
    }

    fn is(&self, other: &Self) -> bool {
        self.path == other.path
            && match (&self.server, &other.server) {
                (None, None) => true,
                (Some(one), Some(other)) => one.is(other),
                _ => false,
            }
    }
}

impl PlaceServer {
    fn is(&self, other: &Self) -> bool {
        let usual = |server: &Self| match server.scheme {
            Scheme::Https => Some(443),
            Scheme::Http => Some(80),
            Scheme::Ssh => Some(22),
            Scheme::Git => Some(9418),
            _ => None,
        };
        let is_usual = |server: &Self| server.port.is_none() || server.port == usual(server);
        let port = |server: &Self| server.port.or(usual(server));
        self.host == other.host
            && match self.scheme == other.scheme {
                true => port(self) == port(other),
                false => is_usual(self) && is_usual(other),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_one_repository_are_told_from_ways_to_two() {
        for (one, other, want) in [
            ("https://host/a/b.git", "https://host/a/b", true),
            ("https://host/a/b.git", "https://HOST:443/a/b/", true),
            ("https://me:pw@host/a/b", "https://you@host/a/b", true),
            ("https://host/a/b", "ssh://git@host/a/b.git", true),
            ("git@host:a/b", "https://host/a/b", true),
            ("git@host:a/b", "ssh://git@host/a/b.git", true),
            ("ssh://git@host:7999/a/b", "https://host/a/b", false),
            ("http://host:8080/a", "http://host:8081/a", false),
            ("https://host/a/b", "https://host/c/b", false),
            ("https://host/a/b", "https://other/a/b", false),
            ("https://host/a/B", "https://host/a/b", false),
            ("/srv/a.git", "file:///srv/a.git", true),
            ("/srv/a", "/srv/b", false),
            ("/srv/a", "https://host/srv/a", false),
        ] {
            assert_eq!(is_same(one.into(), other.into()), want, "{one} {other}");
        }
    }
}
