//! What is asked for, and what comes of it.

use bstr::{BString, ByteSlice};
use gix::ObjectId;

use crate::{
    git::{submodule::Store, url::Source},
    model::{error::Error, fleet::without_credentials},
};

/// Commits of one submodule.
#[derive(Clone, Debug)]
pub struct WantedCommits {
    /// Where it sits, for messages.
    pub path: BString,
    /// Its name in the fleet's `.gitmodules`; none for a submodule of a submodule, of which the fleet's configuration says
    /// nothing.
    pub name: Option<BString>,
    /// Its URL there, maybe relative to the fleet's.
    pub url: Option<BString>,
    /// The commits.
    pub commits: Vec<ObjectId>,
    /// Trees and files of the first of them that are needed however little of a commit is asked for.
    pub objects: Vec<ObjectId>,
}

/// What came of one [`WantedCommits`].
pub struct Fetched {
    /// Holds every wanted commit but the missing ones; none when all are missing.
    pub store: Option<Store>,
    /// The commits that cannot be fetched.
    pub missing: Vec<Missing>,
}

/// A commit that cannot be fetched.
#[derive(Debug)]
pub struct Missing {
    /// Which one.
    pub commit: ObjectId,
    /// Why: names the submodule, the commit and the URL. Repository (exit 4).
    pub error: Error,
}

impl WantedCommits {
    /// Its path for a command line, if it is a submodule of the fleet itself: those of its submodules are given without a name.
    pub(super) fn in_fleet(&self) -> Option<String> {
        self.name.as_ref()?;
        let path = self.path.to_str().ok()?;
        shlex::try_quote(path).ok().map(Into::into)
    }

    /// That `commit` cannot be fetched from `source`, or from what is listed.
    pub(super) fn error(&self, commit: ObjectId, source: Option<&Source>) -> Error {
        let listed = || {
            let url = self.url.as_ref()?;
            Some(without_credentials(url.as_ref()))
        };
        let url = source.map(|source| source.shown.clone()).or_else(listed);
        let from = url.map_or("no URL".to_owned(), |url| url.to_string());
        Error::repository(format!(
            "{}: its commit {commit} cannot be fetched ({from})",
            self.path
        ))
    }
}
