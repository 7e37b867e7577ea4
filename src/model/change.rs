//! What happened to the services of a fleet between two commits.

use std::fmt;

use bstr::BString;
use gix::ObjectId;
use serde::{Deserialize, Serialize};

use super::{error::Error, settings::Build, success::Exceptions};

/// The whole answer of change detection; every list is sorted by path.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The older end.
    pub base: Base,
    /// The newer end.
    pub head: End,
    /// Services that are compared with another commit than `base`, by path.
    pub exceptions: Exceptions,
    /// One entry for each submodule with anything to say, services and plain ones.
    pub services: Vec<ServiceChange>,
    /// Files of the superproject itself, outside every service.
    pub paths: Vec<FileChange>,
    /// What a person should look at, though it stops nothing.
    pub warnings: Vec<Warning>,
    /// Submodules of which nothing can be said: the rest of the answer holds without them.
    pub unread: Vec<Unread>,
}

/// A submodule whose pin at head cannot be read. Nothing can be said of it, and nothing of it can be built.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// Its path in the fleet.
    pub path: BString,
    /// The commit that cannot be read.
    pub pin: ObjectId,
    /// Where it should come from, without credentials.
    pub url: Option<BString>,
    /// Why it cannot be read.
    pub why: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

/// How many hints one error gives: where many submodules fail, the others say the same of other paths.
const HINTS: usize = 4;

impl Unread {
    /// One error for all of them, naming service, pin and URL of each, with what to do about it; none for none.
    pub fn error(unread: &[Self]) -> Option<Error> {
        match unread {
            [] => None,
            [only] => Some(only.own_error()),
            several => {
                let lines: Vec<_> = several.iter().map(Self::in_a_line).collect();
                let message = format!("cannot read the commits of {} submodules", several.len());
                let error = Error::repository(message).because(lines.join("\n"));
                Some(Self::hinted(error, several))
            }
        }
    }

    /// The error of this one alone.
    pub fn own_error(&self) -> Error {
        let error = Error::repository(format!("cannot read {self}")).because(self.why.as_str());
        Self::hinted(error, std::slice::from_ref(self))
    }

    /// The error with the hints of all of them, each once.
    fn hinted(error: Error, unread: &[Self]) -> Error {
        let mut hints: Vec<&String> = Vec::new();
        for hint in unread.iter().flat_map(|one| &one.hints) {
            if hints.len() < HINTS && !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        hints.into_iter().fold(error, Error::hint)
    }

    /// With the first line of the reason; a path with a line break makes no line of its own.
    fn in_a_line(&self) -> String {
        let why = self.why.lines().next().unwrap_or_default();
        format!("{self}: {why}").replace('\n', "\\n")
    }
}

/// Which commit of which submodule, and where it should be.
impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self
            .url
            .as_ref()
            .map_or("no URL".to_owned(), ToString::to_string);
        write!(f, "{} at {} ({url})", self.path, self.pin)
    }
}

/// One end of the comparison.
#[derive(Clone, Debug)]
pub struct End {
    /// As the user or the CI system named it.
    pub rev: String,
    /// The commit it means; the null id (zeros) for the empty tree, of a branch that is deleted.
    pub commit: ObjectId,
}

impl End {
    /// The empty tree, by which a deleted branch is compared with what it was.
    pub fn nothing(hash: gix::hash::Kind) -> Self {
        Self {
            rev: hash.null().to_string(),
            commit: hash.null(),
        }
    }
}

/// The older end, and how it was found.
#[derive(Clone, Debug)]
pub struct Base {
    /// As the user or the CI system named it.
    pub rev: String,
    /// The commit compared against; none for the empty tree.
    pub commit: Option<ObjectId>,
    /// How that commit follows from `rev`.
    pub kind: BaseKind,
}

/// How the base commit was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaseKind {
    /// The named commit itself.
    Exact,
    /// The merge base of the named commit and the head.
    MergeBase,
    /// Nothing to compare with: everything counts as added.
    Empty,
    /// The first parent of the head, since `[fleet] base` says that the branch moves by one merge at a time.
    Approximate,
}

/// What happened to one submodule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceChange {
    /// What people call it; see [`service_name`](super::fleet::service_name).
    pub name: BString,
    /// Its path in the fleet at head (at base, when removed); `.` inside a single service repository.
    pub path: BString,
    /// Its path at base, when it moved.
    pub previous_path: Option<BString>,
    /// What happened.
    pub change: ChangeKind,
    /// Which way the pin went; none when there is only one pin.
    pub direction: Option<Direction>,
    /// The pin at base; none when it was no submodule there.
    pub from: Option<ObjectId>,
    /// The pin at head; none when it is no submodule there.
    pub to: Option<ObjectId>,
    /// The code at both ends.
    pub code: Part,
    /// The configuration at both ends.
    pub config: Part,
    /// Whether anything outside code and configuration differs.
    pub other: bool,
    /// What the change calls for.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The submodule's URL at head (at base, when removed), without credentials.
    pub url: Option<BString>,
    /// The files that differ inside it, when they were asked for.
    pub files: Option<Vec<FileChange>>,
}

/// The content identity of one part of a service at both ends: OIDs of Git trees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// At base; none when the part did not exist.
    pub from: Option<ObjectId>,
    /// At head; none when the part does not exist.
    pub to: Option<ObjectId>,
}

impl Part {
    /// Whether the two ends differ.
    pub fn changed(&self) -> bool {
        self.from != self.to
    }
}

