//! Fetching trees without a clone: real repositories, real servers on loopback.

mod deepen;
mod faults;
mod http;
mod local;
mod served;
mod world;
