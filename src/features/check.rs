//! `flota check`, for pull requests: change detection gives no warning, and every new pin is on a branch of its remote.

use std::num::NonZeroUsize;

use crate::{
    fleet::{
        changed::{self, ChangedOptions},
        nested_pins::{Asking, NestedPin, PinningCommit},
        range::Ends,
        worktree,
    },
    git::{
        Objects,
        gitmodules::Gitmodules,
        network::reachability::{self, Reachability},
        repository::Repository,
        submodule::Store,
        url,
    },
    model::{
        change::{Changed, ServiceChange, Unread, Warning, WarningKind},
        error::{Error, Result},
        exit::Exit,
        settings::Settings,
    },
    parallel,
};

/// What was found.
pub(crate) struct Checked {
    /// What changed, with everything that speaks against it among the warnings, and what could not be answered among the unread.
    pub changed: Changed,
    /// Whether some of those could not be answered because something outside of the fleet is missing, such as a server.
    pub is_something_missing: bool,
}

/// Checks what changed. A service that cannot be answered for does not keep the others from it.
///
/// # Errors
/// Those of change detection; and flota is interrupted, or git's configuration is not valid.
pub(crate) fn check(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    options: ChangedOptions<'_>,
) -> Result<Checked> {
    let mut changed = changed::changed(repository, settings, ends, options)?;
    let guard = Guard::new(repository, &changed, options.offline)?;
    let found = guard.all(&changed.services, options.jobs)?;
    changed.warnings.extend(found.warnings);
    changed.warnings.sort();
    changed.unread.extend(found.unread);
    changed.unread.sort();
    Ok(Checked {
        changed,
        is_something_missing: found.is_something_missing,
    })
}

/// What speaks against the services, and those that cannot be answered for.
#[derive(Default)]
struct Findings {
    warnings: Vec<Warning>,
    unread: Vec<Unread>,
    is_something_missing: bool,
}

struct Guard<'a> {
    repository: &'a Repository,
    listed: Gitmodules,
    offline: bool,
}

impl<'a> Guard<'a> {
    fn new(repository: &'a Repository, changed: &Changed, offline: bool) -> Result<Self> {
        let objects = repository.objects();
        let listed = match changed.head.commit {
            // A deleted branch lists nothing.
            head if head.is_null() => Gitmodules::default(),
            head => Gitmodules::of_tree(Objects::new(&objects), repository.tree_of(head)?)?,
        };
        Ok(Self {
            repository,
            listed,
            offline,
        })
    }

    /// What speaks against the services. Those whose own repositories or servers are at fault are named: the others are answered for.
    fn all(&self, services: &[ServiceChange], jobs: NonZeroUsize) -> Result<Findings> {
        let moved: Vec<_> = services
            .iter()
            // A single service's own commits are no pins, and nested ones are their parent's business.
            .filter(|service| {
                self.listed.at(service.path.as_ref()).is_some() && service.from != service.to
            })
            .collect();
        let found = parallel::map(jobs, &moved, |service| {
            let mut found: Vec<_> = self.one(service)?.into_iter().collect();
            found.extend(self.nested(service)?);
            Ok::<_, Error>(found)
        })?;
        let mut all = Findings::default();
        for (service, found) in moved.into_iter().zip(found) {
            match (found, service.to) {
                (Ok(found), _) => all.warnings.extend(found),
                (Err(err), Some(pin))
                    if matches!(err.exit(), Exit::Repository | Exit::Unavailable) =>
                {
                    all.is_something_missing |= err.exit() == Exit::Unavailable;
                    all.unread.push(Unread {
                        path: service.path.clone(),
                        pin,
                        url: service.url.clone(),
                        why: err.with_causes(),
                        hints: err.hints().to_vec(),
                    });
                }
                (Err(err), _) => return Err(err),
            }
        }
        Ok(all)
    }

    /// What speaks against the pins that its new commit has of its own submodules, at every level: who cannot fetch those cannot
    /// clone it.
    fn nested(&self, service: &ServiceChange) -> Result<Vec<Warning>> {
        let Some(commit) = service.to else {
            return Ok(Vec::new());
        };
        let path = service.path.as_ref();
        let listed = self.listed.at(path);
        let name = listed.map(|listed| listed.name.as_ref());
        let url = listed.and_then(|listed| Some(listed.url.as_ref()?.as_ref()));
        // Without a URL nobody can clone the service itself, which was said.
        let Ok(source) = url::source(self.repository, name, url) else {
            return Ok(Vec::new());
        };
        let root = self.repository.work_dir();
        let work_dir = root.and_then(|root| worktree::initialised(root, path).ok()?);
        let holder = PinningCommit {
            path: service.path.clone(),
            url: source.of_gitmodules().url.clone(),
            store: Store::open(self.repository, name, path)?,
            work_dir,
            commit,
            before: service.from,
        };
        let asking = Asking {
            fleet: self.repository,
            offline: self.offline,
        };
        let found = asking.unpushed(&holder)?.into_iter();
        let warning = |nested: NestedPin| {
            let (kind, what) = match nested.found {
                Some(Reachability::Loose) => (
                    WarningKind::BranchlessPin,
                    "is on no branch of its remote, so the remote may delete it",
                ),
                Some(_) => (
                    WarningKind::UnpushedPin,
                    "is not on its remote: nobody else can fetch it",
                ),
                None => (WarningKind::UnpushedPin, "is on no remote-tracking branch"),
            };
            let short = nested.pin.to_hex_with_len(7);
            let message = format!("{path}: its pin {short} of {} {what}", nested.path);
            Warning {
                path: Some(path.to_owned()),
                kind,
                message,
            }
        };
        Ok(found.map(warning).collect())
    }

    /// What speaks against the service's new pin. The server is asked only where the last fetch does not settle it.
    fn one(&self, service: &ServiceChange) -> Result<Option<Warning>> {
        let Some(pin) = service.to else {
            return Ok(None);
        };
        let path = service.path.as_ref();
        let listed = self.listed.at(path);
        let name = listed.map(|listed| listed.name.as_ref());
        let url = listed
            .and_then(|listed| listed.url.as_ref())
            .map(|url| url.as_ref());
        let source = url::source_at(self.repository, path, name, url)?;
        if let Some(store) = Store::open(self.repository, name, path)?
            && reachability::seen_on_branch(&store, &source, pin)?
        {
            return Ok(None);
        }
        let short = pin.to_hex_with_len(7);
        let warning = |kind, message| {
            Some(Warning {
                path: Some(path.to_owned()),
                kind,
                message,
            })
        };
        if self.offline {
            let message = format!(
                "{path}: no remote-tracking branch of {} contains its pin {short}",
                source.of_gitmodules().shown
            );
            return Ok(warning(WarningKind::UnpushedPin, message));
        }
        let shown = &source.of_gitmodules().shown;
        Ok(match reachability::ask(self.repository, &source, pin)? {
            Reachability::OnBranch => None,
            Reachability::Loose => warning(
                WarningKind::BranchlessPin,
                format!(
                    "{path}: its pin {short} is on no branch of {shown}, so the remote may delete it"
                ),
            ),
            Reachability::Absent => warning(
                WarningKind::UnpushedPin,
                format!("{path}: its pin {short} is not on {shown}: nobody else can fetch it"),
            ),
        })
    }
}
