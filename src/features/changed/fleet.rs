//! A fleet: its submodules are looked into, its own files listed.

use std::collections::BTreeSet;

use bstr::{BStr, BString};
use gix::ObjectId;

use super::{
    Options, Trees,
    candidates::{self, Candidate},
    consequences::Consequences,
    inside::{self, Outcome, Parent},
    obtained::{Fetching, Obtained},
    selection,
};
use crate::{
    features::ends::Ends,
    git::{
        Objects,
        gitmodules::{self, Gitmodules},
        history,
        repository::Repository,
        tree::{self, Difference},
    },
    model::{
        change::{Base, Changed, Direction, FileChange, ServiceChange, Warning, WarningKind},
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
    let differences = tree::diff(objects, trees.base, trees.head)?;
    let listed = Listed::of(objects, trees, &differences)?;
    let mut candidates = candidates::find(objects, trees, &differences, &listed)?;
    if !options.only.is_empty() {
        selection::refuse_unknown(objects, trees, options.only)?;
        let wanted = selection::with_dependencies(settings, options.only);
        candidates.retain(|candidate| selection::leads_to_named(candidate.path.as_ref(), &wanted));
    }

    let how = Fetching {
        offline: options.offline,
        jobs: options.jobs,
        events: options.events,
    };
    let (mut services, mut warnings, mut unread) = (Vec::new(), ends.warnings, Vec::new());
    for outcome in look_into(repository, settings, &candidates, options.files, how)? {
        match outcome {
            Outcome::Read(service, said) => {
                services.push(*service);
                warnings.extend(said);
            }
            Outcome::Unread(one) => unread.push(one),
            // `look_into` leaves none.
            Outcome::Wanted(_) => {}
        }
    }
    let paths = own_paths(&differences, &candidates);
    if let Some(consequences) = Consequences::of(repository, settings, how, objects, head_tree)? {
        warnings.extend(consequences.unknown_names(&listed));
        consequences.add(&paths, &mut services, &mut unread)?;
    }
    if !options.only.is_empty() {
        services.retain(|service| selection::is_named(service.path.as_ref(), options.only));
        unread.retain(|one| selection::leads_to_named(one.path.as_ref(), options.only));
    }
    warnings.extend(unintended_reverts(
        repository,
        &ends.base,
        ends.head.commit,
        &services,
    )?);
    Ok(Changed {
        base: ends.base,
        head: ends.head,
        services,
        paths,
        warnings,
        unread,
    })
}

/// Looks into every candidate, and fetches what is not here until all of them can be answered for.
fn look_into(
    repository: &Repository,
    settings: &Settings,
    candidates: &[Candidate],
    files: bool,
    how: Fetching<'_>,
) -> Result<Vec<Outcome>> {
    let mut obtained = Obtained::default();
    let mut outcomes = Vec::new();
    let mut open: Vec<&Candidate> = candidates.iter().collect();
    for _ in 0..ROUNDS {
        let read = parallel::map(how.jobs, &open, |candidate| {
            let parent = Parent::fleet(repository, &obtained);
            inside::read(&parent, settings, candidate, files)
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

/// What `.gitmodules` says at both ends: all of it where it differs, else of the submodules whose pins do.
#[derive(Default)]
pub(super) struct Listed {
    pub base: Gitmodules,
    pub head: Gitmodules,
}

impl Listed {
    pub fn of(objects: Objects<'_>, trees: &Trees, differences: &[Difference]) -> Result<Self> {
        let gitlinks = differences.iter().filter(|d| d.is_gitlink());
        let paths: BTreeSet<&BStr> = gitlinks.map(|d| d.path.as_ref()).collect();
        if !differences.iter().any(|d| d.path == gitmodules::FILE) {
            let head = match trees.head {
                Some(root) => Gitmodules::at_paths(objects, root, &paths)?,
                None => Gitmodules::default(),
            };
            let base = head.clone();
            return Ok(Self { base, head });
        }
        let of = |root: Option<ObjectId>| match root {
            Some(root) => Gitmodules::of_tree(objects, root),
            None => Ok(Gitmodules::default()),
        };
        Ok(Self {
            base: of(trees.base)?,
            head: of(trees.head)?,
        })
    }
}

/// A pin that went backwards although no commit of the range did that: a merge kept the older of two. Where base is no
/// ancestor of head there is nothing to keep: head never had the newer one.
fn unintended_reverts(
    repository: &Repository,
    base: &Base,
    head: ObjectId,
    services: &[ServiceChange],
) -> Result<Vec<Warning>> {
    let Some(base) = base.commit else {
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

/// The fleet's own files: neither gitlinks nor what was or became a service's directory.
fn own_paths(differences: &[Difference], candidates: &[Candidate]) -> Vec<FileChange> {
    let directories: Vec<&BString> = candidates
        .iter()
        .filter(|c| c.crosses_a_directory())
        .map(|c| &c.path)
        .collect();
    let inside_service = |path: &BString| {
        directories.iter().any(|dir| {
            path.strip_prefix(dir.as_slice())
                .is_some_and(|rest| rest.starts_with(b"/"))
        })
    };
    differences
        .iter()
        .filter(|difference| !difference.is_gitlink() && !inside_service(&difference.path))
        .map(Difference::to_file_change)
        .collect()
}
