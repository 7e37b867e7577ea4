//! What git's configuration says of HTTP servers (`http.*`, `http.<url>.*` of git-config(1)), as far as it is understood here;
//! where it says more, git clones the repository.

use bstr::{BStr, ByteSlice};
use gix::config::Source as ConfigSource;

use crate::git::network::configuration::Setting;

/// Keys that change nothing for the two small requests that are made here.
const WITHOUT_EFFECT: [&str; 10] = [
    "version",
    "postbuffer",
    "maxrequests",
    "minsessions",
    "lowspeedlimit",
    "lowspeedtime",
    "keepaliveidle",
    "keepaliveinterval",
    "keepalivecount",
    "noepsv",
];

/// Variables by which the user says more about connections than is understood here (git(1), curl(1)).
const VARIABLES: [&str; 8] = [
    "http_proxy",
    "all_proxy",
    "ALL_PROXY",
    "GIT_HTTP_USER_AGENT",
    "GIT_CURL_VERBOSE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_PROXY_SSL_CAINFO",
];
const TLS_VARIABLES: [&str; 9] = [
    "https_proxy",
    "HTTPS_PROXY",
    "GIT_SSL_NO_VERIFY",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_VERSION",
    "GIT_SSL_CIPHER_LIST",
];

/// What was read of the configuration.
pub(super) struct HttpConfig {
    entries: Vec<HttpKey>,
    is_path_needed: bool,
    has_netrc: bool,
}

/// One value of a key of the `http` section.
struct HttpKey {
    /// Where it holds; everywhere when none.
    scope: Option<String>,
    /// In lower case.
    key: String,
    value: String,
}

impl HttpConfig {
    /// From the user's and the system's configuration as `repo` sees it, and `settings` out of the fleet's own.
    pub(super) fn new(repo: &gix::Repository, settings: &[Setting]) -> Self {
        let config = repo.config_snapshot();
        let mut entries = Vec::new();
        let mut is_path_needed = false;
        for section in config.plumbing().sections() {
            let source = section.meta().source;
            if matches!(source, ConfigSource::Local | ConfigSource::Worktree) {
                continue;
            }
            let header = section.header();
            let name = header.name().to_str_lossy().to_ascii_lowercase();
            for key in section.value_names() {
                let key = key.to_string().to_ascii_lowercase();
                is_path_needed |= name == "credential" && key == "usehttppath";
                let scope = header.subsection_name().map(|scope| scope.to_string());
                entries.extend(
                    section
                        .values(&key)
                        .into_iter()
                        .filter(|_| name == "http")
                        .map(|value| HttpKey {
                            scope: scope.clone(),
                            key: key.clone(),
                            value: value.to_string(),
                        }),
                );
            }
        }
        for (name, value) in settings {
            is_path_needed |= name.starts_with("credential.") && name.ends_with(".usehttppath");
            let Some(rest) = name.strip_prefix("http.") else {
                continue;
            };
            let (scope, key) = match rest.rsplit_once('.') {
                Some((scope, key)) => (Some(scope.to_owned()), key),
                None => (None, rest),
            };
            entries.push(HttpKey {
                scope,
                key: key.to_owned(),
                value: value.clone(),
            });
        }
        let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
        Self {
            entries,
            is_path_needed,
            has_netrc: home.is_some_and(|home| home.join(".netrc").exists()),
        }
    }

    /// Whether a password is the same for a whole server, and helpers alone know it.
    pub(super) fn may_log_in(&self) -> bool {
        !self.is_path_needed && !self.has_netrc
    }

