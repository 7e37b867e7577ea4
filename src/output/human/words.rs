//! The words that several results share: ends of a comparison, pins, reasons, counts.

use std::collections::BTreeMap;

use gix::ObjectId;

use crate::{
    model::{
        change::{Action, Base, BaseKind, Direction, End, Reason, ServiceChange, Unread},
        status::Standing,
        success::Exceptions,
    },
    output::{text, theme},
};

/// What the fleet itself is called in a column of services.
pub(crate) const FLEET: &str = "(fleet)";

/// That nothing is there to show means nothing while something could not be read.
pub(super) fn nothing<'a>(unread: &[Unread], line: &'a str) -> &'a str {
    if unread.is_empty() {
        line
    } else {
        "Nothing in what could be read."
    }
}

/// The first line of a comparison: its two ends, and who is compared with something else.
pub(super) fn ends(base: Option<&Base>, head: &End, exceptions: &Exceptions) -> String {
    let end = |rev: &str, commit: ObjectId| match is_id(rev, commit) {
        true if commit.is_null() => "nothing".to_owned(),
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
            format!("{}, the first parent,", short(commit))
        }
        (Some(commit), BaseKind::Exact | BaseKind::Empty) => end(&base.rev, commit),
    };
    let mut out = format!("From {from} to {head}\n");
    for (path, since) in exceptions {
        let path = text::name(path.as_ref());
        let line = match since {
            Some(commit) => format!("{path} from {}, where it last succeeded\n", short(*commit)),
            None => format!("{path} from nothing: it never succeeded\n"),
        };
        out.push_str(&line);
    }
    out.push('\n');
    out
}

/// Whether `rev` names the commit by its id, abbreviated or not.
fn is_id(rev: &str, commit: ObjectId) -> bool {
    commit.to_string().starts_with(rev)
}

/// `old → new`; a rollback and a divergence say so.
pub(super) fn pins(service: &ServiceChange) -> String {
    moved_pins(service.from, service.to, service.direction)
}

/// The same of pins without their service.
pub(super) fn moved_pins(
    from: Option<ObjectId>,
    to: Option<ObjectId>,
    direction: Option<Direction>,
) -> String {
    let pin = |id: Option<ObjectId>| id.map_or("–".to_owned(), short);
    if from == to {
        return pin(to);
    }
    let moved = format!("{} → {}", pin(from), pin(to));
    match direction {
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
pub(super) fn because(service: &ServiceChange) -> String {
    let phrase = match &service.reason {
        Reason::Added => "new in the fleet",
        Reason::Removed => "no longer in the fleet",
        Reason::CodeChanged => "its code differs",
        Reason::ConfigChanged => "only its configuration differs",
        Reason::CodeAndConfigChanged => "its code and configuration differ",
        Reason::OtherPaths => "only other files differ",
        Reason::EnvironmentValues => "only values of environments differ",
        Reason::SameContent => "the content is the same",
        Reason::Renamed => "another path, the same pin",
        Reason::UrlChanged => "another URL, the same pin",
        Reason::Plain => "a submodule, but no service",
        Reason::BaseUnavailable => "its old commit is not available",
        Reason::Requested => "asked for",
        Reason::Fanout(_) | Reason::DependsOn(_) | Reason::BuildsOn(_) => {
            return text::line(&service.reason.word());
        }
    };
    phrase.to_owned()
}

/// HEAD seen from the pin, in words.
pub(super) fn standing(standing: Standing) -> String {
    match standing {
        Standing::InStep => "in step".to_owned(),
        Standing::Ahead { ahead } => format!("{ahead} ahead"),
        Standing::Behind { behind } => format!("{behind} behind"),
        Standing::Diverged { ahead, behind } => format!("{ahead} ahead, {behind} behind"),
        Standing::PinMissing => "not fetched".to_owned(),
        Standing::Unknown => "no commit".to_owned(),
    }
}

/// The word JSON uses for a unit variant, so that people and programs read the same.
pub(super) fn kebab(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

pub(super) fn action_word(action: Action) -> String {
    if action == Action::None {
        "–".into()
    } else {
        kebab(&action)
    }
}

/// `2 moved, 5 current`
pub(super) fn counts<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *by_name.entry(name).or_default() += 1;
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

pub(super) fn short(id: ObjectId) -> String {
    id.to_hex_with_len(7).to_string()
}
