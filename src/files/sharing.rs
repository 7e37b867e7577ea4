//! Who may read and write what lies in a git directory (git-config(1), `core.sharedRepository`).

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

/// The bits of a mode that say who may read and write.
const READ_AND_WRITE: u32 = 0o666;
/// Those of them that git counts as access of the group's.
const GROUP: u32 = 0o060;
/// A folder whose entries belong to its group.
const SET_GROUP_ID: u32 = 0o2000;

/// Which bits files and folders get beside what the umask leaves, or in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// As the umask says.
    #[default]
    Umask,
    /// These too.
    AtLeast(u32),
    /// These alone.
    Exactly(u32),
}

impl Sharing {
    /// What the group may do.
    pub(crate) const GROUP: Self = Self::AtLeast(0o660);

    /// What the value of `core.sharedRepository` means; none of one that is no word and no mode.
    pub(crate) fn named(value: &str) -> Option<Self> {
        match value {
            "umask" => return Some(Self::Umask),
            "group" => return Some(Self::GROUP),
            "all" | "world" | "everybody" => return Some(Self::AtLeast(0o664)),
            _ => {}
        }
        match u32::from_str_radix(value, 8).ok()? {
            0 => Some(Self::Umask),
            1 => Some(Self::GROUP),
            2 => Some(Self::AtLeast(0o664)),
            mode => Some(Self::Exactly(mode & READ_AND_WRITE)),
        }
    }

    /// The mode in place of `mode`, which a new file or folder has.
    fn mode(self, mode: u32, is_folder: bool) -> u32 {
        let (mut bits, replaces) = match self {
            Self::Umask => return mode,
            Self::AtLeast(bits) => (bits, false),
            Self::Exactly(bits) => (bits, true),
        };
        // What its owner may not write or run is nobody's to write or run.
        if mode & 0o200 == 0 {
            bits &= !0o222;
        }
        if mode & 0o100 != 0 {
            bits |= (bits & 0o444) >> 2;
        }
        let mut new = match replaces {
            true => mode & !0o777 | bits,
            false => mode | bits,
        };
        if is_folder {
            new |= (new & 0o444) >> 2;
            if new & GROUP != 0 {
                new |= SET_GROUP_ID;
            }
        }
        new
    }

    /// Gives a file or folder its mode, as git does.
    ///
    /// # Errors
    /// What the system says. What belongs to another user has its mode from them.
    pub(crate) fn apply(self, path: &Path) -> io::Result<()> {
        if self == Self::Umask {
            return Ok(());
        }
        let found = fs::symlink_metadata(path)?;
        let mode = found.permissions().mode() & 0o7777;
        let new = self.mode(mode, found.is_dir());
        if found.is_symlink() || new == mode {
            return Ok(());
        }
        match fs::set_permissions(path, Permissions::from_mode(new)) {
            Err(err) if err.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            done => done,
        }
    }

    /// The same of a folder and all that is in it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn apply_below(self, folder: &Path) -> io::Result<()> {
        if self == Self::Umask {
            return Ok(());
        }
        for entry in walkdir::WalkDir::new(folder) {
            self.apply(entry?.path())?;
        }
        Ok(())
    }

    /// Makes the `count` folders above `path`; what is above them is there.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn create_parent(self, path: &Path, count: usize) -> io::Result<()> {
        let folders: Vec<_> = path.ancestors().skip(1).take(count).collect();
        for folder in folders.into_iter().rev() {
            match fs::create_dir(folder) {
                Err(err) if err.kind() != io::ErrorKind::AlreadyExists => return Err(err),
                _ => self.apply(folder)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_those_of_git() {
        for (value, wanted) in [
            ("umask", Some(Sharing::Umask)),
            ("0", Some(Sharing::Umask)),
            ("group", Some(Sharing::GROUP)),
            ("1", Some(Sharing::GROUP)),
            ("2", Some(Sharing::AtLeast(0o664))),
            ("everybody", Some(Sharing::AtLeast(0o664))),
            ("0640", Some(Sharing::Exactly(0o640))),
            ("0660", Some(Sharing::Exactly(0o660))),
            ("true", None),
        ] {
            assert_eq!(Sharing::named(value), wanted, "{value}");
        }
    }

    #[test]
    fn a_new_mode_is_what_git_makes_of_it() {
        let folder = |sharing: Sharing, mode| sharing.mode(mode, true);
        let file = |sharing: Sharing, mode| sharing.mode(mode, false);
        for (found, wanted) in [
            (file(Sharing::Umask, 0o600), 0o600),
            (file(Sharing::GROUP, 0o644), 0o664),
            (file(Sharing::GROUP, 0o600), 0o660),
            (file(Sharing::GROUP, 0o444), 0o444),
            (file(Sharing::Exactly(0o640), 0o644), 0o640),
            (file(Sharing::Exactly(0o640), 0o444), 0o440),
            (file(Sharing::Exactly(0o600), 0o644), 0o600),
            (folder(Sharing::GROUP, 0o755), 0o2775),
            (folder(Sharing::GROUP, 0o700), 0o2770),
            (folder(Sharing::Exactly(0o640), 0o755), 0o2750),
            (folder(Sharing::Exactly(0o600), 0o755), 0o700),
        ] {
            assert_eq!(found, wanted, "{found:o} {wanted:o}");
        }
    }
}
