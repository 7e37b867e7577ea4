//! HTTP with one registry: authorization, redirects, time limits, retries, and what a failure is called.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    thread,
    time::Duration,
};

use serde::Deserialize;
use ureq::{
    Agent, Body as Received, Proxy, ResponseExt,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header},
    tls::{RootCerts, TlsConfig},
};

use super::{
    Options,
    auth::Auth,
    origin::{Origin, proxy_for},
    printable,
};
use crate::model::error::{Error, Result};

/// The most that is read of a server's complaint, in bytes.
const COMPLAINT_LIMIT: u64 = 16 << 10;

/// The longest that a server's `Retry-After` is obeyed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What a request needs to be allowed to do in a repository; tokens are kept per scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub(super) repository: String,
    pub(super) push: bool,
}

/// One request, in a form that can be sent more than once.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) scope: &'a Scope,
    pub(super) accept: Option<&'a str>,
    pub(super) body: Body<'a>,
}

impl<'a> Call<'a> {
    /// A request without a body.
    pub(super) fn bare(method: Method, uri: Uri, scope: &'a Scope) -> Self {
        Self {
            method,
            uri,
            scope,
            accept: None,
            body: Body::Empty,
        }
    }
}

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    Empty,
    Bytes {
        media_type: &'a str,
        bytes: &'a [u8],
    },
    File(&'a Path),
}

/// A failure, and whether the same request may well succeed a moment later.
pub(super) enum Fault {
    /// Overload, or a connection that broke off; with the wait the server asked for, if it did.
    Passing(Error, Option<Duration>),
    Final(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// The connection pool and the authorizations of one registry.
pub(super) struct Session {
    pub(super) registry: String,
    pub(super) origin: Origin,
    options: Options,
    agent: Agent,
    auth: Auth,
}

impl Session {
    pub(super) fn new(registry: &str, options: Options) -> Result<Self> {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_connect(Some(options.connect_timeout))
            .timeout_per_read(Some(options.stall_timeout))
            .timeout_per_write(Some(options.stall_timeout))
            .user_agent(concat!("flota/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self {
            registry: registry.to_owned(),
            origin: Origin::of(registry)?,
            auth: Auth::new(registry, options.credential_files.clone()),
            options,
            agent,
        })
    }

    /// Does `work` until it succeeds, fails for good, or has been tried often enough; the pauses double.
    pub(super) fn retry<T>(&self, work: impl Fn() -> Result<T, Fault>) -> Result<T> {
        let mut pause = self.options.backoff;
        for _ in 1..self.options.attempts {
            match work() {
                Ok(done) => return Ok(done),
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::Passing(_, wait)) => {
                    thread::sleep(wait.unwrap_or(pause).min(LONGEST_WAIT))
                }
            }
            pause = pause.saturating_mul(2);
        }
        work().map_err(|fault| match fault {
            Fault::Final(error) => error,
            Fault::Passing(error, _) => error.hint("run it again later"),
        })
    }

    /// Sends `call` with the authorization for its scope; when the registry asks for one, once more with it.
    ///
    /// The authorization goes to the registry's own origin only, and only a challenge that comes from there is answered: not
    /// one of a host that a redirect led to.
    pub(super) fn exchange(&self, call: &Call) -> Result<Response<Received>, Fault> {
        if !self.origin.owns(&call.uri) {
            return self.send(call, None);
        }
        let known = self.auth.known(call.scope);
        let answer = self.send(call, known.as_ref())?;
        if answer.status() != StatusCode::UNAUTHORIZED || !self.origin.owns(answer.get_uri()) {
            return Ok(answer);
        }
        match self
            .auth
            .answer(self, call.scope, answer.headers(), known.as_ref())?
        {
            Some(authorization) => self.send(call, Some(&authorization)),
            None => Ok(answer),
        }
    }

    /// Sends `call` as it is; overload and broken connections come back as passing faults.
    pub(super) fn send(
        &self,
        call: &Call,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response<Received>, Fault> {
        let sent = match call.body {
            Body::Empty if call.method == Method::POST => {
                self.run(call, authorization, None, &[][..])
            }
            Body::Empty => self.run(call, authorization, None, ()),
            Body::Bytes { media_type, bytes } => {
                self.run(call, authorization, Some(media_type), bytes)
            }
            Body::File(path) => {
                let file = File::open(path).map_err(|cause| {
                    Error::work(format!("cannot read {}", path.display())).because(cause)
                })?;
                self.run(call, authorization, Some("application/octet-stream"), &file)
            }
        };
        let answer = sent.map_err(|error| self.broken(&call.uri, error))?;
        match answer.status().as_u16() {
            429 | 502 | 503 | 504 => {
                let wait = retry_after(answer.headers());
                let error = Error::unavailable(format!(
                    "{} answers {}",
                    address(&call.uri),
                    answer.status()
                ));
                Err(Fault::Passing(with_complaint(error, answer), wait))
            }
            _ => Ok(answer),
        }
    }

    fn run(
        &self,
        call: &Call,
        authorization: Option<&HeaderValue>,
        content_type: Option<&str>,
        body: impl ureq::AsSendBody,
    ) -> Result<Response<Received>, ureq::Error> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(call.uri.clone());
        let fields = [
            (header::ACCEPT, call.accept),
            (header::CONTENT_TYPE, content_type),
        ];
        for (name, value) in fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
        {
            request = request.header(name, value);
        }
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        // A read may be sent on to another host over TLS (`registry.k8s.io` does); ureq does not take the authorization along.
        let redirects = if call.method.is_safe() && !self.origin.is_loopback() {
            5
        } else {
            0
        };
        // A layer takes as long as it takes while bytes flow; everything else is small.
        let total = match call.body {
            Body::File(_) => None,
            _ => Some(self.options.stall_timeout.saturating_mul(2)),
        };
        let request = self
            .agent
            .configure_request(request.body(body)?)
            .proxy(proxy(&call.uri))
            .max_redirects(redirects)
            .https_only(!self.origin.is_loopback())
            .timeout_global(total)
            .build();
        self.agent.run(request)
    }

    /// What a request without an answer is called.
    fn broken(&self, uri: &Uri, error: ureq::Error) -> Fault {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof,
        };
        let server = address(uri);
        let cause = printable(&error.to_string());
        let kind = match &error {
            ureq::Error::Io(error) => Some(error.kind()),
            _ => None,
        };
        let (what, hint) = match (kind, &error) {
            (Some(ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof), _) => {
                let what = format!("{server} breaks the connection off");
                return Fault::Passing(Error::unavailable(what).because(cause), None);
            }
            (Some(ConnectionRefused), _) => match proxy(uri) {
                Some(proxy) => (
                    format!(
                        "no proxy answers at {}:{} for {server}",
                        proxy.host(),
                        proxy.port()
                    ),
                    "correct HTTPS_PROXY, or add the host to NO_PROXY",
                ),
                None => (
                    format!("no registry answers at {server}"),
                    "start it, or name another one as `registry` in flota.toml",
                ),
            },
            (_, ureq::Error::Timeout(_)) => (
                format!("{server} does not answer in time"),
                "look at the network and at HTTPS_PROXY and NO_PROXY",
            ),
            // The system's resolver has no error kind of its own.
            _ if matches!(error, ureq::Error::HostNotFound)
                || cause.contains("failed to lookup address") =>
            {
                (
                    format!("there is no host {server}"),
                    "correct `registry` in flota.toml, or look at the network",
                )
            }
            _ if cause.contains("certificate") => (
                format!("{server} cannot be trusted"),
                "install the authority that signed its certificate on this machine, or point SSL_CERT_FILE at it",
            ),
            _ => (
                format!("cannot talk to {server}"),
                "look at the network and at HTTPS_PROXY and NO_PROXY",
            ),
        };
        Error::unavailable(what).because(cause).hint(hint).into()
    }

