//! Requests to one registry and to those it names: redirects, time limits, retries, and what a failure is called.

use std::{fs::File, io::Read, sync::Arc, time::Duration};

use serde::Deserialize;
use ureq::{
    Body,
    http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header},
};

use super::{
    options::RegistryOptions,
    origin::RegistryOrigin,
    request::{ExchangeError, RegistryRequest, RequestBody},
};
use crate::{
    http::{Client, ExchangeLimits, Failure, FailureKind, printable, proxy_for, retry_after},
    interrupt,
    model::error::{Error, Result},
};

/// The most that is read of a server's complaint, in bytes.
const COMPLAINT_LIMIT: u64 = 16 << 10;

/// What any connection carries within the time limit of a small request, in bytes.
const SMALL: usize = 1 << 20;

/// The way to one registry. The connections are those of the run.
pub(super) struct Transport {
    pub(super) registry: String,
    pub(super) origin: RegistryOrigin,
    options: Arc<RegistryOptions>,
    client: Arc<Client>,
}

impl Transport {
    pub(super) fn new(
        registry: &str,
        options: Arc<RegistryOptions>,
        client: Arc<Client>,
    ) -> Result<Self> {
        Ok(Self {
            registry: registry.to_owned(),
            origin: RegistryOrigin::of(registry)?,
            options,
            client,
        })
    }

    /// Does `work` until it succeeds, fails for good, or has been tried often enough; the pauses double.
    ///
    /// # Errors
    /// Also when a signal arrives: no pause outlasts it.
    pub(super) fn retry<T>(&self, work: impl Fn() -> Result<T, ExchangeError>) -> Result<T> {
        let mut pause = self.options.backoff;
        for _ in 1..self.options.attempts {
            match work() {
                Ok(done) => return Ok(done),
                Err(ExchangeError::Final(error)) => return Err(error),
                Err(ExchangeError::Passing(error, wait)) => {
                    if !interrupt::pause(wait.unwrap_or(pause)) {
                        return Err(interrupt::error().unwrap_or(error));
                    }
                }
            }
            pause = pause.saturating_mul(2);
        }
        work().map_err(|error| match error {
            ExchangeError::Final(error) => error,
            ExchangeError::Passing(error, _) => error.hint("run it again later"),
        })
    }

    /// Sends `request` as it is; overload and broken connections come back as errors that may pass.
    pub(super) fn send(
        &self,
        request: &RegistryRequest,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response<Body>, ExchangeError> {
        let sent = match request.body {
            RequestBody::Empty if [Method::POST, Method::PUT].contains(&request.method) => {
                self.run(request, authorization, None, &[][..])
            }
            RequestBody::Empty => self.run(request, authorization, None, ()),
            RequestBody::Bytes { media_type, bytes } => {
                self.run(request, authorization, Some(media_type), bytes)
            }
            RequestBody::File(path) => {
                let file = File::open(path).map_err(|cause| {
                    Error::work(format!("cannot read {}", path.display())).because(cause)
                })?;
                self.run(
                    request,
                    authorization,
                    Some("application/octet-stream"),
                    &file,
                )
            }
        };
        let answer = sent.map_err(|failure| broken(&request.uri, failure))?;
        match answer.status() {
            // A registry answers 500 when its storage fails for a moment (distribution/distribution, `errcode.ErrorCodeUnknown`).
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                let wait = retry_after(answer.headers());
                let server = address(&request.uri);
                let error = Error::unavailable(format!("{server} answers {}", answer.status()));
                Err(ExchangeError::Passing(with_complaint(error, answer), wait))
            }
            _ => Ok(answer),
        }
    }

