//! The connections of one run.

use std::time::Duration;

use ureq::{
    Agent, AsSendBody, Body,
    http::{Request, Response},
    tls::{RootCerts, TlsConfig},
};

use super::{
    connection::{self, SystemResolver},
    failure::Failure,
    proxy::proxy_for,
};

/// How servers are spoken to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientOptions {
    /// What flota calls itself (RFC 9110, 10.1.5, `User-Agent`).
    pub user_agent: &'static str,
    /// For the host's name, and again for the connection with its handshakes.
    pub connect_timeout: Duration,
    /// How long a server may keep silent, or take nothing, in the middle of an exchange.
    pub stall_timeout: Duration,
}

/// What one exchange may do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExchangeLimits {
    /// How many redirects are followed; without any, one is an answer like others. Authorization stays behind.
    pub redirects: u32,
    /// Whether nothing may be sent without TLS.
    pub https_only: bool,
    /// How long all of it may take, however steadily bytes flow.
    pub total: Option<Duration>,
}

/// Connections to any number of hosts. Each is used again by who comes next, from any thread; clients do not share theirs.
///
/// Every wait ends soon after a signal, with [`FailureKind::Interrupted`](super::FailureKind::Interrupted): for a host's
/// address, for a connection, and for each byte of a request or an answer.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
}

impl Client {
    /// Nothing is connected yet.
    pub(crate) fn new(options: ClientOptions) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            // How many there are is for those to say who send requests side by side.
            .max_idle_connections(usize::MAX)
            .max_idle_connections_per_host(usize::MAX)
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_connect(Some(options.connect_timeout))
            .timeout_per_read(Some(options.stall_timeout))
            .timeout_per_write(Some(options.stall_timeout))
            .user_agent(options.user_agent)
            .build();
        Self {
            agent: Agent::with_parts(config, connection::connector(), SystemResolver),
        }
    }

    /// Sends `request`, by the proxy that the environment names for its host, and gives the answer, whatever its status.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) fn send(
        &self,
        request: Request<impl AsSendBody>,
        limits: ExchangeLimits,
    ) -> Result<Response<Body>, Failure> {
        let proxy = proxy_for(request.uri())?;
        let request = self
            .agent
            .configure_request(request)
            .proxy(proxy)
            .max_redirects(limits.redirects)
            .https_only(limits.https_only)
            .timeout_global(limits.total)
            .build();
        Ok(self.agent.run(request)?)
    }
}
