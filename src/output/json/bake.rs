//! The file that `docker buildx bake` reads.

use super::render::render;
use crate::model::bake::BakeFile;

/// What `docker buildx bake --file -` builds.
pub(crate) fn bake(file: &BakeFile) -> String {
    render(&file.json())
}
