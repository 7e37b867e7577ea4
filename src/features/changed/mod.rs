//! What changed inside the services between two commits.
//!
//! The fleet's two trees say which pins moved ([`candidates`]); inside each of those submodules the two end points are
//! compared ([`inside`]); [`rules`](crate::model::rules) decide what that means.

use std::num::NonZeroUsize;

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::ends::Ends;
use crate::{
    git::{
        Objects,
        content::{self, CODE, CONFIG},
        gitmodules::{self, Gitmodules},
        history,
        repository::Repository,
        tree::{self, Difference},
    },
    model::{
        change::{
            Base, ChangeKind, Changed, FileChange, Part, ServiceChange, Warning, WarningKind,
        },
        error::{Error, Result},
        fleet,
        rules::{self, Evidence, Old, Side},
        settings::Settings,
    },
    parallel,
};

mod candidates;
mod consequences;
mod inside;

use candidates::Candidate;
use consequences::Consequences;

/// How to look.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Whether to list the files that differ.
    pub files: bool,
    /// Whether warnings are errors.
    pub strict: bool,
    /// How many services to read at a time; the result is the same for every number.
    pub jobs: NonZeroUsize,
    /// Only these services, by name or path; all when empty.
    pub only: &'a [String],
}

/// Compares the two ends.
pub fn changed(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    options: Options<'_>,
) -> Result<Changed> {
    let trees = Trees::of(repository, &ends)?;
    let repo = repository.to_local();
    let objects = Objects::new(&repo.objects);
    let mut changed = match scope(objects, settings, &trees)? {
        Scope::Fleet => in_fleet(repository, settings, ends, &trees, options)?,
        Scope::Service => in_service(repository, settings, ends, &trees, options)?,
    };
    changed.services.sort_by(|a, b| a.path.cmp(&b.path));
    changed.warnings.sort();
    if options.strict {
        refuse_warnings(&changed.warnings)?;
    }
    Ok(changed)
}

/// The root trees of the two ends.
struct Trees {
    base: Option<ObjectId>,
    head: ObjectId,
}

impl Trees {
    fn of(repository: &Repository, ends: &Ends) -> Result<Self> {
        let base = ends
            .base
            .commit
            .map(|commit| repository.tree_of(commit))
            .transpose()?;
        Ok(Self {
            base,
            head: repository.tree_of(ends.head.commit)?,
        })
    }

    fn each(&self) -> impl Iterator<Item = ObjectId> {
        self.base.into_iter().chain([self.head])
    }
}

/// What kind of repository this is.
pub(super) enum Scope {
    /// Submodules are its services.
    Fleet,
    /// It is one service: `code/` and `config/` are its own folders.
    Service,
}

/// A fleet has submodules outside of `code/`, `config/` and `charts/`; a service has those folders and none elsewhere.
fn scope(objects: Objects<'_>, settings: &Settings, trees: &Trees) -> Result<Scope> {
    let mut has_parts = false;
    for root in trees.each() {
        let names: Vec<_> = tree::entries(objects, root)?
            .into_iter()
            .filter(|(_, (mode, _))| mode.is_tree() || mode.is_blob())
            .map(|(name, _)| name)
            .collect();
        let parts = names.iter().any(|name| is_part(name.as_ref()));
        let lists = names.iter().any(|name| name == gitmodules::FILE);
        if lists && (!parts || lists_outside_parts(objects, root)?) {
            return Ok(Scope::Fleet);
        }
        has_parts |= parts;
    }
    if settings.fleet != Default::default() {
        return Ok(Scope::Fleet);
    }
    if has_parts {
        return Ok(Scope::Service);
    }
    // Gitlinks that no `.gitmodules` lists are a fleet all the same.
    for root in trees.each() {
        if !tree::gitlinks(objects, root)?.is_empty() {
            return Ok(Scope::Fleet);
        }
    }
    Err(Error::repository(
        "neither a fleet nor a service: no submodules, no code/, config/ or charts/",
    )
    .hint("link a service's repository: git submodule add URL code-repos/NAME")
    .hint("to see a fleet at work first: flota demo"))
}

