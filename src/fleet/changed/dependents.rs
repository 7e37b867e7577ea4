//! What a change elsewhere means: by the configuration for superproject paths that fan out and services that depend on others,
//! by their Dockerfiles for services that build on the image of others.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{
    fetched::Fetching,
    gitlinks::{Candidate, EndPoint, Listed},
    submodule::{self, SubmoduleResult},
};
use crate::{
    fleet::select::Selection,
    git::{Objects, gitmodules::Gitmodules, repository::Repository, tree},
    model::{
        change::{Action, FileChange, Reason, ServiceChange, Unread, Warning, WarningKind},
        error::Result,
        fleet::{self, Gitlink},
        image_edge::ImageEdges,
        settings::Settings,
    },
};

/// Who else is to be built for a change.
pub(super) struct Dependents<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    how: Fetching<'a>,
    /// Every submodule at head; read only when something may follow.
    gitlinks: Vec<Gitlink>,
    /// For the name of a service those that depend on it, as indexes of `gitlinks`.
    by_dependency: BTreeMap<BString, Vec<usize>>,
    listed: Gitmodules,
}

impl<'a> Dependents<'a> {
    /// None when the configuration speaks of no service and fans out nothing.
    pub(super) fn of(
        repository: &'a Repository,
        settings: &'a Settings,
        how: Fetching<'a>,
        objects: Objects<'_>,
        head: Option<ObjectId>,
    ) -> Result<Option<Self>> {
        let head = head.filter(|_| speaks_of_services(settings));
        head.map(|head| Self::at(repository, settings, how, objects, head))
            .transpose()
    }

    /// Whatever the configuration says, at the fleet's tree `head`.
    pub(super) fn at(
        repository: &'a Repository,
        settings: &'a Settings,
        how: Fetching<'a>,
        objects: Objects<'_>,
        head: ObjectId,
    ) -> Result<Self> {
        let gitlinks = tree::gitlinks(objects, head)?;
        let mut by_dependency = BTreeMap::<BString, Vec<usize>>::new();
        for (index, gitlink) in gitlinks.iter().enumerate() {
            for name in dependencies(settings, gitlink.path.as_ref()) {
                by_dependency
                    .entry(name.as_str().into())
                    .or_default()
                    .push(index);
            }
        }
        Ok(Self {
            repository,
            settings,
            how,
            gitlinks,
            by_dependency,
            listed: Gitmodules::of_tree(objects, head)?,
        })
    }

