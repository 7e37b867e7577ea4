//! The environment variables that children do not get, and those that are added for them.

use std::{ffi::OsString, os::unix::process::CommandExt as _};

use crate::model::error::{Error, Result};

mod parameters;

/// What `git rev-parse --local-env-vars` names, from git 2.38 (the last with `GIT_INTERNAL_SUPER_PREFIX` is 2.39) to 2.55, but
/// for `GIT_CONFIG_COUNT` and `GIT_CONFIG_PARAMETERS`, which are the user's configuration; and `GIT_NAMESPACE`, which points at
/// a part of a repository.
pub(super) const REPOSITORY_VARIABLES: [&str; 15] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Those that say where the objects of a push are while a hook decides about it (git-receive-pack(1)). flota's own process keeps them:
/// whoever opens the repository looks whether it is the one that they are about. The library that reads it follows neither.
const OF_A_PUSH: [&str; 2] = ["GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY"];

/// Starts flota anew, with `args`, without the variables that point at a repository, if any is set: what it opens is what lies
/// in its working directory, and the library that reads it follows some of them (`GIT_INDEX_FILE`). What `git -c` says to the
/// commands that it starts is handed over in the form that the library reads, too.
///
/// # Errors
/// Unavailable: it cannot be started. Misuse: `GIT_CONFIG_PARAMETERS` is malformed.
pub fn settle_environment(args: &[OsString]) -> Result<()> {
    let is_set = |name: &&str| std::env::var_os(name).is_some();
    let is_of_a_push = is_set(&"GIT_QUARANTINE_PATH");
    let shed = REPOSITORY_VARIABLES
        .iter()
        .filter(|name| !(is_of_a_push && OF_A_PUSH.contains(name)));
    let parameters = std::env::var_os(PARAMETERS);
    if parameters.is_none() && !shed.clone().any(is_set) {
        return Ok(());
    }
    let cannot = |err| {
        Error::unavailable("cannot start flota without the variables that point at a repository")
            .because(err)
            .hint("unset them: unset $(git rev-parse --local-env-vars)")
    };
    let mut again = std::process::Command::new(std::env::current_exe().map_err(cannot)?);
    again.args(args.iter().skip(1));
    for name in shed {
        again.env_remove(name);
    }
    if let Some(parameters) = parameters {
        again.env_remove(PARAMETERS);
        again.envs(parameters::as_numbered(&parameters)?);
    }
    // Returns only where it fails.
    Err(cannot(again.exec()))
}

/// Where git keeps what `git -c` said.
const PARAMETERS: &str = "GIT_CONFIG_PARAMETERS";

/// Makes git, and the credential manager it may call, fail where they would ask (git(1), Git Credential Manager's
/// `GCM_INTERACTIVE`).
pub(super) const NO_PROMPTS: [(&str, &str); 2] =
    [("GIT_TERMINAL_PROMPT", "0"), ("GCM_INTERACTIVE", "never")];
