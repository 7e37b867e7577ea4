//! What flota needs to know about a process, wherever the system lists it.

/// A process as the system's table shows it.
pub(super) trait ProcessEntry {
    fn id(&self) -> i32;
    fn parent(&self) -> i32;
    /// Its process group: the id of the process that leads it, or led it.
    fn group(&self) -> i32;
    /// Whether it was started with `mark` at the beginning of an entry of its environment.
    fn has_mark(&self, mark: &str) -> bool;
}
