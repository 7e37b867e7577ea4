//! Results as tables that a person reads at a glance.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use comfy_table::{ContentArrangement, Table, presets};
use console::Style;
use gix::ObjectId;

use super::{text, theme};
use crate::model::{
    bump::Bump,
    cache::{Cache, CacheKind},
    change::{
        Action, Base, BaseKind, Changed, Direction, End, FileChange, FileStatus, Part, Reason,
        ServiceChange, Unread,
    },
    explanation::{Command, Explanation},
    foreach::{Ran, Summary},
    plan::{Plan, Step},
    report::{BuildReport, BuiltService, Status},
    rules::Rule,
    status::{ServiceStatus, Standing, State},
    sync::{Outcome, Synced},
};

/// How many of the fleet's own files a table lists.
const OWN_FILES_SHOWN: usize = 10;

/// `flota changed`
pub fn changed(changed: &Changed) -> String {
    let mut out = ends(Some(&changed.base), &changed.head);
    if changed.services.is_empty() {
        out.push_str(nothing(&changed.unread, "No service changed."));
        out.push('\n');
    } else {
        let rows = changed.services.iter().map(changed_row);
        out.push_str(&table(
            &["SERVICE", "CHANGE", "PIN", "ACTION", "REASON"],
            rows,
        ));
    }
    for service in &changed.services {
        if let Some(files) = service.files.as_ref().filter(|files| !files.is_empty()) {
            let _ = writeln!(
                out,
                "\n{}",
                theme::heading(text::name(service.path.as_ref()))
            );
            out.extend(files.iter().map(|file| format!("  {}\n", file_line(file))));
        }
    }
    out.push_str(&own_files(&changed.paths));
    out
}

/// The files outside of every service, as many as a person wants to see.
fn own_files(files: &[FileChange]) -> String {
    let mut out = String::new();
    if !files.is_empty() {
        out.push_str("\nOther files that differ:\n");
    }
    for file in files.iter().take(OWN_FILES_SHOWN) {
        let _ = writeln!(out, "  {}", file_line(file));
    }
    if let Some(more) = files
        .len()
        .checked_sub(OWN_FILES_SHOWN)
        .filter(|more| *more > 0)
    {
        let _ = writeln!(out, "  … and {more} more; --format json lists all");
    }
    out
}

/// `flota changed --format names`: raw and NUL-terminated for programs, or one to a line, escaped, for people.
pub fn names(changed: &Changed, null: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for service in &changed.services {
        if null {
            out.extend_from_slice(&service.name);
            out.push(0);
        } else {
            out.extend_from_slice(text::name(service.name.as_ref()).as_bytes());
            out.push(b'\n');
        }
    }
    out
}

/// `flota plan`
pub fn plan(plan: &Plan) -> String {
    let mut out = ends(plan.base.as_ref(), &plan.head);
    if plan.steps.is_empty() {
        out.push_str(nothing(&plan.unread, "Nothing to do."));
        out.push('\n');
        return out;
    }
    let rows = plan.steps.iter().map(|step| {
        vec![
            name_cell(step),
            theme::action(step.action)
                .apply_to(action_word(step.action))
                .to_string(),
            step.commit.map(short).unwrap_or_default(),
            text::line(&step.reason.word()),
        ]
    });
    out.push_str(&table(&["SERVICE", "ACTION", "COMMIT", "REASON"], rows));
    let count = |action| {
        plan.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    };
    let parts: Vec<_> = [
        (Action::Image, "image build"),
        (Action::Chart, "chart build"),
        (Action::Retire, "retirement"),
    ]
    .into_iter()
    .map(|(action, noun)| (count(action), noun))
    .filter(|(count, _)| *count > 0)
    .map(|(count, noun)| text::plural(count, noun))
    .collect();
    let _ = writeln!(out, "\n{}.", parts.join(", "));
    out
}

/// `flota explain`
pub fn explanation(explanation: &Explanation) -> String {
    let mut out = ends(Some(&explanation.base), &explanation.head);
    match &explanation.service {
        Some(service) => {
            let rows = [
                ("service", text::name(service.path.as_ref())),
                ("change", kebab(&service.change)),
                ("pin", pins(service)),
                ("code", part(&service.code)),
                ("config", part(&service.config)),
                ("action", kebab(&service.action)),
                ("reason", because(service)),
            ];
            for (label, value) in rows {
                let _ = writeln!(out, "{}  {value}", theme::dim(format!("{label:<7}")));
            }
        }
        None => {
            let _ = writeln!(out, "{} did not change.", text::line(&explanation.asked));
        }
    }
    let Rule { number, text } = explanation.rule;
    let _ = writeln!(
        out,
        "\nRule {number}: {text}.\n\nThe same by git, at the root of this repository:"
    );
    let mut title = "";
    for Command { shows, line } in &explanation.commands {
        if *shows != title {
            title = shows;
            let _ = writeln!(out, "  {}", theme::dim(format!("# {shows}")));
        }
        let _ = writeln!(out, "  {}", text::line(line));
    }
    out
}

