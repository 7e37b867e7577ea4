//! Fetching trees without a clone: real repositories, real servers on loopback.

#[path = "../support/daemons.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod daemons;
mod faults;
#[path = "../support/http.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod http;
mod local;
mod scratch;
mod served;
mod shallow;
#[path = "../support/workspace.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod workspace;
mod world;