/// What happened to one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// New in the fleet.
    Added,
    /// No longer in the fleet.
    Removed,
    /// Its code differs; its configuration may too.
    Code,
    /// Only its configuration differs.
    Config,
    /// Only files outside code and configuration differ.
    Other,
    /// The pin moved, and nothing that is built from it differs.
    PointerOnly,
    /// Moved to another path of the fleet at the same pin.
    Renamed,
    /// `.gitmodules` names another URL for it, and nothing else happened.
    UrlChanged,
    /// A directory of the fleet became a submodule with the same content.
    Extracted,
    /// A submodule became a directory of the fleet with the same content.
    FoldedIn,
    /// The same on both ends: it is here because somebody asked for it.
    Unchanged,
}

/// What a change calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing.
    None,
    /// Package the chart; the image stays.
    Chart,
    /// Build the image, and package its chart.
    Image,
    /// Take it out of service: never part of a build.
    Retire,
}

impl From<Build> for Action {
    fn from(build: Build) -> Self {
        match build {
            Build::Image => Self::Image,
            Build::Chart => Self::Chart,
        }
    }
}

/// Which way a pin moved in the submodule's own history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The new pin contains the old one.
    Forward,
    /// The old pin contains the new one.
    Rollback,
    /// Each has commits that the other lacks.
    Diverged,
    /// The history between them is not available.
    Unknown,
}

/// The rule that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// New in the fleet.
    Added,
    /// No longer in the fleet.
    Removed,
    /// The code's OIDs differ.
    CodeChanged,
    /// The configuration's OIDs differ, the code's do not.
    ConfigChanged,
    /// Both OIDs differ.
    CodeAndConfigChanged,
    /// Only other paths differ.
    OtherPaths,
    /// Only the values of environments differ, which deployments take.
    EnvironmentValues,
    /// The pin moved, the content did not.
    SameContent,
    /// Another path, the same pin.
    Renamed,
    /// Another URL, the same pin.
    UrlChanged,
    /// A submodule without code or configuration.
    Plain,
    /// The old pin's content cannot be fetched, so nothing can be called unchanged.
    BaseUnavailable,
    /// A superproject path that fans out to this service (`[[change.fanout]]`).
    Fanout(BString),
    /// A service it depends on is built (`depends_on`).
    DependsOn(BString),
    /// The image that its own is built on is built (its Dockerfile names it).
    BuildsOn(BString),
    /// Named on the command line, or all were asked for.
    Requested,
}

impl Reason {
    /// The stable word for JSON and tables: kebab-case, with the cause behind a colon where there is one.
    pub fn word(&self) -> String {
        match self {
            Self::Added => "added".into(),
            Self::Removed => "removed".into(),
            Self::CodeChanged => "code-changed".into(),
            Self::ConfigChanged => "config-changed".into(),
            Self::CodeAndConfigChanged => "code-and-config-changed".into(),
            Self::OtherPaths => "other-paths".into(),
            Self::EnvironmentValues => "environment-values".into(),
            Self::SameContent => "same-content".into(),
            Self::Renamed => "renamed".into(),
            Self::UrlChanged => "url-changed".into(),
            Self::Plain => "plain-submodule".into(),
            Self::BaseUnavailable => "base-unavailable".into(),
            Self::Fanout(path) => format!("fanout:{path}"),
            Self::DependsOn(service) => format!("depends-on:{service}"),
            Self::BuildsOn(service) => format!("builds-on:{service}"),
            Self::Requested => "requested".into(),
        }
    }
}

/// One file that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileChange {
    /// Relative to the repository it belongs to.
    pub path: BString,
    /// What happened to it.
    pub status: FileStatus,
}

/// What happened to one file; a rename is a removal and an addition, as in git's raw format without `-M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileStatus {
    /// New.
    Added,
    /// Gone.
    Removed,
    /// Other content or another mode.
    Modified,
}

/// Something a person should look at; `--strict` makes it an error.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The path of the service it is about, where it is about one.
    pub path: Option<BString>,
    /// What kind of warning.
    pub kind: WarningKind,
    /// The sentence for people.
    pub message: String,
}

impl Warning {
    /// That the name in `rev` means several `refs`, of which the first was taken.
    pub fn ambiguous(rev: &str, refs: &[String]) -> Self {
        let (taken, others) = refs
            .split_first()
            .map_or(("", refs), |(one, rest)| (one, rest));
        let others = others.join(" and ");
        Self {
            path: None,
            kind: WarningKind::AmbiguousName,
            message: format!(
                "`{rev}` is ambiguous: flota took {taken}, as git does, and not {others}; a full name is never ambiguous"
            ),
        }
    }
}

/// The kinds of warnings, stable words in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// The old pin's content cannot be fetched; the service is built to be safe.
    BaseUnavailable,
    /// A pin went backwards, and no commit of the range did that.
    UnintendedRevert,
    /// The submodule's URL changed.
    UrlChanged,
    /// A gitlink without a section in `.gitmodules`.
    Unlisted,
    /// The base that was asked for is gone.
    ApproximateBase,
    /// The name of an end means several refs.
    AmbiguousName,
    /// A pin that its remote does not have.
    UnpushedPin,
    /// A pin that is on no branch of its remote.
    BranchlessPin,
    /// A file or a symbolic link took the place of a submodule.
    Replaced,
    /// A service's folder of code or configuration is a symbolic link or a submodule, which is not followed.
    LinkedPart,
    /// A submodule that is no service cannot be read; nothing hangs on it.
    PlainUnread,
    /// The configuration names a service that the fleet does not have.
    UnknownService,
    /// Nobody knows which images of the fleet a service's image is built on, so that it is not built again for them.
    UnknownBase,
}

#[cfg(test)]
mod tests;