    /// Names in the configuration that no service has.
    pub(super) fn unknown_names(&self, listed: &Listed) -> Vec<Warning> {
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
                    "flota.toml names the service `{name}`, which the fleet does not have"
                ),
            })
            .collect()
    }

    /// `asked`, and the services that these depend on, by however many steps.
    pub(super) fn with_dependencies(&self, asked: &Selection) -> Selection {
        let mut all = asked.clone();
        let mut open: Vec<BString> = asked.iter().cloned().collect();
        while let Some(path) = open.pop() {
            let dependencies = dependencies(self.settings, path.as_ref());
            if dependencies.is_empty() {
                continue;
            }
            for gitlink in &self.gitlinks {
                let name = fleet::service_name(gitlink.path.as_ref());
                let is_needed = dependencies.iter().any(|on| name == on.as_str());
                if is_needed && !all.has(gitlink.path.as_ref()) {
                    all.extend([gitlink.path.clone()]);
                    open.push(gitlink.path.clone());
                }
            }
        }
        all
    }

    /// What follows for others where the service at `path` gets `action`: for those that depend on it the same, and where that
    /// is an image, for those that build on it an image of their own.
    fn direct(&self, path: &BStr, action: Action, edges: &ImageEdges) -> Vec<(&Gitlink, Reason)> {
        let name = fleet::service_name(path);
        let indexes = self.by_dependency.get(name).into_iter().flatten();
        let dependents = indexes.map(move |index| {
            let reason = Reason::DependsOn(name.to_owned());
            (&self.gitlinks[*index], reason)
        });
        let is_image = action == Action::Image;
        let children = is_image.then(|| edges.children(path));
        let children = children.into_iter().flatten().filter_map(move |child| {
            let is_it = |gitlink: &Gitlink| gitlink.path.cmp(child);
            let index = self.gitlinks.binary_search_by(is_it).ok()?;
            Some((&self.gitlinks[index], Reason::BuildsOn(name.to_owned())))
        });
        // Of two reasons for the same, what the configuration says comes first.
        dependents.chain(children).collect()
    }

    /// Adds to `services` what follows from `paths` for those that it `concerns`, and to `unread` what would have to be read
    /// for it and cannot be.
    pub(super) fn fan_out(
        &self,
        paths: &[FileChange],
        concerns: impl Fn(&BStr) -> bool,
        services: &mut Vec<ServiceChange>,
        unread: &mut Vec<Unread>,
    ) -> Result<()> {
        let mut raises = Vec::new();
        for fanout in &self.settings.fanout {
            let Some(file) = paths
                .iter()
                .find(|file| fanout.paths.is_match(file.path.as_ref()))
            else {
                continue;
            };
            let named = self.gitlinks.iter().filter(|gitlink| {
                let path = gitlink.path.as_ref();
                let name = fleet::service_name(path);
                let named = fanout.services.is_match(name) || fanout.services.is_match(path);
                named && concerns(path)
            });
            let action = Action::from(fanout.action);
            raises.extend(named.map(|gitlink| (gitlink, action, &file.path)));
        }
        let gitlinks = raises.iter().map(|(gitlink, ..)| *gitlink);
        let unchanged = self.read_missing(gitlinks, services)?;
        for (gitlink, action, file) in raises {
            let reason = Reason::Fanout(file.clone());
            raise(gitlink, action, reason, &unchanged, services, unread);
        }
        Ok(())
    }

    /// Every service that depends on a built one, or builds on its image by `edges`, is built too, and what depends on that.
    /// The dependencies have no cycles: reading the configuration refuses them. A service is raised to each action once, so
    /// that a cycle of images ends here too: the build refuses it.
    pub(super) fn add(
        &self,
        edges: &ImageEdges,
        services: &mut Vec<ServiceChange>,
        unread: &mut Vec<Unread>,
    ) -> Result<()> {
        let mut open: Vec<(BString, Action)> = built(services);
        let unchanged = self.read_missing(self.all_dependents(open.clone(), edges), services)?;
        while let Some((path, action)) = open.pop() {
            for (gitlink, reason) in self.direct(path.as_ref(), action, edges) {
                let raised = raise(gitlink, action, reason, &unchanged, services, unread);
                open.extend(raised.map(|action| (gitlink.path.clone(), action)));
            }
        }
        Ok(())
    }

    /// Those that depend on one of `built`, by however many steps.
    fn all_dependents(
        &self,
        mut built: Vec<(BString, Action)>,
        edges: &ImageEdges,
    ) -> Vec<&Gitlink> {
        let mut all = BTreeMap::<&BStr, (&Gitlink, Action)>::new();
        while let Some((path, action)) = built.pop() {
            for (gitlink, _) in self.direct(path.as_ref(), action, edges) {
                let known = all.get(gitlink.path.as_bstr()).map(|(_, known)| *known);
                if known.is_none_or(|known| known < action) {
                    all.insert(gitlink.path.as_ref(), (gitlink, action));
                    built.push((gitlink.path.clone(), action));
                }
            }
        }
        all.into_values().map(|(gitlink, _)| gitlink).collect()
    }

    /// What those of `gitlinks` hold of which `services` do not say it, by their paths: read together, so that what is not here is
    /// fetched together.
    fn read_missing<'g>(
        &self,
        gitlinks: impl IntoIterator<Item = &'g Gitlink>,
        services: &[ServiceChange],
    ) -> Result<BTreeMap<BString, SubmoduleResult>> {
        let known = services.iter().filter(|service| is_read(service));
        let known: BTreeSet<&BString> = known.map(|service| &service.path).collect();
        let missing = gitlinks.into_iter();
        let missing = missing.filter(|gitlink| !known.contains(&gitlink.path));
        let missing: BTreeMap<&BString, Candidate> = missing
            .map(|gitlink| (&gitlink.path, self.unchanged(gitlink)))
            .collect();
        let candidates: Vec<_> = missing.values().collect();
        let read =
            submodule::read_unchanged(self.repository, self.settings, &candidates, self.how)?;
        let path = |known: &SubmoduleResult| match known {
            Ok((service, _)) => service.path.clone(),
            Err(unread) => unread.path.clone(),
        };
        Ok(read
            .into_iter()
            .map(|known| (path(&known), known))
            .collect())
    }

    /// A submodule whose pin stands.
    fn unchanged(&self, gitlink: &Gitlink) -> Candidate {
        let listed = self.listed.at(gitlink.path.as_ref()).cloned();
        Candidate {
            path: gitlink.path.clone(),
            previous_path: None,
            base: EndPoint::Gitlink(gitlink.pin),
            head: EndPoint::Gitlink(gitlink.pin),
            replaced_by: None,
            listed_base: listed.clone(),
            listed_head: listed,
        }
    }
}