/// A part's content id at both ends, whole: to be compared with git's.
fn part(part: &Part) -> String {
    let id = |id: Option<ObjectId>| id.map_or("none".to_owned(), |id| id.to_string());
    if part.changed() {
        format!("{} → {}", id(part.from), id(part.to))
    } else {
        format!("{} at both ends", id(part.to))
    }
}

/// `flota build`
pub fn build(report: &BuildReport) -> String {
    let mut out = ends(report.base.as_ref(), &report.head);
    if report.services.is_empty() {
        out.push_str("Nothing to build.\n");
        return out;
    }
    let rows = report.services.iter().map(|service| {
        vec![
            name_cell(&service.step),
            theme::action(service.step.action)
                .apply_to(action_word(service.step.action))
                .to_string(),
            theme::status(service.status)
                .apply_to(status_word(service.status))
                .to_string(),
            products(service),
            // What failed its checks took no time.
            if service.took.is_zero() {
                String::new()
            } else {
                text::duration(service.took)
            },
        ]
    });
    out.push_str(&table(
        &["SERVICE", "ACTION", "STATUS", "RESULT", "TIME"],
        rows,
    ));
    let _ = writeln!(out, "\n{}", outcome(report));
    out
}

/// That nothing is there to show means nothing while something could not be read.
fn nothing<'a>(unread: &[Unread], line: &'a str) -> &'a str {
    if unread.is_empty() {
        line
    } else {
        "Nothing that could be read."
    }
}

/// `2 built, 1 reused in 3.1 s.`
fn outcome(report: &BuildReport) -> String {
    let order = [
        Status::Built,
        Status::Reused,
        Status::Planned,
        Status::Failed,
        Status::Cancelled,
    ];
    let counts: Vec<_> = order
        .into_iter()
        .filter(|status| report.count(*status) > 0)
        .map(|status| format!("{} {}", report.count(status), status_word(status)))
        .collect();
    format!("{} in {}.", counts.join(", "), text::duration(report.took))
}

fn ends(base: Option<&Base>, head: &End) -> String {
    let end = |rev: &str, commit: ObjectId| match is_id(rev, commit) {
        true => short(commit),
        false => format!("{} ({})", text::line(rev), short(commit)),
    };
    let head = end(&head.rev, head.commit);
    let Some(base) = base else {
        return format!("All services at {head}\n\n");
    };
    let from = match (base.commit, base.kind) {
        (None, _) => "nothing".to_owned(),
        (Some(commit), BaseKind::MergeBase) => {
            let with = text::line(&base.rev);
            format!("{}, the merge base with {with},", short(commit))
        }
        (Some(commit), BaseKind::Approximate) => {
            format!("{}, the nearest commit still known,", short(commit))
        }
        (Some(commit), BaseKind::Exact | BaseKind::Empty) => end(&base.rev, commit),
    };
    format!("From {from} to {head}\n\n")
}

/// Whether `rev` names the commit by its id, abbreviated or not.
fn is_id(rev: &str, commit: ObjectId) -> bool {
    commit.to_string().starts_with(rev)
}

fn changed_row(service: &ServiceChange) -> Vec<String> {
    let mut name = text::name(service.name.as_ref());
    if let Some(previous) = &service.previous_path {
        name = format!("{name} (was {})", text::name(previous.as_ref()));
    }
    vec![
        theme::heading(name).to_string(),
        theme::change(service.change)
            .apply_to(kebab(&service.change))
            .to_string(),
        pins(service),
        theme::action(service.action)
            .apply_to(action_word(service.action))
            .to_string(),
        because(service),
    ]
}

/// `old → new`; a rollback and a divergence say so.
fn pins(service: &ServiceChange) -> String {
    let pin = |id: Option<ObjectId>| id.map_or("–".to_owned(), short);
    if service.from == service.to {
        return pin(service.to);
    }
    let moved = format!("{} → {}", pin(service.from), pin(service.to));
    match service.direction {
        None | Some(Direction::Forward) => moved,
        Some(direction) => {
            format!(
                "{moved} {}",
                theme::direction(direction).apply_to(kebab(&direction))
            )
        }
    }
}

