//! A fleet: reads its submodules and lists its own files.

use std::{cell::OnceCell, collections::BTreeSet};

use bstr::{BStr, BString};
use gix::ObjectId;

use super::{
    bases::{self, Comparison},
    children::Children,
    dependents::Dependents,
    fetched::Fetching,
    gitlinks::Candidate,
    missing,
    options::ChangedOptions,
    reverts, submodule,
    trees::Trees,
};
use crate::{
    fleet::{range::Ends, select::Selection},
    git::{Objects, repository::Repository},
    model::{
        change::{Action, Changed, ServiceChange, Unread, Warning},
        error::Result,
        fleet::ancestors,
        image_edge::ImageEdges,
        settings::Settings,
    },
};

/// What changed in the submodules, and in the fleet itself.
pub(super) fn in_fleet(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    trees: &Trees,
    options: ChangedOptions<'_>,
) -> Result<Changed> {
    let objects = repository.objects();
    let objects = Objects::new(&objects);
    let asked = options.only.in_trees(objects, trees.base, trees.head)?;
    let (comparisons, exceptions) = bases::of(repository, objects, &ends, trees)?;
    let how = Fetching {
        offline: options.offline,
        jobs: options.jobs,
        events: options.events,
    };
    let dependents = Dependents::of(repository, settings, how, objects, trees.head)?;
    let children = Children::of(repository, settings, how, trees.head);
    // Where nothing moved, nothing is built on something new.
    let may_build = comparisons.iter().any(|one| {
        let fans_out = !settings.fanout.is_empty() && !one.paths.is_empty();
        !one.candidates.is_empty() || fans_out
    });
    let look = Look {
        repository,
        settings,
        how,
        files: options.files,
        // A change in what a service depends on, or builds on, calls for an action here too.
        only: match &asked {
            Some(asked) => Some(with_what_they_need(
                asked,
                dependents.as_ref(),
                may_build.then_some(&children),
            )?),
            None => None,
        },
        looks_beyond: comparisons.len() > 1
            && (depends(settings) || may_build && children.may_exist()?),
        children,
        late: OnceCell::new(),
        tree: trees.head,
        head: ends.head.commit,
        dependents,
    };
    let mut findings = Findings {
        warnings: ends.warnings,
        ..Findings::default()
    };
    for comparison in &comparisons {
        findings.extend(look.at(comparison)?);
    }
    if let Some(dependents) = &look.dependents {
        let names = dependents.unknown_names(&comparisons[0].listed);
        findings.warnings.extend(names);
    }
    // What is built again calls for what depends on it, whatever that is compared with.
    look.follow(&mut findings.services, &mut findings.unread)?;
    findings
        .warnings
        .extend(look.children.warnings(&findings.services, &findings.unread));
    if let Some(asked) = &asked {
        let is_asked = |service: &ServiceChange| {
            let previous = service.previous_path.as_ref();
            asked.has(service.path.as_ref())
                || previous.is_some_and(|path| asked.has(path.as_ref()))
        };
        findings.services.retain(is_asked);
        let unread = &mut findings.unread;
        unread.retain(|one| asked.leads_through(one.path.as_ref()));
        for path in asked.iter().filter(|path| !findings.are_about(path)) {
            missing::refuse(repository, objects, trees, path)?;
        }
    }
    let own = comparisons.into_iter().next();
    Ok(Changed {
        base: ends.base,
        head: ends.head,
        exceptions,
        services: findings.services,
        paths: own.map(|all| all.paths).unwrap_or_default(),
        warnings: findings.warnings,
        unread: findings.unread,
    })
}

/// `asked`, and what these depend on and build on, by however many steps.
fn with_what_they_need(
    asked: &Selection,
    dependents: Option<&Dependents<'_>>,
    children: Option<&Children<'_>>,
) -> Result<Selection> {
    let mut all = asked.clone();
    loop {
        let more = dependents.map_or_else(|| all.clone(), |known| known.with_dependencies(&all));
        let more = match children {
            Some(children) => children.with_parents(&more)?,
            None => more,
        };
        if more.iter().count() == all.iter().count() {
            return Ok(all);
        }
        all = more;
    }
}

fn depends(settings: &Settings) -> bool {
    let mut services = settings.services.values();
    services.any(|service| !service.depends_on.is_empty())
}

