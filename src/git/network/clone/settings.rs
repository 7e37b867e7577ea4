//! Settings (git-config(1)) that change what a new clone is like or how it comes about, and that git alone knows how to follow:
//! where one of them is set, `git clone` makes the clone.

use gix::config::{File, Source, file::Metadata};

/// The first of them that the user's or the system's files say in `config`: what the fleet's own file says is of the fleet alone.
pub(super) fn of_git(config: &File) -> Option<&'static str> {
    let is_on = |key: &'static str| matches!(config.boolean_filter(key, is_users), Ok(Some(true)));
    let is_set = |key: &'static str, is_usual: fn(&str) -> bool| {
        let value = config.string_filter(key, is_users)?.to_string();
        (!is_usual(&value)).then_some(key)
    };
    // Of the two for fetches, that of fetch counts.
    let checks = match config.boolean_filter("fetch.fsckObjects", is_users) {
        Ok(Some(_)) => "fetch.fsckObjects",
        _ => "transfer.fsckObjects",
    };
    // Objects are looked at more closely than flota does.
    is_on(checks)
        .then_some(checks)
        // Who may read and write what is there.
        .or_else(|| {
            is_set("core.sharedRepository", |value| {
                matches!(value, "umask" | "false" | "0")
            })
        })
        // Notes of where refs were: git writes down nothing of its own then.
        .or_else(|| is_set("core.logAllRefUpdates", |_| false))
        .or_else(|| is_set("branch.autoSetupRebase", |value| value == "never"))
        .or_else(|| {
            is_set("branch.autoSetupMerge", |value| {
                matches!(value, "true" | "always")
            })
        })
        // Two requests are enough in version 2 alone.
        .or_else(|| is_set("protocol.version", |value| value == "2"))
        // Of a server's refs, some are hidden: on this machine git is that server.
        .or_else(|| {
            HIDING
                .into_iter()
                .find(|key| is_set(key, |_| false).is_some())
        })
}

/// What hides refs from clients.
const HIDING: [&str; 2] = ["transfer.hideRefs", "uploadpack.hideRefs"];

/// The first of them that a repository on this machine says, which is to be cloned: git is its server.
pub(super) fn of_server(config: &File) -> Option<&'static str> {
    HIDING.into_iter().find(|key| config.string(*key).is_some())
}

fn is_users(meta: &Metadata) -> bool {
    !matches!(meta.source, Source::Local | Source::Worktree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_git_can_follow_is_gits() {
        for (text, want) in [
            ("", None),
            ("[transfer]\nfsckObjects", Some("transfer.fsckObjects")),
            (
                "[transfer]\nfsckObjects = true",
                Some("transfer.fsckObjects"),
            ),
            ("[transfer]\nfsckObjects = false", None),
            (
                "[transfer]\nfsckObjects = true\n[fetch]\nfsckObjects = false",
                None,
            ),
            ("[fetch]\nfsckObjects = 1", Some("fetch.fsckObjects")),
            ("[transfer]\nhideRefs = refs/x", Some("transfer.hideRefs")),
            (
                "[uploadpack]\nhideRefs = refs/x",
                Some("uploadpack.hideRefs"),
            ),
            (
                "[core]\nsharedRepository = group",
                Some("core.sharedRepository"),
            ),
            (
                "[core]\nsharedRepository = 0660",
                Some("core.sharedRepository"),
            ),
            ("[core]\nsharedRepository = umask", None),
            (
                "[core]\nlogAllRefUpdates = always",
                Some("core.logAllRefUpdates"),
            ),
            (
                "[core]\nlogAllRefUpdates = false",
                Some("core.logAllRefUpdates"),
            ),
            (
                "[branch]\nautoSetupRebase = always",
                Some("branch.autoSetupRebase"),
            ),
            ("[branch]\nautoSetupRebase = never", None),
            (
                "[branch]\nautoSetupMerge = false",
                Some("branch.autoSetupMerge"),
            ),
            ("[protocol]\nversion = 1", Some("protocol.version")),
            ("[protocol]\nversion = 2", None),
            ("[core]\ncompression = 9\npackedGitLimit = 1m", None),
            ("[fetch]\nparallel = 4\nunpackLimit = 1\nprune = true", None),
            ("[receive]\nfsckObjects = true\nunpackLimit = 1", None),
            ("[index]\nversion = 4\nthreads = 1", None),
            ("[checkout]\nworkers = 4", None),
        ] {
            let of = |source| {
                let metadata = Metadata::from(source);
                File::from_bytes_no_includes(text.as_bytes(), metadata, Default::default())
            };
            assert_eq!(of_git(&of(Source::User).unwrap()), want, "{text}");
            assert_eq!(of_git(&of(Source::Local).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn a_repository_that_hides_refs_is_gits_to_serve() {
        for (text, want) in [
            ("[core]\nlogAllRefUpdates = true", None),
            ("[transfer]\nhideRefs = refs/x", Some("transfer.hideRefs")),
            (
                "[uploadpack]\nhideRefs = refs/x",
                Some("uploadpack.hideRefs"),
            ),
        ] {
            assert_eq!(of_server(&File::try_from(text).unwrap()), want, "{text}");
        }
    }
}
