//! The rules of change detection: evidence in, decision out, no IO.
//!
//! One submodule at a time; each side is what one end of the range holds at its path. See `flota help rules`.

use gix::ObjectId;

use super::change::{Action, ChangeKind, Reason, ServiceChange};

/// One end of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Nothing is at the path.
    Absent,
    /// A gitlink, and what its commit holds.
    Pinned(ObjectId, Content),
    /// A directory of the superproject itself.
    Directory(Content),
}

impl Side {
    /// The pin, when there is one.
    pub fn pin(&self) -> Option<ObjectId> {
        match self {
            Self::Pinned(pin, _) => Some(*pin),
            Self::Absent | Self::Directory(_) => None,
        }
    }

    /// What is there.
    pub fn content(&self) -> Content {
        match self {
            Self::Pinned(_, content) | Self::Directory(content) => *content,
            Self::Absent => Content::default(),
        }
    }
}

/// The older end, which need not be obtainable: a pin that was force-pushed away is no reason to stop.
/// (The newer end is: what cannot be read cannot be built.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// It could be read.
    Known(Side),
    /// A gitlink to a commit that cannot be fetched.
    Unavailable(ObjectId),
}

impl Old {
    /// The pin, when there is one.
    pub fn pin(&self) -> Option<ObjectId> {
        match self {
            Self::Known(side) => side.pin(),
            Self::Unavailable(pin) => Some(*pin),
        }
    }
}

/// The content identities of a service's tree; `None` is "no such entries".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// What the image is built from.
    pub code: Option<ObjectId>,
    /// What the chart is packaged from.
    pub config: Option<ObjectId>,
    /// Everything else that is not ignored.
    pub other: Option<ObjectId>,
    /// The values that deployments to configured environments take, `config/values.<environment>.yaml`.
    pub environments: Option<ObjectId>,
}

impl Content {
    /// Whether this is a service at all: it has code or configuration.
    pub fn is_service(&self) -> bool {
        self.code.is_some() || self.config.is_some()
    }

    /// What building it from nothing calls for.
    pub fn full_action(&self) -> Action {
        match (self.code, self.config) {
            (Some(_), _) => Action::Image,
            (None, Some(_)) => Action::Chart,
            (None, None) => Action::None,
        }
    }
}

/// Everything the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    /// The older end.
    pub base: Old,
    /// The newer end.
    pub head: Side,
    /// Whether the path changed.
    pub moved: bool,
    /// Whether `.gitmodules` names another URL.
    pub url_changed: bool,
    /// What a change outside code and configuration calls for (`[change] other`).
    pub other_action: Action,
}

/// A rule of change detection, by its number in `flota help rules`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its number.
    pub number: u8,
    /// What it says.
    pub text: &'static str,
}

/// The rule that decided over a service; `None` is one that did not change.
pub fn rule_of(service: Option<&ServiceChange>) -> Rule {
    let rule = |number, text| Rule { number, text };
    let Some(service) = service else {
        return rule(
            1,
            "the pins in the two trees are the same, so everything inside them is too",
        );
    };
    match service.reason {
        Reason::CodeChanged | Reason::CodeAndConfigChanged => {
            rule(4, "code differs: the image is built, and its chart with it")
        }
        Reason::ConfigChanged => rule(
            4,
            "only the configuration differs: the chart is packaged, the image stays",
        ),
        Reason::OtherPaths => rule(
            4,
            "only paths outside of code and configuration differ: `[change] other` decides",
        ),
        Reason::EnvironmentValues => rule(
            4,
            "only the values of environments differ: a deployment takes them, there is nothing to build",
        ),
        Reason::SameContent => rule(
            4,
            "code and configuration have the same content ids: there is nothing to build",
        ),
        Reason::Added => rule(4, "it is new in the fleet: all of it is built"),
        Reason::Removed => rule(4, "it is no longer in the fleet: it is retired"),
        Reason::Renamed => rule(
            5,
            "another path, the same pin: it is deployed again, not built",
        ),
        Reason::UrlChanged => rule(6, "another URL, the same pin: a warning, no build"),
        Reason::Plain => rule(
            4,
            "it has neither code nor configuration: it is not a service",
        ),
        Reason::BaseUnavailable => rule(
            9,
            "its old commit is not available: it is built, since nothing shows that it need not be",
        ),
        Reason::Fanout(_) => rule(
            13,
            "a superproject path fans out to it (`[[change.fanout]]`)",
        ),
        Reason::DependsOn(_) => rule(13, "a service it depends on is built (`depends_on`)"),
        Reason::BuildsOn(_) => rule(
            13,
            "the image that its Dockerfile builds on is built (`FROM`, `COPY --from`, `ARG`)",
        ),
        Reason::Requested => rule(1, "it was asked for"),
    }
}

