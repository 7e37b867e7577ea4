//! Commits that a submodule's repository lacks: where they are asked for, and what is said where they are nowhere.

use std::{num::NonZeroU32, path::Path};

use bstr::{BString, ByteSlice};
use gix::ObjectId;

use super::{Access, remote_of, set_url};
use crate::{
    git::{
        network::{
            command::{SOURCE, ServerCommand},
            fault::{ServerFault, explain},
        },
        remote,
        submodule::Store,
        url::Source,
    },
    model::{
        error::{Error, Result},
        fleet::without_credentials,
    },
};

/// Where the branches of a URL are kept that is no remote's.
const LISTED: &str = "refs/flota/listed/";

impl Access<'_> {
    pub(super) fn obtain_commit(
        &self,
        git_dir: &Path,
        source: &Source,
        commit: ObjectId,
        depth: Option<NonZeroU32>,
    ) -> Result<()> {
        let is_here = || {
            Store::at(git_dir.to_owned(), commit.kind())
                .is_some_and(|store| matches!(store.tree_of(commit), Ok(Some(_))))
        };
        if is_here() {
            return Ok(());
        }
        if source.is_replaced {
            self.follow(git_dir, source)?;
            if is_here() {
                return Ok(());
            }
        }
        let depth = depth.map(|depth| format!("--depth={depth}"));
        let mut asked = Vec::new();
        for place in places(git_dir, source)? {
            let fetched = self.fetch_commit(git_dir, source, &place, commit, depth.clone());
            if is_here() {
                return Ok(());
            }
            asked.push((place.shown(source), fetched));
        }
        Err(lacking(commit, asked, source))
    }

    /// Lets the submodule `git_dir` follow where `.gitmodules` says that it is: the URL of its remote, and its remote-tracking
    /// branches, which otherwise would go on saying what is pushed where nobody looks any more.
    ///
    /// # Errors
    /// As [`Access::clone`]: nothing is changed then. Unavailable: its configuration cannot be written.
    pub fn follow(&self, git_dir: &Path, source: &Source) -> Result<()> {
        let source = source.of_gitmodules();
        let remote = remote_of(git_dir);
        let patience = self.options.patience;
        let branches =
            ServerCommand::in_submodule_to(git_dir, source, &self.configuration, patience)
                .fetch()
                .args(["--prune", "--", SOURCE])
                .arg(format!("+refs/heads/*:refs/remotes/{remote}/*"));
        self.run(&branches)
            .map_err(|fault| explain(&fault, source, "cannot be fetched from"))?;
        set_url(git_dir, remote.as_ref(), source)
    }

    /// Brings `commit` from `place`: by its id, which any forge gives; a server that does not may have it on a branch.
    fn fetch_commit(
        &self,
        git_dir: &Path,
        source: &Source,
        place: &CommitSource,
        commit: ObjectId,
        depth: Option<String>,
    ) -> std::result::Result<(), ServerFault> {
        let patience = self.options.patience;
        let configuration = &self.configuration;
        // The branches come along: who looks at the submodule later sees what is pushed.
        let (name, branches) = match place {
            CommitSource::Remote { name, .. } => {
                (name.clone(), format!("+refs/heads/*:refs/remotes/{name}/*"))
            }
            // They are nobody's remote-tracking branches, and keep what is checked out from being on none.
            CommitSource::Url(_) => (SOURCE.into(), format!("+refs/heads/*:{LISTED}*")),
        };
        let fetch = |depth: Option<String>, refspecs: Vec<String>| {
            let command = match place {
                CommitSource::Remote { name, .. } => ServerCommand::in_submodule(
                    git_dir,
                    name.as_ref(),
                    source,
                    configuration,
                    patience,
                ),
                CommitSource::Url(url) => {
                    ServerCommand::in_submodule_to(git_dir, url, configuration, patience)
                }
            };
            let command = command.fetch().args(depth).arg("--");
            self.run(
                &command
                    .arg(name.to_os_str_lossy().into_owned())
                    .args(refspecs),
            )
        };
        match fetch(depth, vec![commit.to_string(), branches.clone()]) {
            Err(ServerFault::Unadvertised(_)) => fetch(None, vec![branches]),
            ended => ended,
        }
    }
}

/// What is asked for a commit.
enum CommitSource {
    /// The submodule's own remote, by its name; and its URL.
    Remote { name: BString, url: BString },
    /// Where the fleet says that it is.
    Url(Box<Source>),
}

impl CommitSource {
    /// As messages call it.
    fn shown(&self, source: &Source) -> BString {
        match self {
            Self::Remote { url, .. } if url.is_empty() => source.shown.clone(),
            Self::Remote { url, .. } => without_credentials(url.as_ref()),
            Self::Url(source) => source.shown.clone(),
        }
    }
}

/// Where to ask for a commit of the submodule `git_dir`: its own remote first, then what is configured in the fleet, then what
/// `.gitmodules` lists; each place once.
fn places(git_dir: &Path, source: &Source) -> Result<Vec<CommitSource>> {
    let repo = gix::open(git_dir).map_err(|err| {
        Error::repository(format!("cannot open `{}`", git_dir.display())).because(err)
    })?;
    let name = remote::name(&repo);
    let url = remote::url(&repo, name.as_ref());
    let known = remote::urls(&repo);
    let real = known.iter().find(|(known, _)| *known == name);
    let mut places = Vec::new();
    if let Some(url) = url {
        places.push(CommitSource::Remote { name, url });
    }
    let is_asked = |source: &Source| real.is_some_and(|(_, url)| source.is_at(url.as_ref()));
    for source in [Some(source), source.listed.as_deref()]
        .into_iter()
        .flatten()
    {
        if !is_asked(source) {
            places.push(CommitSource::Url(Box::new(source.clone())));
        }
    }
    Ok(places)
}

/// Why a commit is nowhere where it was asked for: a server that cannot be reached before those that do not have it.
fn lacking(
    commit: ObjectId,
    asked: Vec<(BString, std::result::Result<(), ServerFault>)>,
    source: &Source,
) -> Error {
    let mut said = Vec::new();
    let mut unreachable = None;
    for (shown, answer) in &asked {
        match answer {
            Ok(()) => {}
            Err(fault @ (ServerFault::NotThere(_) | ServerFault::Unadvertised(_))) => {
                said.push(fault.said());
            }
            Err(fault) => unreachable = unreachable.or(Some((shown, fault))),
        }
    }
    if let Some((shown, fault)) = unreachable {
        let mut at = source.clone();
        at.shown.clone_from(shown);
        return explain(fault, &at, "cannot be fetched from");
    }
    let places: Vec<_> = asked.iter().map(|(shown, _)| shown.to_string()).collect();
    let error = Error::repository(format!(
        "its commit {commit} is not on {}",
        places.join(", nor on ")
    ))
    .hint("push it from the clone that has it, or pin a commit that the server has");
    match said.is_empty() {
        true => error,
        false => error.because(said.join("\n")),
    }
}
