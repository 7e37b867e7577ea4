//! Requests with the authorization that the registry asks for.

use ureq::{
    Body, ResponseExt,
    http::{Response, StatusCode},
};

use super::{
    auth::Auth,
    request::{ExchangeError, RegistryRequest, TokenScope},
    transport::Transport,
};
use crate::{http::drain, model::error::Result};

/// One registry, and what it has granted.
pub(super) struct Session {
    pub(super) transport: Transport,
    auth: Auth,
}

impl Session {
    pub(super) fn new(transport: Transport, auth: Auth) -> Self {
        Self { transport, auth }
    }

    /// Sends `request` with the authorization for `scope`; when the registry asks for one, once more with it.
    ///
    /// The authorization goes to the registry's own origin only, and only a challenge that comes from there is answered: not
    /// one of a host that a redirect led to.
    pub(super) fn exchange(
        &self,
        request: &RegistryRequest,
        scope: &TokenScope,
    ) -> Result<Response<Body>, ExchangeError> {
        let transport = &self.transport;
        if !transport.origin.owns(&request.uri) {
            return transport.send(request, None);
        }
        let known = self.auth.known(scope);
        let answer = transport.send(request, known.as_ref())?;
        if answer.status() != StatusCode::UNAUTHORIZED || !transport.origin.owns(answer.get_uri()) {
            return Ok(answer);
        }
        let headers = answer.headers();
        match self
            .auth
            .answer(transport, scope, headers, known.as_ref())?
        {
            Some(authorization) => {
                drain(answer);
                transport.send(request, Some(&authorization))
            }
            None => Ok(answer),
        }
    }

    /// Whether the registry has granted something for `scope`.
    pub(super) fn is_authorized(&self, scope: &TokenScope) -> bool {
        self.auth.known(scope).is_some()
    }
}
