//! Properties that hold for every list of submodules: the seeded tests assert it, and the fuzz targets (`tests/fuzz`).

use std::path::{Component, Path};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{Link, links};
use crate::{
    git::{gitmodules::Gitmodules, path::folded},
    model::fleet::Gitlink,
};

/// A fleet with a gitlink for each section of a `.gitmodules`, and with these symbolic links: whatever is let through stays
/// in its place. Says how many submodules are.
pub fn listing(text: &[u8], symlinks: &[BString]) -> usize {
    let Ok(modules) = Gitmodules::parse(text) else {
        return 0;
    };
    let gitlinks = modules.iter().map(|submodule| Gitlink {
        path: submodule.path.clone(),
        pin: ObjectId::null(gix::hash::Kind::Sha1),
    });
    let Ok(links) = links(gitlinks.collect(), &modules, symlinks) else {
        return 0;
    };
    assert!(links.is_sorted_by(|one, other| one.path < other.path));
    for link in &links {
        stays_in(Path::new("fleet"), link.path.as_ref());
        stays_in(Path::new("fleet/.git/modules"), link.name());
        stays_in(
            Path::new("fleet/.git/modules"),
            link.name().replace("\\", "/").as_bstr(),
        );
        let listed = link
            .listed
            .as_ref()
            .and_then(|listed| listed.update.as_ref());
        assert!(!listed.is_some_and(|update| update.contains(&b'!')));
        for symlink in symlinks {
            assert!(!leads_to(symlink.as_ref(), link.path.as_ref()), "{link:?}");
        }
    }
    for (at, link) in links.iter().enumerate() {
        for other in links.iter().skip(at + 1) {
            are_apart(link, other);
        }
    }
    links.len()
}

/// A place below `folder`, without detours, that is no part of a git directory, no option, and steers no terminal.
fn stays_in(folder: &Path, place: &BStr) {
    let whole = folder.join(place.to_path().expect("it was let through"));
    let below = whole.strip_prefix(folder).expect("it stays in its folder");
    assert_ne!(below, Path::new(""));
    assert!(!place.starts_with(b"-"), "{place:?}");
    assert!(!place.iter().any(u8::is_ascii_control), "{place:?}");
    for part in below.components() {
        let Component::Normal(part) = part else {
            panic!("{place:?}");
        };
        let part = part.to_string_lossy().to_lowercase();
        assert_ne!(part, ".git", "{place:?}");
        assert_ne!(part, "git~1", "{place:?}");
    }
}

fn are_apart(one: &Link, other: &Link) {
    for (one, other) in [
        (one.name(), other.name()),
        (one.path.as_ref(), other.path.as_ref()),
    ] {
        assert!(!leads_to(one, other), "{one:?} {other:?}");
        assert!(!leads_to(other, one), "{one:?} {other:?}");
    }
}

/// Whether `place` is `above`, or lies in it, for a file system that makes no difference of case or Unicode forms.
fn leads_to(above: &BStr, place: &BStr) -> bool {
    let above = folded(above).replace('\\', "/");
    let place = folded(place).replace('\\', "/");
    place
        .strip_prefix(&above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
