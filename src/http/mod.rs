//! HTTP, for [`git`](crate::git) and [`registry`](crate::registry): connections that are used again, TLS with the machine's own
//! trusted authorities, proxies, time limits, `Retry-After`; and no wait that outlasts a signal.
//!
//! What is asked of a server, and what its answers mean, is not known here. A [`Client`] keeps the connections of one run.

mod answer;
mod busy;
mod client;
mod connection;
mod failure;
mod printable;
mod proxy;
mod retry_after;
mod wait;

pub(crate) use answer::{content, drain};
pub(crate) use busy::BusyServers;
pub(crate) use client::{Client, ClientOptions, ExchangeLimits};
pub(crate) use failure::{Failure, FailureKind};
pub(crate) use printable::printable;
pub(crate) use proxy::{is_loopback, proxy_for};
pub(crate) use retry_after::{retry_after, retry_after_value};
pub(crate) use wait::unless_interrupted;
