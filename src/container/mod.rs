//! Images: what a build is asked for, and the builders that can answer.

pub mod embedded;
pub mod engine;
mod image;
pub mod layout;

pub use image::{BuiltImage, ImageRequest};
