//! Results as versioned JSON: a view type for each schema, so that the model may change without breaking readers.

use base64::Engine;
use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::text;
use crate::model::{
    change::{
        Action, Base, BaseKind, ChangeKind, Direction, End, FileChange, FileStatus, Part,
        ServiceChange, Unread, Warning, WarningKind,
    },
    commits::{Commits, Listed},
    plan::Step,
    success::Exceptions,
};

mod build;
mod bump;
mod cache;
mod changed;
mod ci;
mod explain;
mod foreach;
mod init;
mod new;
mod plan;
mod record;
mod resolve;
mod status;
mod switch;
mod template;
mod templates;
mod update;

pub use build::build;
pub use bump::bumps;
pub use cache::caches;
pub use changed::changed;
pub use ci::pipelines;
pub use explain::explanation;
pub use foreach::foreach;
pub use init::initialised;
pub use new::new;
pub use plan::plan;
pub use record::recorded;
pub use resolve::conflicts;
pub use status::status;
pub use switch::switched;
pub use template::{drift, template_updated};
pub use templates::templates;
pub use update::{cloned, followed, updated};

#[derive(Serialize)]
struct BaseV1<'a> {
    rev: &'a str,
    commit: Option<Hex>,
    kind: BaseKind,
}

impl<'a> From<&'a Base> for BaseV1<'a> {
    fn from(base: &'a Base) -> Self {
        Self {
            rev: &base.rev,
            commit: base.commit.map(Hex),
            kind: base.kind,
        }
    }
}

/// A service that is compared with another commit than the rest.
#[derive(Serialize)]
struct ExceptionV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    commit: Option<Hex>,
}

fn exceptions<'a>(exceptions: &'a Exceptions) -> Vec<ExceptionV1<'a>> {
    let view = |(path, commit): (&'a BString, &Option<ObjectId>)| ExceptionV1 {
        path: Bytes("path", path.as_ref()),
        commit: commit.map(Hex),
    };
    exceptions.iter().map(view).collect()
}

#[derive(Serialize)]
struct EndV1<'a> {
    rev: &'a str,
    commit: Hex,
}

impl<'a> From<&'a End> for EndV1<'a> {
    fn from(end: &'a End) -> Self {
        Self {
            rev: &end.rev,
            commit: Hex(end.commit),
        }
    }
}

#[derive(Serialize)]
struct ServiceV1<'a> {
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
struct PartV1 {
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
struct FileV1<'a> {
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
struct WarningV1<'a> {
    kind: WarningKind,
    #[serde(flatten)]
    path: OptionalBytes<'a>,
    message: &'a str,
}

impl<'a> From<&'a Warning> for WarningV1<'a> {
    fn from(warning: &'a Warning) -> Self {
        let path = OptionalBytes("path", warning.path.as_ref().map(|path| path.as_ref()));
        Self {
            kind: warning.kind,
            path,
            message: &warning.message,
        }
    }
}

#[derive(Serialize)]
struct UnreadV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    pin: Hex,
    #[serde(flatten)]
    url: OptionalBytes<'a>,
    why: &'a str,
}

impl<'a> From<&'a Unread> for UnreadV1<'a> {
    fn from(unread: &'a Unread) -> Self {
        Self {
            path: Bytes("path", unread.path.as_ref()),
            pin: Hex(unread.pin),
            url: OptionalBytes("url", unread.url.as_ref().map(|url| url.as_ref())),
            why: &unread.why,
        }
    }
}

#[derive(Serialize)]
struct StepV1<'a> {
    #[serde(flatten)]
    name: Bytes<'a>,
    #[serde(flatten)]
    path: Bytes<'a>,
    action: Action,
    reason: String,
    commit: Option<Hex>,
    code: Option<Hex>,
    config: Option<Hex>,
    #[serde(flatten)]
    url: OptionalBytes<'a>,
}

impl<'a> From<&'a Step> for StepV1<'a> {
    fn from(step: &'a Step) -> Self {
        Self {
            name: Bytes("name", step.name.as_ref()),
            path: Bytes("path", step.path.as_ref()),
            action: step.action,
            reason: step.reason.word(),
            commit: step.commit.map(Hex),
            code: step.code.map(Hex),
            config: step.config.map(Hex),
            url: OptionalBytes("url", step.url.as_ref().map(|url| url.as_ref())),
        }
    }
}

#[derive(Serialize)]
struct CommitsV1<'a> {
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
struct ListedV1<'a> {
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

/// An object id as hexadecimal digits.
struct Hex(ObjectId);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Bytes under a key: lossy UTF-8, and when that lost something, the bytes themselves under `<key>_b64`.
struct Bytes<'a>(&'static str, &'a BStr);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(key, bytes) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(key, &bytes.to_str_lossy())?;
        if bytes.to_str().is_err() {
            let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
            map.serialize_entry(&format!("{key}_b64"), &encoded)?;
        }
        map.end()
    }
}

/// The same for what may be missing: `null`, not an absent key.
struct OptionalBytes<'a>(&'static str, Option<&'a BStr>);

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

/// Indented JSON, in which `'`, `` ` ``, `$`, `<`, `>`, `&` and whatever could steer a terminal are written `\uXXXX`: pasted
/// into a shell line or a page it stays data, and on a terminal it shows what it says. `##` loses its looks too: with it begin
/// the commands that Azure Pipelines finds anywhere in a line.
fn render(view: &impl Serialize) -> String {
    // The view types hold strings, numbers and maps with string keys: writing them to memory cannot fail.
    let json = serde_json::to_string_pretty(view).expect("views are plain data");
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        match c {
            // The line breaks of the indentation: those inside strings are escaped by now.
            '\n' => out.push(c),
            '\'' | '`' | '$' | '<' | '>' | '&' => out.push_str(&escaped(c)),
            _ if text::is_unsafe(c) => out.push_str(&escaped(c)),
            _ => out.push(c),
        }
    }
    out.push('\n');
    out.replace("##", r"#\u0023")
}

/// A character of Unicode's basic plane, where all are that need this, as JSON's escape.
fn escaped(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct View<'a> {
        #[serde(flatten)]
        path: Bytes<'a>,
        #[serde(flatten)]
        url: OptionalBytes<'a>,
    }

    #[test]
    fn bytes_survive_and_stay_data() {
        let path = Bytes(
            "path",
            b"a\xff $(x)'`<&>\x1b\x7f\xe2\x80\xae##vso[".as_bstr(),
        );
        let out = render(&View {
            path,
            url: OptionalBytes("url", None),
        });
        for raw in [
            "$", "'", "`", "<", ">", "&", "\u{1b}", "\u{7f}", "\u{202e}", "##",
        ] {
            assert!(!out.contains(raw), "{raw:?} in {out}");
        }
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            read["path"],
            "a\u{fffd} $(x)'`<&>\u{1b}\u{7f}\u{202e}##vso["
        );
        assert_eq!(read["path_b64"], "Yf8gJCh4KSdgPCY+G3/igK4jI3Zzb1s=");
        assert_eq!(read["url"], serde_json::Value::Null);
    }
}
