//! Which server a request goes to.

use ureq::http::{Uri, uri::Authority};

use crate::{
    http::is_loopback,
    model::error::{Error, Result},
};

/// Docker Hub's name in references, and the host that speaks its API.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// Scheme, host and port of a registry: the one place its credentials are sent to.
///
/// The scheme is `https`, except for a loopback host, where it is `http`: no certificate exists for those names.
#[derive(Clone, Debug)]
pub(super) struct RegistryOrigin {
    scheme: &'static str,
    authority: Authority,
}

impl RegistryOrigin {
    /// The origin of the registry that references call `registry` (`host[:port]`).
    pub(super) fn of(registry: &str) -> Result<Self> {
        let host = if registry == DOCKER_HUB.0 {
            DOCKER_HUB.1
        } else {
            registry
        };
        let authority: Authority = host.parse().map_err(|cause| {
            Error::misuse(format!("`{registry}` is not a registry")).because(cause)
        })?;
        let scheme = if is_loopback(authority.host()) {
            "http"
        } else {
            "https"
        };
        Ok(Self { scheme, authority })
    }

    /// Host and port, as a user would test them.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.authority.host(), self.port())
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.scheme == "http"
    }

    /// The address of `path` (which starts with `/`) on this server.
    pub(super) fn uri(&self, path: &str) -> Result<Uri> {
        let text = format!("{}://{}{path}", self.scheme, self.authority);
        text.parse().map_err(|cause| {
            Error::work(format!("{} cannot be asked for this", self.address())).because(cause)
        })
    }

    /// A `Location` that was answered to a request for `asked`: a path on that server, also one that goes on from the path that was
    /// asked for (RFC 3986, 5.2.3), or a whole address that [`permits`](Self::permits) allows.
    pub(super) fn join(&self, asked: &Uri, location: &str) -> Option<Uri> {
        let scheme = location.split(['/', '?']).next().unwrap_or_default();
        if location.is_empty() || scheme.contains(':') {
            return location.parse().ok().filter(|uri| self.permits(uri));
        }
        let path = asked.path();
        let kept = match location.as_bytes()[0] {
            b'/' => "",
            b'?' => path,
            _ => &path[..path.rfind('/')? + 1],
        };
        let server = format!("{}://{}", asked.scheme_str()?, asked.authority()?);
        format!("{server}{kept}{location}").parse().ok()
    }

    /// Whether `uri` is on this very server, so that its credentials may go there.
    pub(super) fn owns(&self, uri: &Uri) -> bool {
        let Some(authority) = uri.authority() else {
            return false;
        };
        uri.scheme_str() == Some(self.scheme)
            && authority.host().eq_ignore_ascii_case(self.authority.host())
            && authority.port_u16().unwrap_or(default_port(self.scheme)) == self.port()
            && !authority.as_str().contains('@')
    }

    /// Whether this server may send us to `uri` at all: anywhere over TLS; in the clear only from one loopback server to another.
    pub(super) fn permits(&self, uri: &Uri) -> bool {
        let Some(authority) = uri.authority() else {
            return false;
        };
        let clear = self.is_loopback() && is_loopback(authority.host());
        !authority.as_str().contains('@')
            && match uri.scheme_str() {
                Some("https") => true,
                Some("http") => clear,
                _ => false,
            }
    }

    fn port(&self) -> u16 {
        self.authority
            .port_u16()
            .unwrap_or(default_port(self.scheme))
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "http" { 80 } else { 443 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn only_loopback_is_spoken_to_in_the_clear() {
        for (registry, whole) in [
            ("ghcr.io", "https://ghcr.io/v2/"),
            ("docker.io", "https://registry-1.docker.io/v2/"),
            ("registry.corp:5000", "https://registry.corp:5000/v2/"),
            (
                "127.0.0.1.evil.example",
                "https://127.0.0.1.evil.example/v2/",
            ),
            (
                "localhost.evil.example",
                "https://localhost.evil.example/v2/",
            ),
            ("10.0.0.1:5000", "https://10.0.0.1:5000/v2/"),
            ("127.8.9.1:5000", "http://127.8.9.1:5000/v2/"),
            ("[::1]:5000", "http://[::1]:5000/v2/"),
            ("localhost:5000", "http://localhost:5000/v2/"),
        ] {
            assert_eq!(
                RegistryOrigin::of(registry).unwrap().uri("/v2/").unwrap(),
                uri(whole)
            );
        }
    }

    #[test]
    fn credentials_belong_to_scheme_host_and_port() {
        let origin = RegistryOrigin::of("ghcr.io").unwrap();
        for own in ["https://ghcr.io/x", "https://GHCR.io:443/x"] {
            assert!(origin.owns(&uri(own)), "{own}");
        }
        for foreign in [
            "http://ghcr.io/x",
            "https://ghcr.io:8443/x",
            "https://ghcr.io.evil.example/x",
            "https://me:pw@ghcr.io/x",
            "/x",
        ] {
            assert!(!origin.owns(&uri(foreign)), "{foreign}");
        }
    }

    #[test]
    fn a_location_never_leads_from_tls_into_the_clear() {
        let origin = RegistryOrigin::of("ghcr.io").unwrap();
        let asked = uri("https://ghcr.io/v2/a/blobs/uploads/?x=y");
        for (location, whole) in [
            ("/v2/x?a=b", "https://ghcr.io/v2/x?a=b"),
            ("x?a=b", "https://ghcr.io/v2/a/blobs/uploads/x?a=b"),
            ("a/x", "https://ghcr.io/v2/a/blobs/uploads/a/x"),
            ("?a=b:c", "https://ghcr.io/v2/a/blobs/uploads/?a=b:c"),
        ] {
            assert_eq!(origin.join(&asked, location).unwrap(), uri(whole));
        }
        let join = |location| origin.join(&asked, location);
        assert_eq!(join("//evil.example/x").unwrap().host(), Some("ghcr.io"));
        assert!(join("https://uploads.example/x").is_some());
        // The next step of an upload that went elsewhere stays there.
        let elsewhere = uri("https://uploads.example/x");
        let next = origin.join(&elsewhere, "/y").unwrap();
        assert_eq!(next, uri("https://uploads.example/y"));
        for refused in [
            "http://ghcr.io/x",
            "http://127.0.0.1/x",
            "ftp://x/y",
            "",
            "https://a:b@c/",
        ] {
            assert!(join(refused).is_none(), "{refused}");
        }
        let local = RegistryOrigin::of("127.0.0.1:5000").unwrap();
        let asked = uri("http://127.0.0.1:5000/v2/");
        assert!(local.join(&asked, "http://localhost:5001/x").is_some());
        assert!(local.join(&asked, "http://ghcr.io/x").is_none());
    }
}
