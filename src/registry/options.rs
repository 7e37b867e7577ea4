//! The options for talking to registries.

use std::{path::PathBuf, time::Duration};

use super::credentials;

/// How registries are spoken to.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Docker or Podman credential files, asked in this order; those that do not exist are passed over.
    pub credential_files: Vec<PathBuf>,
    /// For the host's name, and again for the connection with its handshakes.
    pub connect_timeout: Duration,
    /// How long a server may keep silent, or take nothing, in the middle of an exchange. Storing a large layer may take a
    /// registry minutes between its last byte and the answer.
    pub stall_timeout: Duration,
    /// How often a request is sent at most, while its failure may pass; at least once.
    pub attempts: u32,
    /// The pause before the second attempt; each further one is twice as long. A server's `Retry-After` takes its place, up to
    /// 30 seconds.
    pub backoff: Duration,
}

impl Default for RegistryOptions {
    /// The user's own credential files, and patience for a slow network.
    fn default() -> Self {
        Self {
            credential_files: credentials::files_of_the_user(|name| std::env::var_os(name)),
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(120),
            attempts: 4,
            backoff: Duration::from_millis(500),
        }
    }
}
