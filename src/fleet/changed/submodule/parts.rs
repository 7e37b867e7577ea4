//! Which parts of a submodule differ, and what to do about it.

use gix::ObjectId;

use super::{outcome::ReadSubmodule, reader::SubmoduleReader};
use crate::{
    fleet::changed::{gitlinks::EndPoint, links},
    model::{
        change::{Action, Part, Reason, ServiceChange, Warning, WarningKind},
        error::Result,
        fleet::{self, Submodule},
        rules::{self, Content, Evidence, Old, Side},
    },
};

impl SubmoduleReader<'_> {
    /// The rules applied to both ends.
    pub(super) fn compared(&self, head: Side, files: bool) -> Result<ReadSubmodule> {
        let candidate = self.candidate;
        let base = self.base()?;
        let decision = rules::decide(&Evidence {
            base,
            head,
            moved: candidate.previous_path.is_some(),
            url_changed: candidate.url_changed(),
            other_action: self.change.other.map_or(Action::None, Action::from),
        });
        let old = match base {
            Old::Known(side) => side.content(),
            Old::Unavailable(_) => Content::default(),
        };
        let new = head.content();
        let previous = candidate.previous_path.as_ref();
        let service = ServiceChange {
            name: fleet::service_name(self.path.as_ref()).to_owned(),
            path: self.path.clone(),
            previous_path: previous.map(|path| self.parent.full_path(path.as_ref())),
            change: decision.change,
            direction: self.direction()?,
            from: candidate.base.pin(),
            to: candidate.head.pin(),
            code: Part {
                from: old.code,
                to: new.code,
            },
            config: Part {
                from: old.config,
                to: new.config,
            },
            other: old.other != new.other || old.environments != new.environments,
            action: decision.action,
            reason: decision.reason,
            url: candidate.url().map(fleet::without_credentials),
            files: if files { self.files()? } else { None },
        };
        let warnings = self.warnings(&service)?;
        Ok(ReadSubmodule::Read(Box::new(service), warnings))
    }

    /// What is there at head; the pin itself when it cannot be read and something hangs on it.
    pub(super) fn head(&self) -> Result<std::result::Result<Side, ObjectId>> {
        Ok(Ok(match self.candidate.head {
            EndPoint::Gitlink(pin) => match &self.head {
                Some(facts) => Side::Pinned(pin, facts.content),
                None if self.pin_stands() || self.may_stay_unknown => {
                    Side::Pinned(pin, Content::default())
                }
                None => return Ok(Err(pin)),
            },
            EndPoint::Directory(tree) => Side::Directory(self.directory(tree)?),
            EndPoint::Nothing => Side::Absent,
        }))
    }

    /// What was there at base.
    fn base(&self) -> Result<Old> {
        Ok(match self.candidate.base {
            EndPoint::Gitlink(pin) => match &self.base {
                Some(facts) => Old::Known(Side::Pinned(pin, facts.content)),
                None if self.pin_stands() => Old::Known(Side::Pinned(pin, Content::default())),
                None => Old::Unavailable(pin),
            },
            EndPoint::Directory(tree) => Old::Known(Side::Directory(self.directory(tree)?)),
            EndPoint::Nothing => Old::Known(Side::Absent),
        })
    }

    /// A directory of the fleet itself.
    fn directory(&self, tree: ObjectId) -> Result<Content> {
        let content = self
            .parent
            .with_objects(|objects| self.content(objects, tree));
        content.map(|(content, _)| content)
    }

    /// What deserves a look.
    fn warnings(&self, service: &ServiceChange) -> Result<Vec<Warning>> {
        let candidate = self.candidate;
        let path = &service.path;
        let mut found = Vec::new();
        let mut warn = |kind, message| {
            found.push(Warning {
                path: Some(path.clone()),
                kind,
                message,
            });
        };
        if service.reason == Reason::BaseUnavailable {
            let pin = service.from.map(|pin| pin.to_string()).unwrap_or_default();
            warn(
                WarningKind::BaseUnavailable,
                format!(
                    "{path}: its old commit {pin} is not available, so all of it counts as changed"
                ),
            );
        }
        if candidate.url_changed() {
            let url = |listed: &Option<Submodule>| {
                let url = listed.as_ref().and_then(|listed| listed.url.as_ref());
                url.map(|url| fleet::without_credentials(url.as_ref()))
                    .unwrap_or_default()
            };
            let (from, to) = (url(&candidate.listed_base), url(&candidate.listed_head));
            warn(
                WarningKind::UrlChanged,
                format!("{path}: its URL changed from {from} to {to}"),
            );
        }
        if candidate.head.pin().is_some() && candidate.listed_head.is_none() {
            let message =
                format!("{path}: no section of .gitmodules lists it, so nobody can clone it");
            warn(WarningKind::Unlisted, message);
        }
        if let Some(what) = candidate.replaced_by {
            let message =
                format!("{path}: {what} took the place of the submodule, which counts as removed");
            warn(WarningKind::Replaced, message);
        }
        if let (true, Some(pin), Some(_)) = (
            self.stays_unknown(),
            candidate.head.pin(),
            &candidate.listed_head,
        ) {
            let (why, _) = self.why_unread(pin)?;
            let why = why.lines().next().unwrap_or_default().to_owned();
            warn(
                WarningKind::PlainUnread,
                format!(
                    "{path}: its commit {pin} cannot be read ({why}); `[fleet] services` leaves it out, so nothing is built of it"
                ),
            );
        }
        let head = self.head.as_ref();
        found.extend(
            head.into_iter()
                .flat_map(|facts| links::warnings(path, facts.linked)),
        );
        Ok(found)
    }
}