fn is_part(name: &BStr) -> bool {
    name == CODE || CONFIG.iter().any(|folder| name == *folder)
}

fn lists_outside_parts(objects: Objects<'_>, root: ObjectId) -> Result<bool> {
    let listed = Gitmodules::of_tree(objects, root)?;
    let outside = |path: &BStr| !is_part(path.split_str("/").next().unwrap_or_default().as_bstr());
    Ok(listed
        .iter()
        .any(|submodule| outside(submodule.path.as_ref())))
}

fn in_fleet(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    trees: &Trees,
    options: Options<'_>,
) -> Result<Changed> {
    let repo = repository.to_local();
    let objects = Objects::new(&repo.objects);
    let differences = tree::diff(objects, trees.base, Some(trees.head))?;
    let listed = Listed::of(objects, trees, &differences)?;
    let mut candidates = candidates::find(objects, trees, &differences, &listed)?;
    if !options.only.is_empty() {
        refuse_unknown(objects, trees, options.only)?;
        candidates.retain(|candidate| is_named(candidate.path.as_ref(), options.only));
    }

    let read = parallel::map(options.jobs, &candidates, |candidate| {
        inside::read(repository, settings, candidate, options.files)
    })?;
    let (mut services, mut warnings, mut missing) = (Vec::new(), ends.warnings, Vec::new());
    for outcome in read {
        match outcome? {
            inside::Outcome::Read(service, said) => {
                services.push(*service);
                warnings.extend(said);
            }
            inside::Outcome::Missing(pin) => missing.push(pin),
        }
    }
    let paths = own_paths(&differences, &candidates);
    if let Some(consequences) = Consequences::of(repository, settings, objects, trees)? {
        warnings.extend(consequences.unknown_names(&listed));
        consequences.add(&paths, &mut services, &mut missing)?;
        if !options.only.is_empty() {
            services.retain(|service| is_named(service.path.as_ref(), options.only));
            missing.retain(|pin| is_named(pin.path().as_ref(), options.only));
        }
    }
    inside::refuse_missing(missing)?;
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
    })
}

/// Whether one of `names` is the service at `path`.
fn is_named(path: &BStr, names: &[String]) -> bool {
    let is = |name: &String| {
        let name = name.trim_end_matches('/');
        path == name || fleet::service_name(path) == name
    };
    names.iter().any(is)
}

/// A name that no service has at either end is a mistake, not an empty result.
fn refuse_unknown(objects: Objects<'_>, trees: &Trees, names: &[String]) -> Result<()> {
    let mut paths = Vec::new();
    for root in trees.each() {
        paths.extend(
            tree::gitlinks(objects, root)?
                .into_iter()
                .map(|gitlink| gitlink.path),
        );
    }
    for name in names {
        if paths
            .iter()
            .any(|path| is_named(path.as_ref(), std::slice::from_ref(name)))
        {
            continue;
        }
        let error = Error::misuse(format!("the fleet has no service `{name}`"));
        let nearest = paths
            .iter()
            .map(|path| fleet::service_name(path.as_ref()).to_string())
            .min_by_key(|known| strsim::damerau_levenshtein(known, name))
            .filter(|known| strsim::damerau_levenshtein(known, name) <= 2.max(name.len() / 3));
        return Err(match nearest {
            Some(known) => error.hint(format!("did you mean `{known}`?")),
            None => error.hint("list them: flota plan --all"),
        });
    }
    Ok(())
}

/// What `.gitmodules` says at both ends; read only when something needs it.
#[derive(Default)]
struct Listed {
    base: Gitmodules,
    head: Gitmodules,
}

impl Listed {
    fn of(objects: Objects<'_>, trees: &Trees, differences: &[Difference]) -> Result<Self> {
        let relevant = |d: &Difference| d.is_gitlink() || d.path == gitmodules::FILE;
        if !differences.iter().any(relevant) {
            return Ok(Self::default());
        }
        let base = trees
            .base
            .map(|root| Gitmodules::of_tree(objects, root))
            .transpose()?;
        Ok(Self {
            base: base.unwrap_or_default(),
            head: Gitmodules::of_tree(objects, trees.head)?,
        })
    }
}

