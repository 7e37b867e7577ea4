//! Files that appear whole or not at all, locks that end with their holder, scratch folders that do not outlive their run, and
//! one way to say that a file cannot be had.

mod cannot;
mod folder;
mod lock;
mod scratch;
mod write;

pub use cannot::cannot;
pub use folder::create_parent;
pub use lock::{Holder, Lock};
pub use scratch::SharedScratch;
pub use write::{NewFile, TEMPORARY, replace, write, write_with_mode};
