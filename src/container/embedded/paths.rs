//! Lexical paths: Go's `path.Clean`, which Docker applies to every path of a Dockerfile.

use std::path::{Component, Path, PathBuf};

/// `path` without `.`, `..` and doubled slashes, relative to the root it counts from; `None` if it leaves that root.
///
/// A leading slash means that root, as in `COPY /src /dst`.
pub(super) fn beneath(path: &str) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir if !clean.pop() => return None,
            _ => {}
        }
    }
    Some(clean)
}

/// The same inside an image, where `/..` is `/`: `path` seen from the directory `from`, both relative to the image's root.
pub(super) fn join(from: &Path, path: &str) -> PathBuf {
    let mut joined = match path.starts_with('/') {
        true => PathBuf::new(),
        false => from.to_owned(),
    };
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => joined.push(name),
            Component::ParentDir => _ = joined.pop(),
            _ => {}
        }
    }
    joined
}

/// Whether the spelling says "a directory": `dir/`, `.`, `..`, `dir/.`.
pub(super) fn means_directory(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beneath_never_leaves_the_root() {
        for (path, expected) in [
            ("a/./b//c/", Some("a/b/c")),
            ("/a", Some("a")),
            (".", Some("")),
            ("a/../b", Some("b")),
            ("..", None),
            ("a/../../b", None),
            ("/../etc", None),
        ] {
            assert_eq!(beneath(path), expected.map(PathBuf::from), "{path}");
        }
    }

    #[test]
    fn join_clamps_at_the_root() {
        for (path, expected) in [("x", "w/x"), ("/x", "x"), ("../../../x", "x"), ("./", "w")] {
            assert_eq!(join(Path::new("w"), path), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn directories_by_spelling() {
        for path in ["a/", "/", ".", "a/.", "..", ""] {
            assert!(means_directory(path), "{path}");
        }
        for path in ["a", "/a", "a/.b", "a."] {
            assert!(!means_directory(path), "{path}");
        }
    }
}