/// The reason as a phrase.
fn because(service: &ServiceChange) -> String {
    let phrase = match &service.reason {
        Reason::Added => "new in the fleet",
        Reason::Removed => "no longer in the fleet",
        Reason::CodeChanged => "its code differs",
        Reason::ConfigChanged => "only its configuration differs",
        Reason::CodeAndConfigChanged => "its code and configuration differ",
        Reason::OtherPaths => "only other files differ",
        Reason::SameContent => "the content is the same",
        Reason::Renamed => "another path, the same pin",
        Reason::UrlChanged => "another URL, the same pin",
        Reason::Plain => "a submodule, but no service",
        Reason::BaseUnavailable => "its old commit cannot be had",
        Reason::Requested => "asked for",
        Reason::Fanout(_) | Reason::DependsOn(_) => return text::line(&service.reason.word()),
    };
    phrase.to_owned()
}

fn name_cell(step: &Step) -> String {
    theme::heading(text::name(step.name.as_ref())).to_string()
}

/// What a service has now; of a chart build its image is none of the products.
fn products(service: &BuiltService) -> String {
    match &service.error {
        Some(error) if error.exit().is_signal() => {
            return "interrupted".to_owned();
        }
        // The error itself is printed below, with its cause and its hints.
        Some(_) => return "see below".to_owned(),
        None => {}
    }
    let image = service
        .image
        .as_ref()
        .filter(|_| service.step.action == Action::Image);
    let image = image.map(|image| {
        let known = match (&image.digest, &image.id) {
            (Some(digest), _) => Some(short_digest(digest).to_owned()),
            // An engine's own number, which no registry knows.
            (None, Some(id)) => Some(format!("id {}", short_digest(id))),
            (None, None) => None,
        };
        let there = match service.status {
            Status::Planned if known.is_some() => " is there",
            _ => "",
        };
        with_dim(text::line(&image.reference) + there, known.as_deref())
    });
    let chart = service.chart.as_ref().map(|chart| {
        let name = match &chart.reference {
            Some(reference) => format!("oci://{}", reference.split('@').next().unwrap_or_default()),
            None => format!("{}-{}.tgz", chart.name, chart.version),
        };
        with_dim(text::line(&name), chart.digest.as_deref().map(short_digest))
    });
    let lines: Vec<_> = [image, chart].into_iter().flatten().collect();
    lines.join("\n")
}

fn with_dim(text: String, more: Option<&str>) -> String {
    match more {
        Some(more) => format!("{text} {}", theme::dim(more)),
        None => text,
    }
}

/// `flota clone`
pub fn cloned(directory: &Path, synced: &[Synced]) -> String {
    let directory = text::line(&directory.to_string_lossy());
    format!("Cloned into {directory}: {}\n", counts(synced))
}

/// `flota update`: what is not as it was, then the numbers.
pub fn updated(synced: &[Synced]) -> String {
    let rows = synced
        .iter()
        .filter(|synced| !matches!(synced.outcome, Outcome::Current))
        .map(|synced| {
            let pin = match &synced.outcome {
                Outcome::Moved { from } => format!("{} → {}", short(*from), short(synced.pin)),
                _ => short(synced.pin),
            };
            let result = text::line(synced.outcome.name());
            vec![text::name(synced.path.as_ref()), pin, result]
        });
    let rows: Vec<_> = rows.collect();
    let table = match rows.is_empty() {
        true => String::new(),
        false => table(&["SERVICE", "PIN", "RESULT"], rows) + "\n",
    };
    format!("{table}{}\n", counts(synced))
}

/// `flota bump`
pub fn bumps(bumps: &[Bump]) -> String {
    if bumps.is_empty() {
        return "The pins are where HEAD is.\n".to_owned();
    }
    let rows = bumps.iter().map(|bump| {
        let pins = format!("{} → {}", short(bump.from), short(bump.to));
        vec![
            text::name(bump.path.as_ref()),
            pins,
            standing(bump.standing),
        ]
    });
    table(&["SERVICE", "PIN", "HEAD"], rows)
}

/// What a command printed in one service, below the service's name.
pub fn ran(ran: &Ran) -> String {
    let name = text::name(ran.path.as_ref());
    let said = String::from_utf8_lossy(&ran.text);
    let said = text::escape(said.trim_end());
    let took = text::duration(ran.took);
    let line = if said.is_empty() { "" } else { "\n" };
    format!("── {name} ({took})\n{said}{line}")
}

