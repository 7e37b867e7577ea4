//! Files that appear whole or not at all, locks that end with their holder, scratch folders that do not outlive their run, and
//! one way to say that a file cannot be read or written.

mod cannot;
mod excerpt;
mod folder;
mod lock;
mod open;
mod room;
mod scratch;
mod user_cache;
mod write;

pub(crate) use cannot::cannot;
pub(crate) use excerpt::excerpt;
pub(crate) use folder::{
    create_parent, create_parent_alike, move_into, temporary_folder, temporary_folder_in,
};
pub(crate) use lock::Lock;
pub(crate) use open::{open_or_create, open_own, read_own};
pub(crate) use room::{is_full, no_room};
pub(crate) use scratch::SharedScratch;
pub(crate) use user_cache::user_cache;
pub(crate) use write::{NewFile, TEMPORARY, copy, replace, write, write_with_mode};