    fn run(
        &self,
        request: &RegistryRequest,
        authorization: Option<&HeaderValue>,
        content_type: Option<&str>,
        body: impl ureq::AsSendBody,
    ) -> Result<Response<Body>, Failure> {
        let mut message = Request::builder()
            .method(request.method.clone())
            .uri(request.uri.clone());
        let fields = [
            (header::ACCEPT, request.accept),
            (header::CONTENT_TYPE, content_type),
        ];
        for (name, value) in fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
        {
            message = message.header(name, value);
        }
        if let Some((first, last)) = request.range {
            message = message.header(header::CONTENT_RANGE, format!("{first}-{last}"));
        }
        if let Some(value) = authorization {
            message = message.header(header::AUTHORIZATION, value);
        }
        let message = message.body(body).map_err(ureq::Error::from)?;
        let may_redirect = request.method.is_safe() && !self.origin.is_loopback();
        let limits = ExchangeLimits {
            // A read may be sent on to another host over TLS (`registry.k8s.io` does).
            redirects: if may_redirect { 5 } else { 0 },
            https_only: !self.origin.is_loopback(),
            total: self.total(request),
        };
        self.client.send(message, limits)
    }

    /// A layer takes as long as it takes while bytes flow; everything else is small.
    fn total(&self, request: &RegistryRequest) -> Option<Duration> {
        match request.body {
            RequestBody::File(_) => None,
            RequestBody::Empty if request.long => None,
            RequestBody::Bytes { bytes, .. } if bytes.len() > SMALL => None,
            RequestBody::Empty | RequestBody::Bytes { .. } => {
                Some(self.options.stall_timeout.saturating_mul(2))
            }
        }
    }

    /// The error for an answer that was not hoped for; `doing` is what it was about (`push ghcr.io/acme/web`).
    pub(super) fn refused(&self, doing: &str, answer: Response<Body>) -> Error {
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

/// What a request without an answer is called.
pub(super) fn broken(uri: &Uri, failure: Failure) -> ExchangeError {
    let server = address(uri);
    let (what, hint) = match failure.kind {
        FailureKind::Interrupted => {
            let stopped = || Error::unavailable(format!("cannot talk to {server}"));
            return interrupt::error().unwrap_or_else(stopped).into();
        }
        FailureKind::BrokenOff => {
            let what = format!("{server} closed the connection");
            let error = Error::unavailable(what).because(failure.cause);
            return ExchangeError::Passing(error, None);
        }
        FailureKind::Refused => match proxy_for(uri) {
            Ok(Some(proxy)) => (
                format!(
                    "no proxy answers at {}:{} for {server}",
                    proxy.host(),
                    proxy.port()
                ),
                "correct HTTPS_PROXY, or add the host to NO_PROXY",
            ),
            _ => (
                format!("no registry answers at {server}"),
                "start it, or name another one as `registry` in flota.toml",
            ),
        },
        FailureKind::TimedOut => (
            format!("{server} does not answer in time"),
            "look at the network and at HTTPS_PROXY and NO_PROXY",
        ),
        FailureKind::NoHost => (
            format!("the host {server} was not found"),
            "correct `registry` in flota.toml, or look at the network",
        ),
        FailureKind::Untrusted => (
            format!("{server} cannot be trusted"),
            "install the authority that signed its certificate on this machine, or point SSL_CERT_FILE at it",
        ),
        FailureKind::Other => (
            format!("cannot talk to {server}"),
            "look at the network and at HTTPS_PROXY and NO_PROXY",
        ),
    };
    let error = Error::unavailable(what).because(failure.cause);
    error.hint(hint).into()
}

fn address(uri: &Uri) -> String {
    let usual = match uri.scheme_str() {
        Some("http") => 80,
        _ => 443,
    };
    let port = uri.port_u16().unwrap_or(usual);
    format!("{}:{port}", uri.host().unwrap_or_default())
}

/// Adds what the server said, if it said anything: `{"errors": [{"code", "message"}]}` (OCI distribution specification, "Error
/// codes"), or any other text.
fn with_complaint(error: Error, answer: Response<Body>) -> Error {
    #[derive(Deserialize)]
    struct Complaint {
        errors: Vec<ErrorInfo>,
    }
    #[derive(Deserialize)]
    struct ErrorInfo {
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
                .map(|error| format!("{}: {}", error.code, error.message));
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