    /// The error for an answer that was not hoped for; `doing` is what it was about (`push ghcr.io/acme/web`).
    pub(super) fn refused(&self, doing: &str, answer: Response<Received>) -> Error {
        let status = answer.status();
        let message = format!("cannot {doing}: {} answers {status}", self.registry);
        let error = match status.as_u16() {
            401 | 403 => {
                Error::unavailable(message).hint(format!("docker login {}", self.registry))
            }
            404 => Error::unavailable(message)
                .hint("some registries want the repository created before the first push"),
            300..=399 => Error::unavailable(message),
            _ => Error::work(message),
        };
        with_complaint(error, answer)
    }
}

/// The body of `answer`, which must not be longer than `limit` bytes.
pub(super) fn content(answer: Response<Received>, limit: u64) -> Result<Vec<u8>, ureq::Error> {
    answer
        .into_body()
        .into_with_config()
        .limit(limit)
        .read_to_vec()
}

fn proxy(uri: &Uri) -> Option<Proxy> {
    proxy_for(uri, |name| std::env::var(name).ok())
}

fn address(uri: &Uri) -> String {
    let port = uri
        .port_u16()
        .unwrap_or(if uri.scheme_str() == Some("http") {
            80
        } else {
            443
        });
    format!("{}:{port}", uri.host().unwrap_or_default())
}

/// Seconds only: the form with a date is for browsers.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// Adds what the server said, if it said anything: `{"errors": [{"code", "message"}]}` (OCI distribution specification, "Error
/// codes"), or any other text.
fn with_complaint(error: Error, answer: Response<Received>) -> Error {
    #[derive(Deserialize)]
    struct Complaint {
        errors: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        code: String,
        #[serde(default)]
        message: String,
    }
    let mut body = Vec::new();
    // Whatever arrived is the complaint, also when the rest is missing.
    let _ = answer
        .into_body()
        .into_reader()
        .take(COMPLAINT_LIMIT)
        .read_to_end(&mut body);
    let text = match serde_json::from_slice::<Complaint>(&body) {
        Ok(Complaint { errors }) => {
            let lines = errors
                .iter()
                .map(|entry| format!("{}: {}", entry.code, entry.message));
            lines.collect::<Vec<_>>().join(", ")
        }
        Err(_) => String::from_utf8_lossy(&body).into_owned(),
    };
    let text = printable(text.trim());
    if text.is_empty() {
        error
    } else {
        error.because(text)
    }
}
