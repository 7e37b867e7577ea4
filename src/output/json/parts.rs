//! What several views have in common, beside the parts of documents that are read back ([`crate::model::document`]).

use bstr::BStr;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::model::{
    change::{Action, ChangeKind, Direction, FileChange, FileStatus, Part, ServiceChange},
    commits::{Commits, Listed},
    document::{
        BaseV1, EndV1, ExceptionV1, FailureV1, Hex, UnreadV1, WarningV1, encode, exceptions,
    },
    log::Between,
    sync::Synced,
};

/// What happened to a service between two commits of the fleet.
#[derive(Serialize)]
pub(super) struct ServiceV1<'a> {
    #[serde(flatten)]
    name: Bytes<'a>,
    #[serde(flatten)]
    path: Bytes<'a>,
    #[serde(flatten)]
    previous_path: Option<Bytes<'a>>,
    change: ChangeKind,
    direction: Option<Direction>,
    from: Option<Hex>,
    to: Option<Hex>,
    code: PartV1,
    config: PartV1,
    other: bool,
    action: Action,
    reason: String,
    #[serde(flatten)]
    url: OptionalBytes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<FileV1<'a>>>,
}

impl<'a> From<&'a ServiceChange> for ServiceV1<'a> {
    fn from(service: &'a ServiceChange) -> Self {
        Self {
            name: Bytes("name", service.name.as_ref()),
            path: Bytes("path", service.path.as_ref()),
            previous_path: service
                .previous_path
                .as_ref()
                .map(|p| Bytes("previous_path", p.as_ref())),
            change: service.change,
            direction: service.direction,
            from: service.from.map(Hex),
            to: service.to.map(Hex),
            code: service.code.into(),
            config: service.config.into(),
            other: service.other,
            action: service.action,
            reason: service.reason.word(),
            url: OptionalBytes("url", service.url.as_ref().map(|url| url.as_ref())),
            files: service
                .files
                .as_ref()
                .map(|files| files.iter().map(FileV1::from).collect()),
        }
    }
}

#[derive(Serialize)]
pub(super) struct PartV1 {
    changed: bool,
    from: Option<Hex>,
    to: Option<Hex>,
}

impl From<Part> for PartV1 {
    fn from(part: Part) -> Self {
        Self {
            changed: part.changed(),
            from: part.from.map(Hex),
            to: part.to.map(Hex),
        }
    }
}

#[derive(Serialize)]
pub(super) struct FileV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    status: FileStatus,
}

impl<'a> From<&'a FileChange> for FileV1<'a> {
    fn from(file: &'a FileChange) -> Self {
        Self {
            path: Bytes("path", file.path.as_ref()),
            status: file.status,
        }
    }
}

#[derive(Serialize)]
pub(super) struct CommitsV1<'a> {
    count: usize,
    newest: Vec<ListedV1<'a>>,
}

impl<'a> From<&'a Commits> for CommitsV1<'a> {
    fn from(commits: &'a Commits) -> Self {
        Self {
            count: commits.count,
            newest: commits.newest.iter().map(ListedV1::from).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ListedV1<'a> {
    commit: Hex,
    #[serde(flatten)]
    subject: Bytes<'a>,
}

impl<'a> From<&'a Listed> for ListedV1<'a> {
    fn from(listed: &'a Listed) -> Self {
        Self {
            commit: Hex(listed.id),
            subject: Bytes("subject", listed.subject.as_ref()),
        }
    }
}

/// Bytes under a key: lossy UTF-8, and when that lost something, the bytes themselves under `<key>_b64`.
pub(super) struct Bytes<'a>(pub &'static str, pub &'a BStr);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(key, bytes) = self;
        let (text, encoded) = encode(bytes);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(key, &text)?;
        if let Some(encoded) = encoded {
            map.serialize_entry(&format!("{key}_b64"), &encoded)?;
        }
        map.end()
    }
}

/// The same for what may be missing: `null`, not an absent key.
pub(super) struct OptionalBytes<'a>(pub &'static str, pub Option<&'a BStr>);

impl Serialize for OptionalBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(bytes) = self.1 {
            return Bytes(self.0, bytes).serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &())?;
        map.end()
    }
}

/// A submodule that was brought to its pin, or was not.
#[derive(Serialize)]
pub(super) struct SubmoduleV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    pin: Option<Hex>,
    outcome: &'static str,
    from: Option<Hex>,
    /// Where HEAD is, where it has more than the pin.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Hex>,
    error: Option<String>,
}

impl<'a> From<&'a Synced> for SubmoduleV1<'a> {
    fn from(synced: &'a Synced) -> Self {
        Self {
            path: Bytes("path", synced.path.as_ref()),
            pin: synced.pin.map(Hex),
            outcome: synced.outcome.name(),
            from: synced.outcome.from().map(Hex),
            to: synced.outcome.beyond().map(Hex),
            error: synced.outcome.error().map(ToString::to_string),
        }
    }
}

/// Why some are not at their pins.
pub(super) fn unsynced(synced: &[Synced]) -> Vec<FailureV1<'_>> {
    FailureV1::all(synced.iter().map(|it| (&it.path, it.outcome.error())))
}

/// What was found between two commits of the fleet: `T` for each service.
#[derive(Serialize)]
pub(super) struct BetweenV1<'a, T> {
    schema: &'static str,
    base: BaseV1<'a>,
    head: EndV1<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exceptions: Vec<ExceptionV1<'a>>,
    services: Vec<T>,
    warnings: Vec<WarningV1<'a>>,
    errors: Vec<UnreadV1<'a>>,
}

impl<'a, T> BetweenV1<'a, T> {
    /// The view of `between` with `services` for its services.
    pub(super) fn new<S>(schema: &'static str, between: &'a Between<S>, services: Vec<T>) -> Self {
        Self {
            schema,
            base: BaseV1::from(&between.base),
            head: EndV1::from(&between.head),
            exceptions: exceptions(&between.exceptions),
            services,
            warnings: between.warnings.iter().map(WarningV1::from).collect(),
            errors: between.unread.iter().map(UnreadV1::from).collect(),
        }
    }
}