/// What follows from the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What happened.
    pub change: ChangeKind,
    /// What it calls for.
    pub action: Action,
    /// The rule that decided.
    pub reason: Reason,
}

/// Applies the rules in order; the first that fits decides.
pub fn decide(evidence: &Evidence) -> Decision {
    match (evidence.base, evidence.head) {
        (Old::Known(base), Side::Absent) => removed(!base.content().is_service()),
        (Old::Unavailable(_), Side::Absent) => removed(false),
        (Old::Known(Side::Absent), head) => added(head.content()),
        (Old::Unavailable(_), head) => without_base(head.content()),
        (Old::Known(base), head) => compared(base, head, evidence),
    }
}

fn removed(plain: bool) -> Decision {
    if plain {
        Decision {
            change: ChangeKind::Removed,
            action: Action::None,
            reason: Reason::Plain,
        }
    } else {
        Decision {
            change: ChangeKind::Removed,
            action: Action::Retire,
            reason: Reason::Removed,
        }
    }
}

fn added(new: Content) -> Decision {
    let reason = if new.is_service() {
        Reason::Added
    } else {
        Reason::Plain
    };
    Decision {
        change: ChangeKind::Added,
        action: new.full_action(),
        reason,
    }
}

fn without_base(new: Content) -> Decision {
    let change = match new.full_action() {
        Action::Image => ChangeKind::Code,
        Action::Chart => ChangeKind::Config,
        Action::None | Action::Retire => ChangeKind::Other,
    };
    Decision {
        change,
        action: new.full_action(),
        reason: Reason::BaseUnavailable,
    }
}

fn compared(base: Side, head: Side, evidence: &Evidence) -> Decision {
    let (old, new) = (base.content(), head.content());
    let code = old.code != new.code;
    let config = old.config != new.config;
    if code || config {
        // A part that is gone leaves nothing to build from it.
        let action = match (code && new.code.is_some(), config && new.config.is_some()) {
            (true, _) => Action::Image,
            (false, true) => Action::Chart,
            (false, false) => Action::None,
        };
        let (change, reason) = match (code, config) {
            (true, true) => (ChangeKind::Code, Reason::CodeAndConfigChanged),
            (true, false) => (ChangeKind::Code, Reason::CodeChanged),
            (false, _) => (ChangeKind::Config, Reason::ConfigChanged),
        };
        return Decision {
            change,
            action,
            reason,
        };
    }
    if old.other != new.other {
        return if new.is_service() {
            let action = evidence.other_action;
            Decision {
                change: ChangeKind::Other,
                action,
                reason: Reason::OtherPaths,
            }
        } else {
            Decision {
                change: ChangeKind::Other,
                action: Action::None,
                reason: Reason::Plain,
            }
        };
    }
    if old.environments != new.environments {
        let reason = match new.is_service() {
            true => Reason::EnvironmentValues,
            false => Reason::Plain,
        };
        return Decision {
            change: ChangeKind::Other,
            action: Action::None,
            reason,
        };
    }
    let (change, reason) = same_content(base, head, evidence);
    Decision {
        change,
        action: Action::None,
        reason,
    }
}

fn same_content(base: Side, head: Side, evidence: &Evidence) -> (ChangeKind, Reason) {
    match (base, head) {
        (Side::Directory(_), Side::Pinned(..)) => (ChangeKind::Extracted, Reason::SameContent),
        (Side::Pinned(..), Side::Directory(_)) => (ChangeKind::FoldedIn, Reason::SameContent),
        _ if base.pin() != head.pin() => (ChangeKind::PointerOnly, Reason::SameContent),
        _ if evidence.moved => (ChangeKind::Renamed, Reason::Renamed),
        _ if evidence.url_changed => (ChangeKind::UrlChanged, Reason::UrlChanged),
        _ => (ChangeKind::Unchanged, Reason::SameContent),
    }
}

#[cfg(test)]
mod tests;
