//! Authorization: what is sent to whom.
//!
//! A registry that wants to know who asks answers 401 with a challenge (RFC 7235). Two kinds are answered:
//!
//! - `Basic`: user name and password go to the registry itself.
//! - `Bearer` (Docker's token protocol, `distribution/docs/spec/auth/token.md`): the challenge names a token server, its `realm`.
//!   User name and password (or the identity token) kept *for this registry* go there, and what comes back goes to the registry.
//!   The realm is often another host (`auth.docker.io` for Docker Hub), so it must be trusted as far as the registry itself: the
//!   name counts only in an answer that came from the registry's own origin, not from a redirect or an upload's location, and
//!   only if it is reached over TLS (or both are loopback hosts).
//!
//! Without a challenge nothing is sent. Credentials of another registry are never looked up; of those for this one, the
//! repository's own are used. What was granted for one repository and scope is not used for another.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use docker_credential::DockerCredential;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use ureq::{
    Body,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
};

use super::{
    credentials,
    request::{ExchangeError, RegistryRequest, RequestBody, TokenScope},
    transport::Transport,
};
use crate::{
    http::{content, printable},
    model::error::{Error, Result},
};

/// The most that is read of a token server's answer, in bytes.
const TOKEN_LIMIT: u64 = 256 << 10;

/// What one registry has granted so far.
pub(super) struct Auth {
    registry: String,
    files: Vec<PathBuf>,
    granted: Mutex<Granted>,
}

/// The authorization for a scope. It is locked while somebody asks for it.
type Slot = Arc<Mutex<Option<HeaderValue>>>;

#[derive(Default)]
struct Granted {
    /// User name and password, by repository: good for every scope.
    passwords: HashMap<String, HeaderValue>,
    tokens: HashMap<TokenScope, Slot>,
}

