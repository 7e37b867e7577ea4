//! A fleet: its submodules are looked into, its own files listed.

use bstr::{BStr, BString};
use gix::ObjectId;

use super::{
    Options, Trees,
    bases::{self, Comparison},
    dependents::Consequences,
    fetched::{Fetching, Obtained},
    gitlinks::Candidate,
    selection,
    submodule::{self, Outcome, Parent},
};
use crate::{
    fleet::range::Ends,
    git::{Objects, history, repository::Repository},
    model::{
        change::{Changed, Direction, ServiceChange, Unread, Warning, WarningKind},
        error::{Error, Result},
        settings::Settings,
    },
    parallel,
};

/// How often what was fetched may name something else to fetch: a commit, its nested submodules, theirs.
const ROUNDS: usize = 64;

/// What changed in the submodules, and in the fleet itself.
pub(super) fn in_fleet(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    trees: &Trees,
    options: Options<'_>,
) -> Result<Changed> {
    let objects = repository.objects();
    let objects = Objects::new(&objects);
    let head_tree = repository.tree_of(ends.head.commit)?;
    if !options.only.is_empty() {
        selection::refuse_unknown(objects, trees, options.only)?;
    }
    let (comparisons, exceptions) = bases::of(repository, objects, &ends, trees)?;
    let how = Fetching {
        offline: options.offline,
        jobs: options.jobs,
        events: options.events,
    };
    let look = Look {
        repository,
        settings,
        how,
        files: options.files,
        only: selection::with_dependencies(settings, options.only),
        looks_beyond: comparisons.len() > 1 && depends(settings),
        head: ends.head.commit,
        consequences: Consequences::of(repository, settings, how, objects, head_tree)?,
    };
    let mut found = Found {
        warnings: ends.warnings,
        ..Found::default()
    };
    for comparison in &comparisons {
        found.extend(look.at(comparison)?);
    }
    if let Some(consequences) = &look.consequences {
        let names = consequences.unknown_names(&comparisons[0].listed);
        found.warnings.extend(names);
        // What is built again calls for what depends on it, whatever that is compared with.
        consequences.add_dependents(&mut found.services, &mut found.unread)?;
    }
    if !options.only.is_empty() {
        let services = &mut found.services;
        services.retain(|service| selection::is_named(service.path.as_ref(), options.only));
        let unread = &mut found.unread;
        unread.retain(|one| selection::leads_to_named(one.path.as_ref(), options.only));
    }
    let own = comparisons.into_iter().next();
    Ok(Changed {
        base: ends.base,
        head: ends.head,
        exceptions,
        services: found.services,
        paths: own.map(|all| all.paths).unwrap_or_default(),
        warnings: found.warnings,
        unread: found.unread,
    })
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
    only: Vec<BString>,
    /// Whether a service may depend on one that has another base.
    looks_beyond: bool,
    head: ObjectId,
    consequences: Option<Consequences<'a>>,
}

#[derive(Default)]
struct Found {
    services: Vec<ServiceChange>,
    warnings: Vec<Warning>,
    unread: Vec<Unread>,
}