    /// The headers that requests to `address` carry.
    ///
    /// # Errors
    /// Why git has to make them.
    pub(super) fn headers(&self, address: &BStr) -> Result<Vec<(String, String)>, String> {
        let is_tls = address.starts_with(b"https:");
        let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let tls: &[&str] = if is_tls { &TLS_VARIABLES } else { &[] };
        if let Some(name) = VARIABLES.iter().chain(tls).find(is_set) {
            return Err(format!("the environment says {name}"));
        }
        let address = UrlScope::of(&address.to_str_lossy()).ok_or("its URL is unusual")?;
        let mut headers = Vec::new();
        let mut scope = None;
        for entry in &self.entries {
            let covers = match &entry.scope {
                None => true,
                Some(scope) if scope.contains('*') => true,
                Some(scope) => UrlScope::of(scope).is_some_and(|scope| scope.covers(&address)),
            };
            if !covers || WITHOUT_EFFECT.contains(&entry.key.as_str()) {
                continue;
            }
            match entry.key.as_str() {
                key if key.starts_with("ssl") && !is_tls => {}
                "sslverify" if entry.value == "true" => {}
                "followredirects" if entry.value != "true" => {}
                // Of several scopes the closest counts, by rules that are git's.
                "extraheader" if scope.is_none_or(|other| other == &entry.scope) => {
                    scope = Some(&entry.scope);
                    match entry.value.split_once(':') {
                        Some((name, value)) => {
                            headers.push((name.trim().to_owned(), value.trim().to_owned()));
                        }
                        None => headers.clear(),
                    }
                }
                key => return Err(format!("the configuration says http.{key}")),
            }
        }
        Ok(headers)
    }
}

/// A URL as far as scopes look at it.
pub(super) struct UrlScope {
    scheme: gix::url::Scheme,
    user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
    path: String,
}

impl UrlScope {
    pub(super) fn of(url: &str) -> Option<Self> {
        let plain = !url.contains(['?', '#', '\\']);
        let url = gix::url::parse(BStr::new(url)).ok().filter(|_| plain)?;
        // gix takes the colon of a port that is left out for a part of the host.
        let host = url.host().filter(|host| !host.ends_with(':'))?;
        Some(Self {
            port: url.port_or_default(),
            host: host.to_ascii_lowercase(),
            user: url.user().map(str::to_owned),
            path: url.path.to_str().ok()?.trim_end_matches('/').to_owned(),
            scheme: url.scheme,
        })
    }

    /// git-config(1), `http.<url>.*`: scheme, host and port are the same, the path begins alike, and so does the user if named.
    fn covers(&self, other: &Self) -> bool {
        let below = other.path.strip_prefix(&self.path);
        self.scheme == other.scheme
            && self.host == other.host
            && self.port == other.port
            && (self.user.is_none() || self.user == other.user)
            && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, &str, &str)]) -> HttpConfig {
        let entry = |&(scope, key, value): &(&str, &str, &str)| HttpKey {
            scope: (!scope.is_empty()).then(|| scope.to_owned()),
            key: key.to_owned(),
            value: value.to_owned(),
        };
        HttpConfig {
            entries: entries.iter().map(entry).collect(),
            is_path_needed: false,
            has_netrc: false,
        }
    }

    #[test]
    fn a_header_goes_where_its_scope_leads_and_nowhere_else() {
        let config = config(&[(
            "http://host/shop/",
            "extraheader",
            "AUTHORIZATION: basic eDp5",
        )]);
        for (address, is_sent) in [
            ("http://host/shop/api", true),
            ("http://HOST:80/shop", true),
            ("http://me@host/shop/api", true),
            ("http://host/shopping/api", false),
            ("http://host:8080/shop/api", false),
            ("http://host.evil.example/shop/api", false),
            ("http://evil.example/http://host/shop/", false),
        ] {
            let headers = config.headers(address.into()).unwrap();
            assert_eq!(!headers.is_empty(), is_sent, "{address}");
        }
    }

    #[test]
    fn what_is_not_understood_is_gits() {
        for (scope, key, value, is_gits) in [
            ("", "proxy", "http://proxy:3128", true),
            ("", "cookiefile", "/x", true),
            ("http://host", "proxy", "", true),
            ("http://other", "proxy", "http://proxy:3128", false),
            ("http://*.corp", "proxy", "http://proxy:3128", true),
            ("", "sslcert", "/x", false),
            ("", "postbuffer", "1", false),
            ("", "followredirects", "true", true),
        ] {
            let config = config(&[(scope, key, value)]);
            let headers = config.headers("http://host/api".into());
            assert_eq!(headers.is_err(), is_gits, "{scope} {key} {value}");
        }
        for unusual in ["http://host/api?x=y", "http://host:/api"] {
            assert!(config(&[]).headers(unusual.into()).is_err(), "{unusual}");
        }
    }
}