/// A pin that went backwards although no commit of the range did that: a merge kept the older of two.
fn unintended_reverts(
    repository: &Repository,
    base: &Base,
    head: ObjectId,
    services: &[ServiceChange],
) -> Result<Vec<Warning>> {
    use crate::model::change::Direction;
    let Some(base) = base.commit else {
        return Ok(Vec::new());
    };
    let mut warnings = Vec::new();
    for service in services
        .iter()
        .filter(|s| s.direction == Some(Direction::Rollback))
    {
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

/// The same question inside one service's own repository: its folders instead of a submodule's.
fn in_service(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    trees: &Trees,
    options: Options<'_>,
) -> Result<Changed> {
    let repo = repository.to_local();
    let objects = Objects::new(&repo.objects);
    let name = own_name(repository);
    if let Some(other) = options
        .only
        .iter()
        .find(|only| *only != "." && name != only.as_str())
    {
        return Err(Error::misuse(format!(
            "this repository is the service `{name}`, not `{other}`"
        ))
        .hint("leave the name out: flota build"));
    }
    let own = settings.for_service(&name.to_str_lossy());
    let content = |root| content::of_tree(objects, root, &own.change);
    let (from, to) = (ends.base.commit, ends.head.commit);
    let old = trees.base.map(content).transpose()?;
    let new = content(trees.head)?;
    let base = match from.zip(old) {
        Some((from, old)) => Side::Pinned(from, old),
        None => Side::Absent,
    };
    let decision = rules::decide(&Evidence {
        base: Old::Known(base),
        head: Side::Pinned(to, new),
        moved: false,
        url_changed: false,
        other_action: inside::other_action(&own.change),
    });
    let differences = tree::diff(objects, trees.base, Some(trees.head))?;
    let (inside, outside): (Vec<_>, Vec<_>) = differences
        .iter()
        .map(Difference::to_file_change)
        .partition(|file| {
            let top = file
                .path
                .split_str("/")
                .next()
                .unwrap_or_default()
                .as_bstr();
            is_part(top)
        });
    let old = old.unwrap_or_default();
    let service = ServiceChange {
        url: repository
            .origin_url()
            .map(|url| fleet::without_credentials(url.as_ref())),
        name,
        path: ".".into(),
        previous_path: None,
        change: decision.change,
        direction: from.map(|from| history::direction(objects, from, to, repository.is_shallow())),
        from,
        to: Some(to),
        code: Part {
            from: old.code,
            to: new.code,
        },
        config: Part {
            from: old.config,
            to: new.config,
        },
        other: old.other != new.other,
        action: decision.action,
        reason: decision.reason,
        files: options.files.then_some(inside),
    };
    // That a commit exists is no news: only what is in it.
    let quiet = [ChangeKind::PointerOnly, ChangeKind::Unchanged].contains(&service.change);
    let services = if quiet { Vec::new() } else { vec![service] };
    let (base, head, warnings) = (ends.base, ends.head, ends.warnings);
    Ok(Changed {
        base,
        head,
        services,
        paths: outside,
        warnings,
    })
}

/// A service's repository is called by its remote's last component, else by its folder.
pub(super) fn own_name(repository: &Repository) -> BString {
    let from_url = repository.origin_url().and_then(|url| {
        let url = url.trim_end_with(|c| c == '/');
        let last = url.rsplit(|byte| matches!(byte, b'/' | b':')).next()?;
        let name = last.strip_suffix(b".git").unwrap_or(last);
        (!name.is_empty()).then(|| BString::from(name))
    });
    let from_folder = || {
        let folder = repository.folder().ok()?;
        let name = folder.file_name()?.as_encoded_bytes();
        Some(BString::from(name.strip_suffix(b".git").unwrap_or(name)))
    };
    from_url
        .or_else(from_folder)
        .unwrap_or_else(|| "service".into())
}

fn refuse_warnings(warnings: &[Warning]) -> Result<()> {
    let Some(first) = warnings.first() else {
        return Ok(());
    };
    let more = match warnings.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Err(Error::repository(format!("{}{more}", first.message))
        .hint("without --strict this is a warning"))
}
