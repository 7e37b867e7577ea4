//! What the configuration makes of a change elsewhere: superproject paths that fan out, and services that depend on others.

use std::collections::BTreeSet;

use bstr::{BStr, BString, ByteSlice};

use gix::ObjectId;

use super::{
    bases::Listed,
    fetched::{Fetching, Obtained},
    gitlinks::{Candidate, Place},
    submodule::{self, Outcome, Parent},
};
use crate::{
    git::{Objects, gitmodules::Gitmodules, repository::Repository, tree},
    model::{
        change::{Action, FileChange, Reason, ServiceChange, Unread, Warning, WarningKind},
        error::Result,
        fleet::{self, Gitlink},
        settings::{Build, Settings},
    },
};

/// What follows from `paths` and from the changes found so far, on top of them.
pub(super) struct Consequences<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    how: Fetching<'a>,
    /// Every submodule at head; read only when something may follow.
    gitlinks: Vec<Gitlink>,
    listed: Gitmodules,
}

impl<'a> Consequences<'a> {
    /// `None` when the configuration speaks of no service and fans out nothing.
    pub fn of(
        repository: &'a Repository,
        settings: &'a Settings,
        how: Fetching<'a>,
        objects: Objects<'_>,
        head: ObjectId,
    ) -> Result<Option<Self>> {
        if settings.fanout.is_empty() && settings.services.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            repository,
            settings,
            how,
            gitlinks: tree::gitlinks(objects, head)?,
            listed: Gitmodules::of_tree(objects, head)?,
        }))
    }

    /// Names in the configuration that no service has.
    pub fn unknown_names(&self, listed: &Listed) -> Vec<Warning> {
        let gone = listed.base.iter().map(|submodule| submodule.path.as_ref());
        let known: BTreeSet<&BStr> = self
            .gitlinks
            .iter()
            .map(|gitlink| gitlink.path.as_ref())
            .chain(gone)
            .map(fleet::service_name)
            .collect();
        let services = self.settings.services.values();
        let named =
            services.flat_map(|service| std::iter::once(&service.name).chain(&service.depends_on));
        let unknown: BTreeSet<&String> = named
            .filter(|name| !known.contains(name.as_bytes().as_bstr()))
            .collect();
        unknown
            .into_iter()
            .map(|name| Warning {
                path: None,
                kind: WarningKind::UnknownService,
                message: format!(
                    "flota.toml speaks of the service `{name}`, which the fleet does not have"
                ),
            })
            .collect()
    }

    /// Adds to `services` what follows from `paths` for those that it `concerns`, and to `unread` what would have to be read
    /// for it and cannot be.
    pub fn fan_out(
        &self,
        paths: &[FileChange],
        concerns: impl Fn(&BStr) -> bool,
        services: &mut Vec<ServiceChange>,
        unread: &mut Vec<Unread>,
    ) -> Result<()> {
        for fanout in &self.settings.fanout {
            let Some(file) = paths
                .iter()
                .find(|file| fanout.paths.is_match(file.path.as_ref()))
            else {
                continue;
            };
            let action = match fanout.action {
                Build::Image => Action::Image,
                Build::Chart => Action::Chart,
            };
            for gitlink in &self.gitlinks {
                let path = gitlink.path.as_ref();
                let name = fleet::service_name(path);
                let named = fanout.services.is_match(name) || fanout.services.is_match(path);
                if named && concerns(path) {
                    let reason = Reason::Fanout(file.path.clone());
                    self.raise(gitlink, action, reason, services, unread)?;
                }
            }
        }
        Ok(())
    }

    /// Every service that depends on a built one is built too, and what depends on that. There are no cycles: reading
    /// the configuration refuses them.
    pub fn add_dependents(
        &self,
        services: &mut Vec<ServiceChange>,
        unread: &mut Vec<Unread>,
    ) -> Result<()> {
        let mut open: Vec<(BString, Action)> = built(services);
        while let Some((name, action)) = open.pop() {
            for gitlink in &self.gitlinks {
                let dependent = fleet::service_name(gitlink.path.as_ref());
                let own = self
                    .settings
                    .services
                    .get(dependent.to_str_lossy().as_ref());
                let depends =
                    own.is_some_and(|own| own.depends_on.iter().any(|on| name == on.as_str()));
                if !depends {
                    continue;
                }
                let reason = Reason::DependsOn(name.clone());
                if let Some(raised) = self.raise(gitlink, action, reason, services, unread)? {
                    open.push((dependent.to_owned(), raised));
                }
            }
        }
        Ok(())
    }

    /// Makes the service's action at least `action`, as far as it has anything to build; what it became, if that is more
    /// than it was.
    fn raise(
        &self,
        gitlink: &Gitlink,
        action: Action,
        reason: Reason,
        services: &mut Vec<ServiceChange>,
        unread: &mut Vec<Unread>,
    ) -> Result<Option<Action>> {
        let known = services
            .iter()
            .position(|service| service.path == gitlink.path);
        let index = match known {
            Some(index) => index,
            None => match self.unchanged(gitlink)? {
                Outcome::Read(service, _) => {
                    services.push(*service);
                    services.len() - 1
                }
                Outcome::Wanted(_) => return Ok(None),
                Outcome::Unread(one) => {
                    if !unread.contains(&one) {
                        unread.push(one);
                    }
                    return Ok(None);
                }
            },
        };
        let service = &mut services[index];
        let possible = match (service.code.to, service.config.to) {
            (Some(_), _) => action,
            (None, Some(_)) => Action::Chart,
            (None, None) => Action::None,
        };
        let raised = possible > service.action;
        if raised {
            service.action = possible;
            service.reason = reason;
        } else if known.is_none() {
            services.pop();
        }
        Ok(raised.then_some(possible))
    }

    fn unchanged(&self, gitlink: &Gitlink) -> Result<Outcome> {
        let listed = self.listed.at(gitlink.path.as_ref()).cloned();
        let candidate = Candidate {
            path: gitlink.path.clone(),
            previous_path: None,
            base: Place::Gitlink(gitlink.pin),
            head: Place::Gitlink(gitlink.pin),
            listed_base: listed.clone(),
            listed_head: listed,
        };
        let mut obtained = Obtained::default();
        let read = |obtained: &Obtained| {
            let parent = Parent::fleet(self.repository, obtained);
            submodule::read_whole(&parent, self.settings, &candidate)
        };
        match read(&obtained)? {
            Outcome::Wanted(request) => {
                obtained.get(self.repository, vec![request], self.how)?;
                read(&obtained)
            }
            known => Ok(known),
        }
    }
}

fn built(services: &[ServiceChange]) -> Vec<(BString, Action)> {
    let built = services
        .iter()
        .filter(|s| matches!(s.action, Action::Image | Action::Chart));
    built
        .map(|service| (service.name.clone(), service.action))
        .collect()
}
