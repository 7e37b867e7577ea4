//! Time limits for children.

use std::time::Duration;

/// From SIGTERM to SIGKILL.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// How long the output of a child that has ended may be held open by what it left behind (an ssh connection master).
pub(super) const LINGER: Duration = Duration::from_millis(500);
/// How long output may take to arrive once everybody was killed.
pub(super) const DRAIN: Duration = Duration::from_millis(100);
/// The longest wait between two looks at the clock, the child and [`interrupt::pending`](crate::interrupt::pending).
pub(super) const TICK: Duration = Duration::from_millis(20);
/// The same once the pipes are closed: then nothing but the clock wakes flota, and the child is about to end.
pub(super) const SOON: Duration = Duration::from_millis(2);