/// A challenge that can be answered.
enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Auth {
    pub(super) fn new(registry: &str, files: Vec<PathBuf>) -> Self {
        Self {
            registry: registry.to_owned(),
            files,
            granted: Mutex::default(),
        }
    }

    /// The authorization that an earlier challenge brought.
    pub(super) fn known(&self, scope: &TokenScope) -> Option<HeaderValue> {
        let slot = self.slot(scope);
        let token = lock(&slot).clone();
        token.or_else(|| self.password(scope))
    }

    /// Answers the challenge in `headers`, after `refused` was not good enough. None when there is nothing to answer it with.
    pub(super) fn answer(
        &self,
        transport: &Transport,
        scope: &TokenScope,
        headers: &HeaderMap,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, ExchangeError> {
        // Held across the exchange with the token server: of parallel pushes, one fetches the token and the others take it.
        let slot = self.slot(scope);
        let mut granted = lock(&slot);
        let known = granted.clone().or_else(|| self.password(scope));
        if let Some(newer) = known.filter(|known| Some(known) != refused) {
            return Ok(Some(newer));
        }
        let Some(challenge) = challenge(headers) else {
            return Ok(None);
        };
        let credential = credentials::find(&self.registry, &scope.repository, &self.files)?;
        match challenge {
            Challenge::Basic => {
                let Some(DockerCredential::UsernamePassword(user, password)) = credential else {
                    return Ok(None);
                };
                let value = basic(&user, &password);
                lock(&self.granted)
                    .passwords
                    .insert(scope.repository.clone(), value.clone());
                // The very password that was refused does not get better by being repeated.
                Ok(Some(value).filter(|value| Some(value) != refused))
            }
            Challenge::Bearer {
                realm,
                service,
                scope: asked,
            } => {
                let asked = wanted(asked, scope);
                let realm = self.realm(transport, &realm)?;
                let service = service.as_deref();
                let token = self.token(transport, realm, service, &asked, credential)?;
                *granted = Some(token.clone());
                Ok(Some(token))
            }
        }
    }

    fn slot(&self, scope: &TokenScope) -> Slot {
        let mut granted = lock(&self.granted);
        Arc::clone(granted.tokens.entry(scope.clone()).or_default())
    }

    fn password(&self, scope: &TokenScope) -> Option<HeaderValue> {
        lock(&self.granted)
            .passwords
            .get(&scope.repository)
            .cloned()
    }

    /// The token server's address, if it may be asked.
    fn realm(&self, transport: &Transport, realm: &str) -> Result<Uri> {
        let uri = realm
            .parse::<Uri>()
            .ok()
            .filter(|uri| transport.origin.permits(uri));
        uri.ok_or_else(|| {
            Error::unavailable(format!(
                "{} names a token server that cannot be trusted: `{}`",
                self.registry,
                printable(realm)
            ))
            .hint("a token server must be reached over https")
        })
    }

    /// Fetches a token for the scopes `asked` (separated by spaces) from the token server at `realm`.
    fn token(
        &self,
        transport: &Transport,
        realm: Uri,
        service: Option<&str>,
        asked: &str,
        credential: Option<DockerCredential>,
    ) -> Result<HeaderValue, ExchangeError> {
        let host = realm.host().unwrap_or_default().to_owned();
        let mut fields: Vec<(&str, &str)> = service
            .map(|service| ("service", service))
            .into_iter()
            .collect();
        let answer = if let Some(DockerCredential::IdentityToken(token)) = &credential {
            // OAuth 2 (distribution/docs/spec/auth/oauth.md): a form, with all scopes in one field.
            fields.extend([
                ("scope", asked),
                ("grant_type", "refresh_token"),
                ("client_id", "flota"),
                ("refresh_token", token),
            ]);
            let form = encoded(&fields);
            let body = RequestBody::Bytes {
                media_type: "application/x-www-form-urlencoded",
                bytes: form.as_bytes(),
            };
            let request = RegistryRequest {
                body,
                ..RegistryRequest::bare(Method::POST, realm)
            };
            transport.send(&request, None)?
        } else {
            let authorization = match &credential {
                Some(DockerCredential::UsernamePassword(user, password)) => {
                    Some(basic(user, password))
                }
                _ => None,
            };
            fields.extend(asked.split(' ').map(|scope| ("scope", scope)));
            let request = RegistryRequest::bare(Method::GET, with_query(realm, &fields)?);
            transport.send(&request, authorization.as_ref())?
        };
        self.bearer(&host, answer)
    }

    /// The authorization in a token server's answer.
    fn bearer(&self, host: &str, answer: Response<Body>) -> Result<HeaderValue, ExchangeError> {
        #[derive(Deserialize)]
        struct Token {
            token: Option<String>,
            access_token: Option<String>,
        }
        let status = answer.status();
        if status != StatusCode::OK {
            return Err(Error::unavailable(format!(
                "{host} gives no token for {}: it answers {status}",
                self.registry
            ))
            .hint(format!("docker login {}", self.registry))
            .into());
        }
        let body = content(answer, TOKEN_LIMIT).unwrap_or_default();
        let token = serde_json::from_slice::<Token>(&body)
            .ok()
            .and_then(|token| {
                let mut both = [token.token, token.access_token].into_iter().flatten();
                both.find(|token| !token.is_empty())
            })
            .and_then(|token| secret(format!("Bearer {token}")))
            .ok_or_else(|| {
                Error::unavailable(format!(
                    "{host} answers without a token for {}",
                    self.registry
                ))
            })?;
        Ok(token)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first challenge that can be answered, the token protocol before the password.
fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = None;
    for value in headers.get_all(header::WWW_AUTHENTICATE) {
        // One that nobody understands does not spoil the others.
        let value = value.to_str().unwrap_or_default();
        for challenge in http_auth::parse_challenges(value).unwrap_or_default() {
            let parameter = |name: &str| {
                let found = challenge
                    .params
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let Some(realm) = parameter("realm") else {
                    continue;
                };
                return Some(Challenge::Bearer {
                    realm,
                    service: parameter("service"),
                    scope: parameter("scope").filter(|scope| !scope.is_empty()),
                });
            }
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenge::Basic);
            }
        }
    }
    basic
}

/// The scopes to ask for, where the registry says `asked`. Who pushes asks for that from the start: some registries deny to tell
/// somebody with a token for `pull` whether a repository exists (Quay, helm/helm#32144), and a look-up comes before each push.
fn wanted(asked: Option<String>, scope: &TokenScope) -> String {
    let asked = asked.unwrap_or_else(|| default_scope(scope));
    if !scope.push {
        return asked;
    }
    let own = format!("repository:{}:", scope.repository);
    let widened = asked.split(' ').map(|part| match part.strip_prefix(&own) {
        Some(actions) if !actions.split(',').any(|action| action == "push") => default_scope(scope),
        _ => part.to_owned(),
    });
    widened.collect::<Vec<_>>().join(" ")
}

fn default_scope(scope: &TokenScope) -> String {
    let actions = if scope.push { "pull,push" } else { "pull" };
    format!("repository:{}:{actions}", scope.repository)
}

#[allow(clippy::expect_used, reason = "base64 is ASCII")]
fn basic(user: &str, password: &str) -> HeaderValue {
    let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
    secret(format!("Basic {pair}")).expect("base64 is ASCII")
}

/// A header value that no debug output shows; None when it holds what a header cannot.
fn secret(value: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn with_query(realm: Uri, fields: &[(&str, &str)]) -> Result<Uri> {
    let mark = if realm.query().is_some() { '&' } else { '?' };
    let whole = format!("{realm}{mark}{}", encoded(fields));
    whole.parse().map_err(|cause| {
        let host = realm.host().unwrap_or_default();
        Error::unavailable(format!("{host} cannot be asked for a token")).because(cause)
    })
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let fields = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)));
    fields.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests;
