//! The plan: what to do, service by service, and why.

use bstr::BString;
use gix::ObjectId;

use super::{
    change::{Action, Base, Changed, End, Reason, ServiceChange, Unread, Warning},
    success::Exceptions,
};

/// What a range of commits calls for, sorted by path.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The older end; none when everything was asked for.
    pub base: Option<Base>,
    /// The newer end.
    pub head: End,
    /// Services that are compared with another commit than `base`, by path.
    pub exceptions: Exceptions,
    /// The actions; [`Action::None`] does not occur.
    pub steps: Vec<Step>,
    /// How many services were seen to need nothing.
    pub unaffected: usize,
    /// Carried over from the detection.
    pub warnings: Vec<Warning>,
    /// Submodules that could not be read: the plan says nothing of them.
    pub unread: Vec<Unread>,
}

/// One action on one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What people call it.
    pub name: BString,
    /// Its path in the fleet; `.` inside a single service repository.
    pub path: BString,
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The commit to build; for [`Action::Retire`] the last one that was there.
    pub commit: Option<ObjectId>,
    /// The code's identity at that commit.
    pub code: Option<ObjectId>,
    /// The configuration's identity at that commit.
    pub config: Option<ObjectId>,
    /// The service's URL, without credentials.
    pub url: Option<BString>,
}

impl Plan {
    /// The plan that follows from what changed.
    pub fn from_changed(changed: Changed) -> Self {
        let all = changed.services.len();
        let steps: Vec<_> = changed
            .services
            .into_iter()
            .filter(|s| s.action != Action::None)
            .map(Step::from)
            .collect();
        Self {
            base: Some(changed.base),
            head: changed.head,
            exceptions: changed.exceptions,
            unaffected: all - steps.len(),
            steps,
            warnings: changed.warnings,
            unread: changed.unread,
        }
    }

    /// The steps that build something: never [`Action::Retire`].
    pub fn builds(&self) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(|step| matches!(step.action, Action::Image | Action::Chart))
    }
}

impl From<ServiceChange> for Step {
    fn from(service: ServiceChange) -> Self {
        let retired = service.action == Action::Retire;
        let at = |part: super::change::Part| if retired { part.from } else { part.to };
        Self {
            commit: if retired { service.from } else { service.to },
            code: at(service.code),
            config: at(service.config),
            name: service.name,
            path: service.path,
            action: service.action,
            reason: service.reason,
            url: service.url,
        }
    }
}