/// Makes the service's action at least `action`, as far as it has anything to build; what it became, if that is more than it was.
/// One that is not among `services`, or was not read, is taken from `unchanged`.
fn raise(
    gitlink: &Gitlink,
    action: Action,
    reason: Reason,
    unchanged: &BTreeMap<BString, SubmoduleResult>,
    services: &mut Vec<ServiceChange>,
    unread: &mut Vec<Unread>,
) -> Option<Action> {
    let is_it = |service: &&mut ServiceChange| service.path == gitlink.path;
    let possible = |service: &ServiceChange| match (service.code.to, service.config.to) {
        (Some(_), _) => action,
        (None, Some(_)) => Action::Chart,
        (None, None) => Action::None,
    };
    let raise = |service: &mut ServiceChange| {
        let possible = possible(service);
        let raised = possible > service.action;
        if raised {
            service.action = possible;
            service.reason = reason.clone();
        }
        raised.then_some(possible)
    };
    let unchanged = unchanged.get(&gitlink.path);
    if let Some(service) = services.iter_mut().find(is_it) {
        match unchanged {
            // A renamed one need not have been read until now.
            Some(Ok((read, _))) => (service.code, service.config) = (read.code, read.config),
            Some(Err(one)) if !unread.contains(one) => unread.push(one.clone()),
            Some(Err(_)) | None => {}
        }
        return raise(service);
    }
    match unchanged? {
        Ok((service, _)) => {
            let mut service = service.clone();
            let raised = raise(&mut service)?;
            services.push(service);
            Some(raised)
        }
        Err(one) => {
            if !unread.contains(one) {
                unread.push(one.clone());
            }
            None
        }
    }
}

/// Whether it says what is at head: where the pin stands, only those that are at hand are read.
fn is_read(service: &ServiceChange) -> bool {
    let has_part = service.code.to.is_some() || service.config.to.is_some();
    has_part || service.to.is_none() || service.from != service.to
}

/// The names that the service at `path` depends on.
fn dependencies<'a>(settings: &'a Settings, path: &BStr) -> &'a [String] {
    let own = fleet::service_name(path).to_str_lossy();
    let own = settings.services.get(own.as_ref());
    own.map_or(&[], |own| &own.depends_on)
}

fn speaks_of_services(settings: &Settings) -> bool {
    !settings.fanout.is_empty() || !settings.services.is_empty()
}

fn built(services: &[ServiceChange]) -> Vec<(BString, Action)> {
    let built = services
        .iter()
        .filter(|s| matches!(s.action, Action::Image | Action::Chart));
    built
        .map(|service| (service.path.clone(), service.action))
        .collect()
}
