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

    /// The steps that a deployment takes out of service, and no build has anything to do with.
    pub fn retirements(&self) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(|step| step.action == Action::Retire)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{BaseKind, ChangeKind, Part};

    #[test]
    fn a_step_is_at_head_and_what_is_retired_where_it_last_was() {
        let id = |digit: char| ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap();
        let part = |from, to| Part {
            from: Some(id(from)),
            to: Some(id(to)),
        };
        let service = |name: &str, action| ServiceChange {
            name: name.into(),
            path: name.into(),
            previous_path: None,
            change: ChangeKind::Code,
            direction: None,
            from: Some(id('1')),
            to: Some(id('2')),
            code: part('3', '4'),
            config: part('5', '6'),
            other: false,
            action,
            reason: Reason::CodeChanged,
            url: None,
            files: None,
        };
        let actions = [
            Action::Image,
            Action::None,
            Action::Retire,
            Action::Chart,
            Action::None,
        ];
        let plan = Plan::from_changed(Changed {
            base: Base {
                rev: String::new(),
                commit: None,
                kind: BaseKind::Empty,
            },
            head: End {
                rev: "HEAD".into(),
                commit: id('7'),
            },
            exceptions: Exceptions::default(),
            services: ["image", "none", "retire", "chart", "other"]
                .into_iter()
                .zip(actions)
                .map(|(name, action)| service(name, action))
                .collect(),
            paths: Vec::new(),
            warnings: Vec::new(),
            unread: Vec::new(),
        });
        assert_eq!(plan.unaffected, 2);
        let steps: Vec<_> = plan
            .steps
            .iter()
            .map(|step| (step.action, step.commit, step.code, step.config))
            .collect();
        let (old, new) = ([id('1'), id('3'), id('5')], [id('2'), id('4'), id('6')]);
        for (step, (action, at)) in steps.iter().zip([
            (Action::Image, new),
            (Action::Retire, old),
            (Action::Chart, new),
        ]) {
            let [commit, code, config] = at.map(Some);
            assert_eq!(*step, (action, commit, code, config));
        }
        let builds: Vec<_> = plan.builds().map(|step| step.name.to_string()).collect();
        assert_eq!(builds, ["image", "chart"]);
        let retired = plan.retirements().map(|step| step.name.to_string());
        assert_eq!(retired.collect::<Vec<_>>(), ["retire"]);
    }
}
