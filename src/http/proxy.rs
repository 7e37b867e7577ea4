//! Proxies, from the environment.

use std::net::IpAddr;

use ureq::{Proxy, http::Uri};

use super::failure::{Failure, FailureKind};

/// The proxy for requests to `uri`, from the environment as curl reads it: `https_proxy` or `http_proxy` by the scheme, else
/// `all_proxy`, unless `no_proxy` names the host or a domain above it. Each may be written in upper case, but for `http_proxy`:
/// a web server hands a header of its clients to its programs as `HTTP_PROXY` (CVE-2016-5385). Loopback hosts never have a
/// proxy. `no_proxy` knows no address ranges.
///
/// # Errors
/// The proxy is not one that can be used; its value is not shown, for it may hold a password.
pub(crate) fn proxy_for(uri: &Uri) -> Result<Option<Proxy>, Failure> {
    proxy_by(uri, |name| std::env::var(name).ok())
}

fn proxy_by(
    uri: &Uri,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, Failure> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let either = |name: &str| set(name).or_else(|| set(&name.to_ascii_uppercase()));
    let host = uri.host().unwrap_or_default();
    if is_loopback(host) || either("no_proxy").is_some_and(|list| is_excepted(host, &list)) {
        return Ok(None);
    }
    let of_scheme = match uri.scheme_str() {
        Some("https") => either("https_proxy"),
        _ => set("http_proxy"),
    };
    let Some(value) = of_scheme.or_else(|| either("all_proxy")) else {
        return Ok(None);
    };
    match Proxy::new(&value) {
        Ok(proxy) if !value.to_ascii_lowercase().starts_with("socks") => Ok(Some(proxy)),
        _ => Err(Failure {
            kind: FailureKind::Other,
            cause: "the environment names a proxy that is not an HTTP proxy".to_owned(),
        }),
    }
}

fn is_excepted(host: &str, list: &str) -> bool {
    let host = host.to_ascii_lowercase();
    list.split([',', ' ']).map(str::trim).any(|entry| {
        let domain = entry
            .trim_start_matches('*')
            .trim_start_matches('.')
            .to_ascii_lowercase();
        let above = host.strip_suffix(&domain);
        entry == "*"
            || (!domain.is_empty()
                && above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    })
}

/// Whether `host`, as it stands in a URL, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn the_environments_proxy_is_used_unless_the_host_is_excepted() {
        let ask = |host: &str, no_proxy: &str| {
            let no_proxy = no_proxy.to_owned();
            let proxy = proxy_by(&uri(&format!("https://{host}/")), move |name| match name {
                "HTTPS_PROXY" => Some("http://proxy.corp:3128".to_owned()),
                "no_proxy" => Some(no_proxy.clone()),
                _ => None,
            });
            proxy
                .unwrap()
                .map(|proxy| (proxy.host().to_owned(), proxy.port()))
        };
        let used = Some(("proxy.corp".to_owned(), 3128));
        assert_eq!(ask("ghcr.io", ""), used);
        assert_eq!(ask("ghcr.io", "corp, .example"), used);
        assert_eq!(ask("notcorp", "corp"), used);
        assert_eq!(ask("registry.corp", "localhost, corp"), None);
        assert_eq!(ask("registry.corp", "*.corp"), None);
        assert_eq!(ask("registry.corp", "REGISTRY.corp"), None);
        assert_eq!(ask("ghcr.io", "*"), None);
        assert_eq!(ask("127.0.0.1", ""), None);
    }

    #[test]
    fn the_scheme_says_which_proxy() {
        for (address, set, is_used) in [
            ("https://host/", "https_proxy", true),
            ("https://host/", "HTTPS_PROXY", true),
            ("https://host/", "all_proxy", true),
            ("https://host/", "ALL_PROXY", true),
            ("https://host/", "http_proxy", false),
            ("http://host/", "http_proxy", true),
            ("http://host/", "HTTP_PROXY", false),
            ("http://host/", "all_proxy", true),
            ("http://host/", "https_proxy", false),
            ("http://localhost/", "http_proxy", false),
        ] {
            let value = |name: &str| (name == set).then(|| "http://proxy.corp:3128".to_owned());
            let proxy = proxy_by(&uri(address), value).unwrap();
            assert_eq!(proxy.is_some(), is_used, "{address} {set}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_said_and_not_passed_over() {
        for value in [
            "socks5://me:secret@proxy.corp:1080",
            "SOCKS4://proxy.corp",
            "ftp://me:secret@proxy.corp",
        ] {
            let variable = |name: &str| (name == "ALL_PROXY").then(|| value.to_owned());
            let failure = proxy_by(&uri("https://ghcr.io/"), variable).unwrap_err();
            assert!(!failure.cause.contains("secret"), "{}", failure.cause);
        }
    }
}