/// How `flota foreach` ended, in numbers.
pub fn foreach(summary: &Summary) -> String {
    let mut parts = vec![format!("{} succeeded", summary.succeeded)];
    for (count, what) in [
        (summary.failed.len(), "failed"),
        (summary.not_begun, "not begun"),
        (summary.uninitialised.len(), "not initialised"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}

/// HEAD seen from the pin, in words.
fn standing(standing: Standing) -> String {
    match standing {
        Standing::InStep => "in step".to_owned(),
        Standing::Ahead { ahead } => format!("{ahead} ahead"),
        Standing::Behind { behind } => format!("{behind} behind"),
        Standing::Diverged { ahead, behind } => format!("{ahead} ahead, {behind} behind"),
        Standing::PinMissing => "not fetched".to_owned(),
        Standing::Unknown => "no commit".to_owned(),
    }
}

/// `flota status`: what needs somebody, or all; then the numbers.
pub fn status(services: &[ServiceStatus], all: bool) -> String {
    let shown: Vec<_> = services
        .iter()
        .filter(|service| all || service.needs_attention())
        .collect();
    let rest = services.len() - services.iter().filter(|one| one.needs_attention()).count();
    let rest = format!(
        "{} of {} in step",
        rest,
        text::plural(services.len(), "service")
    );
    match shown.is_empty() {
        true => rest + "\n",
        false => {
            let rows = shown.into_iter().map(status_row);
            let header = ["SERVICE", "BRANCH", "PIN", "CHANGES", "TO PUSH"];
            format!("{}\n{rest}\n", table(&header, rows))
        }
    }
}

fn status_row(service: &ServiceStatus) -> Vec<String> {
    let name = text::name(service.path.as_ref());
    let worktree = match &service.state {
        State::Here(worktree) => worktree,
        State::Uninitialised => return vec![name, "not initialised".to_owned()],
        State::Unreadable(_) => return vec![name, "unreadable".to_owned()],
    };
    let branch = match &worktree.branch {
        Some(branch) => text::name(branch.as_ref()),
        None => "detached".to_owned(),
    };
    let pin = match service.pin {
        Some(_) => standing(worktree.standing),
        None => "in conflict".to_owned(),
    };
    let changes = &worktree.changes;
    let counted = [
        (changes.conflicted, "in conflict"),
        (changes.staged, "staged"),
        (changes.unstaged, "unstaged"),
        (changes.untracked, "untracked"),
    ];
    let counted: Vec<_> = counted
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let unpushed = match worktree.unpushed {
        0 => String::new(),
        count => text::plural(count, "commit"),
    };
    vec![name, branch, pin, counted.join(", "), unpushed]
}

fn counts(synced: &[Synced]) -> String {
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    for synced in synced {
        *by_name.entry(synced.outcome.name()).or_default() += 1;
    }
    let parts: Vec<_> = by_name
        .into_iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    match parts.is_empty() {
        true => "no submodules".to_owned(),
        false => parts.join(", "),
    }
}

/// What flota keeps for later runs.
pub fn caches(caches: &[Cache]) -> String {
    let rows = caches.iter().map(|cache| {
        let held = match cache.kind {
            CacheKind::Identities => text::plural(cache.entries, "fact"),
            CacheKind::Fetched => text::plural(cache.entries, "store"),
        };
        let path = text::line(&cache.path.to_string_lossy());
        vec![kebab(&cache.kind), held, text::size(cache.bytes), path]
    });
    table(&["CACHE", "HOLDS", "SIZE", "PATH"], rows)
}

/// A table without lines, as wide as the terminal allows.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(
        header
            .iter()
            .map(|title| Style::new().dim().apply_to(title).to_string()),
    );
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut out = table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect::<String>();
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

fn file_line(file: &FileChange) -> String {
    format!(
        "{} {}",
        file_letter(file.status),
        text::name(file.path.as_ref())
    )
}

fn file_letter(status: FileStatus) -> char {
    match status {
        FileStatus::Added => 'A',
        FileStatus::Removed => 'D',
        FileStatus::Modified => 'M',
    }
}

/// The word JSON uses for a unit variant, so that people and programs read the same.
fn kebab(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn action_word(action: Action) -> String {
    if action == Action::None {
        "–".into()
    } else {
        kebab(&action)
    }
}

fn status_word(status: Status) -> String {
    kebab(&status)
}

fn short(id: ObjectId) -> String {
    id.to_hex_with_len(7).to_string()
}

/// `sha256:` and 12 digits.
fn short_digest(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}
