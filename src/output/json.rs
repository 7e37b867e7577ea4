//! Results as versioned JSON: a view type for each schema, so that the model may change without breaking readers.

use std::{os::unix::ffi::OsStrExt, path::Path};

use base64::Engine;
use bstr::{BStr, ByteSlice};
use gix::ObjectId;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::text;
use crate::model::{
    bump::Bump,
    cache::{Cache, CacheKind},
    change::{
        Action, Base, BaseKind, ChangeKind, Changed, Direction, End, FileChange, FileStatus, Part,
        ServiceChange, Unread, Warning, WarningKind,
    },
    explanation::Explanation,
    plan::{Plan, Step},
    report::{BuildReport, BuiltService, ChartReport, ImageReport, Status},
    status::{Changes, ServiceStatus, Standing, State},
    sync::{Outcome, Synced},
};

/// `flota.changed/v1`
pub fn changed(changed: &Changed) -> String {
    render(&ChangedV1 {
        schema: "flota.changed/v1",
        base: BaseV1::from(&changed.base),
        head: EndV1::from(&changed.head),
        services: changed.services.iter().map(ServiceV1::from).collect(),
        paths: changed.paths.iter().map(FileV1::from).collect(),
        warnings: changed.warnings.iter().map(WarningV1::from).collect(),
        errors: changed.unread.iter().map(UnreadV1::from).collect(),
    })
}

/// `flota.plan/v1`
pub fn plan(plan: &Plan) -> String {
    render(&PlanV1 {
        schema: "flota.plan/v1",
        base: plan.base.as_ref().map(BaseV1::from),
        head: EndV1::from(&plan.head),
        count: plan.builds().count(),
        has_changes: plan.builds().next().is_some(),
        steps: plan.steps.iter().map(StepV1::from).collect(),
        warnings: plan.warnings.iter().map(WarningV1::from).collect(),
        errors: plan.unread.iter().map(UnreadV1::from).collect(),
    })
}

/// `flota.explain/v1`
pub fn explanation(explanation: &Explanation) -> String {
    render(&ExplainV1 {
        schema: "flota.explain/v1",
        base: BaseV1::from(&explanation.base),
        head: EndV1::from(&explanation.head),
        asked: &explanation.asked,
        service: explanation.service.as_ref().map(ServiceV1::from),
        rule: explanation.rule.number,
        rule_text: explanation.rule.text,
        commands: explanation
            .commands
            .iter()
            .map(|command| command.line.as_str())
            .collect(),
    })
}

/// `flota.build/v1`
pub fn build(report: &BuildReport) -> String {
    render(&BuildV1 {
        schema: "flota.build/v1",
        base: report.base.as_ref().map(BaseV1::from),
        head: EndV1::from(&report.head),
        count: report.services.len(),
        has_changes: !report.services.is_empty(),
        builder: report.builder,
        services: report.services.iter().map(BuiltV1::from).collect(),
        warnings: report.warnings.iter().map(WarningV1::from).collect(),
        seconds: report.took.as_secs_f64(),
    })
}

/// `flota.cache/v1`
pub fn caches(caches: &[Cache]) -> String {
    render(&CachesV1 {
        schema: "flota.cache/v1",
        caches: caches.iter().map(CacheV1::from).collect(),
    })
}

/// `flota.clone/v1`
pub fn cloned(directory: &Path, synced: &[Synced]) -> String {
    render(&SyncedV1 {
        schema: "flota.clone/v1",
        directory: Some(Bytes(
            "directory",
            directory.as_os_str().as_bytes().as_bstr(),
        )),
        submodules: synced.iter().map(SubmoduleV1::from).collect(),
    })
}

/// `flota.update/v1`
pub fn updated(synced: &[Synced]) -> String {
    render(&SyncedV1 {
        schema: "flota.update/v1",
        directory: None,
        submodules: synced.iter().map(SubmoduleV1::from).collect(),
    })
}

/// `flota.bump/v1`
pub fn bumps(bumps: &[Bump]) -> String {
    render(&BumpsV1 {
        schema: "flota.bump/v1",
        services: bumps.iter().map(BumpV1::from).collect(),
    })
}

#[derive(Serialize)]
struct BumpsV1<'a> {
    schema: &'static str,
    services: Vec<BumpV1<'a>>,
}

#[derive(Serialize)]
struct BumpV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    from: String,
    to: String,
    standing: Standing,
    dirty: bool,
}

impl<'a> From<&'a Bump> for BumpV1<'a> {
    fn from(bump: &'a Bump) -> Self {
        Self {
            path: Bytes("path", bump.path.as_ref()),
            from: bump.from.to_string(),
            to: bump.to.to_string(),
            standing: bump.standing,
            dirty: bump.is_dirty,
        }
    }
}

/// `flota.status/v1`
pub fn status(services: &[ServiceStatus]) -> String {
    render(&StatusV1 {
        schema: "flota.status/v1",
        services: services.iter().map(ServiceStatusV1::from).collect(),
    })
}

#[derive(Serialize)]
struct StatusV1<'a> {
    schema: &'static str,
    services: Vec<ServiceStatusV1<'a>>,
}

