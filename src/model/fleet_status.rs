//! The state of a whole fleet: of its services, and of what former ones left.

use super::{leftover::Leftover, status::ServiceStatus};

/// All of a fleet.
#[derive(Debug)]
pub struct FleetStatus {
    /// Its submodules, sorted by path.
    pub services: Vec<ServiceStatus>,
    /// What is left of former ones and holds work, sorted by name; none where services were named.
    pub leftovers: Vec<Leftover>,
}
