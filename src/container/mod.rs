//! Images: the request for a build, and the builders.

pub mod embedded;
pub mod engine;
mod image;
pub mod layout;
pub mod named_images;
pub mod single;

pub use image::{BuiltImage, ImageRequest, Mounts};