impl Found {
    fn extend(&mut self, other: Self) {
        self.services.extend(other.services);
        self.warnings.extend(other.warnings);
        self.unread.extend(other.unread);
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
    /// What changed in the services of one comparison.
    fn at(&self, comparison: &Comparison) -> Result<Found> {
        let concerns = |path: &BStr| {
            let is_in_scope = self.looks_beyond || comparison.scope.has(path);
            is_in_scope && (self.only.is_empty() || selection::leads_to_named(path, &self.only))
        };
        let candidates = comparison.candidates.iter();
        let candidates: Vec<_> = candidates.filter(|it| concerns(it.path.as_ref())).collect();
        let mut found = Found::default();
        for outcome in look_into(
            self.repository,
            self.settings,
            &candidates,
            self.files,
            self.how,
        )? {
            match outcome {
                Outcome::Read(service, said) => {
                    found.services.push(*service);
                    found.warnings.extend(said);
                }
                Outcome::Unread(one) => found.unread.push(one),
                // `look_into` leaves none.
                Outcome::Wanted(_) => {}
            }
        }
        if let Some(consequences) = &self.consequences {
            let (services, unread) = (&mut found.services, &mut found.unread);
            consequences.fan_out(&comparison.paths, concerns, services, unread)?;
            consequences.add_dependents(services, unread)?;
        }
        found.retain(|path| comparison.scope.has(path));
        let (base, head) = (comparison.base, self.head);
        let reverts = unintended_reverts(self.repository, base, head, &found.services)?;
        found.warnings.extend(reverts);
        Ok(found)
    }
}

/// Looks into every candidate, and fetches what is not here until all of them can be answered for.
fn look_into(
    repository: &Repository,
    settings: &Settings,
    candidates: &[&Candidate],
    files: bool,
    how: Fetching<'_>,
) -> Result<Vec<Outcome>> {
    let mut obtained = Obtained::default();
    let mut outcomes = Vec::new();
    let mut open: Vec<&Candidate> = candidates.to_vec();
    for _ in 0..ROUNDS {
        let read = parallel::map(how.jobs, &open, |candidate| {
            let parent = Parent::fleet(repository, &obtained);
            submodule::read(&parent, settings, candidate, files)
                .map_err(|err| in_submodule(candidate, err))
        })?;
        let mut requests = Vec::new();
        let mut still_open = Vec::new();
        for (candidate, read) in open.into_iter().zip(read) {
            let (wanted, known): (Vec<_>, Vec<_>) = read?
                .into_iter()
                .partition(|outcome| matches!(outcome, Outcome::Wanted(_)));
            if wanted.is_empty() {
                outcomes.extend(known);
                continue;
            }
            still_open.push(candidate);
            requests.extend(wanted.into_iter().filter_map(Outcome::into_request));
        }
        if still_open.is_empty() {
            return Ok(outcomes);
        }
        open = still_open;
        obtained.get(repository, requests, how)?;
    }
    Err(Error::repository(
        "the submodules nest deeper than flota follows",
    ))
}

/// What went wrong, with the submodule that it went wrong in.
fn in_submodule(candidate: &Candidate, err: Error) -> Error {
    let message = format!("the submodule {} cannot be read", candidate.path);
    let hints = err.hints().to_vec();
    let error = Error::new(err.exit(), message).because(err);
    hints.into_iter().fold(error, Error::hint)
}

/// A pin that went backwards although no commit of the range did that: a merge kept the older of two. Where base is no
/// ancestor of head there is nothing to keep: head never had the newer one.
fn unintended_reverts(
    repository: &Repository,
    base: Option<ObjectId>,
    head: ObjectId,
    services: &[ServiceChange],
) -> Result<Vec<Warning>> {
    let Some(base) = base else {
        return Ok(Vec::new());
    };
    let mut warnings = Vec::new();
    let mut went_back = services
        .iter()
        .filter(|s| s.direction == Some(Direction::Rollback))
        .peekable();
    if went_back.peek().is_none() || repository.merge_base(base, head)? != Some(base) {
        return Ok(warnings);
    }
    for service in went_back {
        let (Some(from), Some(to)) = (service.from, service.to) else {
            continue;
        };
        if history::pin_was_meant(repository, base, head, service.path.as_ref(), to)? {
            continue;
        }
        let message = format!(
            "{} went back from {} to {}, and no commit of the range meant that: a merge kept the older pin",
            service.path,
            from.to_hex_with_len(7),
            to.to_hex_with_len(7)
        );
        let path = Some(service.path.clone());
        warnings.push(Warning {
            path,
            kind: WarningKind::UnintendedRevert,
            message,
        });
    }
    Ok(warnings)
}