#[derive(Serialize)]
struct ServiceStatusV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    state: &'static str,
    pin: Option<String>,
    head: Option<String>,
    #[serde(flatten)]
    branch: OptionalBytes<'a>,
    standing: Option<Standing>,
    changes: Option<Changes>,
    unpushed: Option<usize>,
    error: Option<String>,
}

impl<'a> From<&'a ServiceStatus> for ServiceStatusV1<'a> {
    fn from(service: &'a ServiceStatus) -> Self {
        let (state, worktree, error) = match &service.state {
            State::Here(worktree) => ("here", Some(worktree), None),
            State::Uninitialised => ("uninitialised", None, None),
            State::Unreadable(error) => ("unreadable", None, Some(error.to_string())),
        };
        let branch = worktree.and_then(|worktree| worktree.branch.as_ref());
        Self {
            path: Bytes("path", service.path.as_ref()),
            state,
            pin: service.pin.map(|pin| pin.to_string()),
            head: worktree.and_then(|worktree| Some(worktree.head?.to_string())),
            branch: OptionalBytes("branch", branch.map(AsRef::as_ref)),
            standing: worktree.map(|worktree| worktree.standing),
            changes: worktree.map(|worktree| worktree.changes),
            unpushed: worktree.map(|worktree| worktree.unpushed),
            error,
        }
    }
}

#[derive(Serialize)]
struct SyncedV1<'a> {
    schema: &'static str,
    #[serde(flatten)]
    directory: Option<Bytes<'a>>,
    submodules: Vec<SubmoduleV1<'a>>,
}

#[derive(Serialize)]
struct SubmoduleV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    pin: String,
    outcome: &'static str,
    from: Option<String>,
    error: Option<String>,
}

impl<'a> From<&'a Synced> for SubmoduleV1<'a> {
    fn from(synced: &'a Synced) -> Self {
        Self {
            path: Bytes("path", synced.path.as_ref()),
            pin: synced.pin.to_string(),
            outcome: synced.outcome.name(),
            from: match &synced.outcome {
                Outcome::Moved { from } => Some(from.to_string()),
                _ => None,
            },
            error: synced.outcome.error().map(ToString::to_string),
        }
    }
}

#[derive(Serialize)]
struct CachesV1<'a> {
    schema: &'static str,
    caches: Vec<CacheV1<'a>>,
}

#[derive(Serialize)]
struct CacheV1<'a> {
    kind: CacheKind,
    #[serde(flatten)]
    path: Bytes<'a>,
    entries: usize,
    bytes: u64,
}

impl<'a> From<&'a Cache> for CacheV1<'a> {
    fn from(cache: &'a Cache) -> Self {
        Self {
            kind: cache.kind,
            path: Bytes("path", cache.path.as_os_str().as_bytes().as_bstr()),
            entries: cache.entries,
            bytes: cache.bytes,
        }
    }
}

#[derive(Serialize)]
struct ChangedV1<'a> {
    schema: &'static str,
    base: BaseV1<'a>,
    head: EndV1<'a>,
    services: Vec<ServiceV1<'a>>,
    paths: Vec<FileV1<'a>>,
    warnings: Vec<WarningV1<'a>>,
    errors: Vec<UnreadV1<'a>>,
}

#[derive(Serialize)]
struct PlanV1<'a> {
    schema: &'static str,
    base: Option<BaseV1<'a>>,
    head: EndV1<'a>,
    /// Builds, retirements left out.
    count: usize,
    has_changes: bool,
    steps: Vec<StepV1<'a>>,
    warnings: Vec<WarningV1<'a>>,
    errors: Vec<UnreadV1<'a>>,
}

#[derive(Serialize)]
struct ExplainV1<'a> {
    schema: &'static str,
    base: BaseV1<'a>,
    head: EndV1<'a>,
    asked: &'a str,
    service: Option<ServiceV1<'a>>,
    rule: u8,
    rule_text: &'static str,
    commands: Vec<&'a str>,
}

#[derive(Serialize)]
struct BuildV1<'a> {
    schema: &'static str,
    base: Option<BaseV1<'a>>,
    head: EndV1<'a>,
    count: usize,
    has_changes: bool,
    builder: Option<&'static str>,
    services: Vec<BuiltV1<'a>>,
    warnings: Vec<WarningV1<'a>>,
    seconds: f64,
}

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
struct BuiltV1<'a> {
    #[serde(flatten)]
    step: StepV1<'a>,
    status: Status,
    image: Option<&'a ImageReport>,
    chart: Option<&'a ChartReport>,
    seconds: f64,
    log: Option<&'a std::path::Path>,
    error: Option<String>,
}

impl<'a> From<&'a BuiltService> for BuiltV1<'a> {
    fn from(service: &'a BuiltService) -> Self {
        Self {
            step: StepV1::from(&service.step),
            status: service.status,
            image: service.image.as_ref(),
            chart: service.chart.as_ref(),
            seconds: service.took.as_secs_f64(),
            log: service.log.as_deref(),
            error: service.error.as_ref().map(ToString::to_string),
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