/// What all comparisons share.
struct Look<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    how: Fetching<'a>,
    files: bool,
    /// The services that were asked for, and those they depend on; none for all.
    only: Option<Selection>,
    /// Whether a service may depend on one that has another base.
    looks_beyond: bool,
    head: ObjectId,
    /// Its tree.
    tree: Option<ObjectId>,
    dependents: Option<Dependents<'a>>,
    /// The same where only Dockerfiles call for it.
    late: OnceCell<Dependents<'a>>,
    children: Children<'a>,
}

#[derive(Default)]
struct Findings {
    services: Vec<ServiceChange>,
    warnings: Vec<Warning>,
    unread: Vec<Unread>,
}

impl Findings {
    fn extend(&mut self, other: Self) {
        self.services.extend(other.services);
        self.warnings.extend(other.warnings);
        self.unread.extend(other.unread);
    }

    /// Whether they say anything of the submodule at `path`, or of one above it.
    fn are_about(&self, path: &BString) -> bool {
        let services = self.services.iter();
        let mut found = services.flat_map(|one| [Some(&one.path), one.previous_path.as_ref()]);
        let above = |one: &Unread| ancestors(path.as_ref()).any(|above| one.path == above);
        found.any(|one| one == Some(path)) || self.unread.iter().any(above)
    }

    /// Drops what is about another path than those that `is_meant`.
    fn retain(&mut self, is_meant: impl Fn(&BStr) -> bool) {
        self.services
            .retain(|service| is_meant(service.path.as_ref()));
        self.unread.retain(|one| is_meant(one.path.as_ref()));
        let about = |warning: &Warning| {
            warning
                .path
                .as_ref()
                .is_none_or(|path| is_meant(path.as_ref()))
        };
        self.warnings.retain(about);
    }
}

impl Look<'_> {
    /// Adds what follows from what is built for those that depend on it, or build on it.
    fn follow(&self, services: &mut Vec<ServiceChange>, unread: &mut Vec<Unread>) -> Result<()> {
        let built = services.iter().filter(|one| one.action == Action::Image);
        let built: BTreeSet<&BStr> = built.map(|one| one.path.as_ref()).collect();
        let read;
        let edges = match built.is_empty() {
            true => ImageEdges::NONE,
            false => {
                let only = self.only.as_ref();
                let may_follow =
                    |path: &BStr| !built.contains(path) && only.is_none_or(|only| only.has(path));
                read = self.children.edges(may_follow)?;
                &*read
            }
        };
        let dependents = match (&self.dependents, self.tree) {
            (Some(dependents), _) => dependents,
            (None, Some(tree)) if !edges.is_empty() => {
                let objects = self.repository.objects();
                let objects = Objects::new(&objects);
                let (repository, settings) = (self.repository, self.settings);
                let late = Dependents::at(repository, settings, self.how, objects, tree)?;
                self.late.get_or_init(|| late)
            }
            (None, _) => return Ok(()),
        };
        dependents.add(edges, services, unread)
    }

    /// What changed in the services of one comparison.
    fn at(&self, comparison: &Comparison) -> Result<Findings> {
        let concerns = |path: &BStr| {
            let is_in_scope = self.looks_beyond || comparison.scope.has(path);
            let only = self.only.as_ref();
            is_in_scope && only.is_none_or(|only| only.leads_through(path))
        };
        let candidates = comparison.candidates.iter().filter(|it| {
            let previous = it.previous_path.as_ref();
            concerns(it.path.as_ref()) || previous.is_some_and(|path| concerns(path.as_ref()))
        });
        let mut candidates: Vec<_> = candidates.collect();
        let mut findings = Findings::default();
        for known in submodule::read_all(
            self.repository,
            self.settings,
            &candidates,
            self.files,
            self.how,
        )? {
            match known {
                Ok((service, warnings)) => {
                    findings.services.push(service);
                    findings.warnings.extend(warnings);
                }
                Err(unread) => findings.unread.push(unread),
            }
        }
        if let Some(dependents) = &self.dependents {
            let (services, unread) = (&mut findings.services, &mut findings.unread);
            dependents.fan_out(&comparison.paths, concerns, services, unread)?;
        }
        self.follow(&mut findings.services, &mut findings.unread)?;
        findings.retain(|path| comparison.scope.has(path));
        let (base, head) = (comparison.base, self.head);
        let in_scope = |it: &&Candidate| comparison.scope.has(it.path.as_ref());
        candidates.retain(in_scope);
        let reverts = reverts::unintended(self.repository, base, head, &candidates)?;
        findings.warnings.extend(reverts);
        Ok(findings)
    }
}
