//! Images: the request for a build, and the builders.

pub mod embedded;
pub mod engine;
mod image;
pub mod layout;

pub use image::{BuiltImage, ImageRequest, Mounts};
