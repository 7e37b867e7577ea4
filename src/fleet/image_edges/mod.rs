//! Which services build on the images of others: told by their Dockerfiles, which are read from the pinned commits.
//!
//! A Dockerfile names an image of the fleet by the repository that flota pushes it to, with whatever tag. One that gives a
//! digest means that content, built when it may be, and is no edge. Without a registry in the configuration a name is a
//! service's only where it has no tag: `node:20` is the image of that name elsewhere, also where a service is called `node`.

mod cache;
pub(crate) mod dockerfile;
mod found;
mod names;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::OnceLock,
};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

pub(crate) use self::found::EdgesFound;
use self::{
    cache::ReferenceCache,
    dockerfile::DockerfileText,
    names::{image_name, last_part, own_settings, plain_name},
};
use crate::{
    container::named_images::{NamingInputs, named_images},
    git::{
        Objects,
        gitmodules::Gitmodules,
        network::fetch::{self, Depth, FetchOptions, PATIENCE, WantedCommits},
        repository::Repository,
        submodule::Store,
        tree,
    },
    model::{
        error::{Error, Result},
        event::Events,
        exit::Exit,
        fleet::{Gitlink, service_name},
        reference::Reference,
        settings::{ImageSettings, Settings},
    },
    parallel,
};

/// How to read Dockerfiles.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// How many services at a time.
    pub jobs: NonZeroUsize,
    /// Whether to ask servers for what is not on this machine.
    pub fetches: bool,
    /// Where the progress of a fetch goes.
    pub events: Events<'a>,
}

/// The Dockerfiles of the services that one commit of the fleet pins.
pub(crate) struct Dockerfiles<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    pins: BTreeMap<BString, ObjectId>,
    /// The fleet's tree, and its `.gitmodules` from the first service on of which nothing is kept.
    root: ObjectId,
    listed: OnceLock<Gitmodules>,
    /// The paths of services by the last part of the names of their images.
    services: BTreeMap<String, Vec<BString>>,
    cache: ReferenceCache,
    asked: BTreeSet<String>,
}

impl<'a> Dockerfiles<'a> {
    /// Those of the fleet's tree `root`.
    pub(crate) fn at(
        repository: &'a Repository,
        settings: &'a Settings,
        root: ObjectId,
    ) -> Result<Self> {
        let objects = repository.objects();
        let objects = Objects::new(&objects);
        let gitlinks = tree::gitlinks(objects, root)?;
        let is_service = |gitlink: &Gitlink| {
            let chosen = settings.fleet.services.as_ref();
            chosen.is_none_or(|globs| globs.is_match(gitlink.path.as_ref()))
        };
        let pins: BTreeMap<_, _> = gitlinks
            .into_iter()
            .filter(is_service)
            .map(|gitlink| (gitlink.path, gitlink.pin))
            .collect();
        let mut services = BTreeMap::<String, Vec<BString>>::new();
        for path in pins.keys() {
            let name = service_name(path.as_ref()).to_str_lossy();
            let last = last_part(settings.repository_of(&name));
            services
                .entry(last.to_owned())
                .or_default()
                .push(path.clone());
        }
        Ok(Self {
            repository,
            settings,
            services,
            pins,
            root,
            listed: OnceLock::new(),
            cache: ReferenceCache::open(repository),
            asked: BTreeSet::new(),
        })
    }

    /// The commit that the fleet pins at `path`.
    pub(crate) fn pin(&self, path: &BStr) -> Option<ObjectId> {
        self.pins.get(path).copied()
    }

    /// The paths of all services.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &BString> {
        self.pins.keys()
    }

    /// The path of the service whose image `reference` means.
    pub(crate) fn service_of(&self, reference: &str) -> Option<&BString> {
        // Most images are nobody's here, and need not be read.
        let alike = self.services.get(last_part(reference))?;
        let reference = Reference::parse(reference).ok()?;
        if reference.digest().is_some() {
            return None;
        }
        let has_registry = self.settings.image.registry.is_some();
        if !has_registry && reference.tag() != Some("latest") {
            return None;
        }
        let is_meant = |path: &&BString| {
            let own = own_settings(self.settings, path.as_ref());
            image_name(&own) == Some(plain_name(&reference))
        };
        alike.iter().rfind(is_meant)
    }

    /// What the services at `paths` build on. Paths that are no service of the fleet's own are left out.
    ///
    /// # Errors
    /// The fetch is interrupted.
    pub(crate) fn edges(
        &mut self,
        paths: impl IntoIterator<Item = BString>,
        how: Reading<'_>,
    ) -> Result<EdgesFound> {
        let mut all = self.read_here(paths, how.jobs)?;
        self.fetch(&mut all, how)?;
        Ok(self.found(all))
    }

    /// The same, as far as the services' own repositories here, and earlier runs, tell it.
    pub(crate) fn edges_here(
        &mut self,
        paths: impl IntoIterator<Item = BString>,
        jobs: NonZeroUsize,
    ) -> Result<EdgesFound> {
        let all = self.read_here(paths, jobs)?;
        Ok(self.found(all))
    }

    fn read_here(
        &mut self,
        paths: impl IntoIterator<Item = BString>,
        jobs: NonZeroUsize,
    ) -> Result<Vec<(Service<'a>, DockerfileState)>> {
        if !self.settings.fleet.image_edges {
            return Ok(Vec::new());
        }
        // Most services have no settings of their own.
        let mut usual = None;
        let mut services: Vec<_> = paths
            .into_iter()
            .filter_map(|path| {
                let pin = self.pin(path.as_ref())?;
                let name = service_name(path.as_ref()).to_str_lossy();
                let image = self.settings.image_of(&name);
                let key = match &image {
                    Cow::Borrowed(image) => {
                        cache::key(pin, usual.get_or_insert_with(|| cache::settings_key(image)))
                    }
                    Cow::Owned(image) => cache::key(pin, &cache::settings_key(image)),
                };
                Some(Service {
                    path,
                    pin,
                    image,
                    key,
                })
            })
            .collect();
        services.sort_by(|a, b| a.path.cmp(&b.path));
        services.dedup_by(|a, b| a.path == b.path);
        self.asked
            .extend(services.iter().map(|service| service.key.clone()));
        let read = parallel::map(jobs, &services, |service| self.here(service))?;
        let read: Vec<_> = read.into_iter().collect::<Result<_>>()?;
        Ok(services.into_iter().zip(read).collect())
    }

    fn found(&mut self, all: Vec<(Service<'a>, DockerfileState)>) -> EdgesFound {
        let mut found = EdgesFound::default();
        for (service, one) in all {
            match one {
                DockerfileState::Names(names) => {
                    let parents = names.iter().filter_map(|one| self.service_of(one));
                    found
                        .edges
                        .add(service.path.as_ref(), parents.cloned().collect::<Vec<_>>());
                }
                DockerfileState::Malformed(said) => {
                    drop(found.malformed.insert(service.path, said))
                }
                DockerfileState::Lacking { why, .. } => {
                    drop(found.unread.insert(service.path, why))
                }
            }
        }
        self.cache.write(self.repository, &self.asked);
        found
    }

    /// The same of the services at `paths`, of what they build on, of what that builds on, and so on.
    pub(crate) fn lineage(
        &mut self,
        paths: impl IntoIterator<Item = BString>,
        how: Reading<'_>,
    ) -> Result<EdgesFound> {
        let mut all = EdgesFound::default();
        let mut seen = BTreeSet::new();
        let mut open: BTreeSet<BString> = paths.into_iter().collect();
        while !open.is_empty() {
            seen.extend(open.iter().cloned());
            let found = self.edges(std::mem::take(&mut open), how)?;
            let parents = found.edges.iter().map(|(_, parent)| parent);
            open.extend(parents.filter(|parent| !seen.contains(*parent)).cloned());
            all.extend(found);
        }
        Ok(all)
    }

    /// What the service's repository here says, or an earlier run.
    fn here(&self, service: &Service<'_>) -> Result<DockerfileState> {
        if let Some(known) = self.cache.find(&service.key) {
            return Ok(DockerfileState::Names(known.clone()));
        }
        let listed = self.listed()?.at(service.path.as_ref());
        let name = listed.map(|listed| listed.name.as_ref());
        let store = Store::open(self.repository, name, service.path.as_ref());
        let read = store.and_then(|store| match store {
            Some(store) => self.read(&store, service),
            None => Ok(DockerfileState::lacking(service.pin)),
        });
        match read {
            // Who builds it, or asks what changed in it, is told what is wrong; the others need not be silent for that.
            Err(err) if err.exit() == Exit::Repository => Ok(DockerfileState::Lacking {
                object: service.pin,
                why: err.with_causes(),
            }),
            read => read,
        }
    }

    fn read(&self, store: &Store, service: &Service<'_>) -> Result<DockerfileState> {
        let image = &service.image;
        let names = match dockerfile::read(store.objects(), service.pin, &image.dockerfile)? {
            DockerfileText::Lacking(object) => return Ok(DockerfileState::lacking(object)),
            DockerfileText::Nothing => Vec::new(),
            DockerfileText::Text(text) => {
                let inputs = NamingInputs {
                    target: image.target.as_deref(),
                    build_args: &image.build_args,
                    platforms: &image.platforms,
                };
                match named_images(&image.dockerfile, &text, inputs) {
                    Ok(named) => named.into_iter().map(|image| image.reference).collect(),
                    Err(err) => return Ok(DockerfileState::Malformed(err.to_string())),
                }
            }
        };
        self.cache.keep(service.key.clone(), names.clone());
        Ok(DockerfileState::Names(names))
    }

    /// Gets what is lacking, from kept stores and, if `how` says so, from servers: a commit first, then what of it was not sent along.
    fn fetch(&self, all: &mut [(Service<'a>, DockerfileState)], how: Reading<'_>) -> Result<()> {
        let options = FetchOptions {
            depth: Depth::UpperFiles,
            jobs: how.jobs,
            offline: !how.fetches,
            patience: PATIENCE,
            events: how.events,
        };
        let lacking = all.iter_mut().filter_map(|(service, found)| match found {
            DockerfileState::Lacking { object, .. } => Some((*object, service, found)),
            _ => None,
        });
        let mut open: Vec<_> = lacking
            .map(|(object, service, found)| Ok((self.wanted(service, object)?, service, found)))
            .collect::<Result<_>>()?;
        while !open.is_empty() {
            let wanted: Vec<_> = open.iter().map(|(wanted, ..)| wanted.clone()).collect();
            let fetched = fetch::fetch(self.repository, &wanted, options)?;
            let mut still_open = Vec::new();
            for ((mut wanted, service, found), fetched) in open.into_iter().zip(fetched) {
                let missing = fetched.missing.first().map(|one| cause(&one.error));
                let Some(store) = fetched.store.filter(|_| missing.is_none()) else {
                    found.explain(missing);
                    continue;
                };
                *found = self.read(&store, service)?;
                if let DockerfileState::Lacking { object, .. } = found
                    && !wanted.objects.contains(object)
                    && *object != service.pin
                {
                    wanted.objects.push(*object);
                    still_open.push((wanted, service, found));
                }
            }
            open = still_open;
        }
        Ok(())
    }

    /// What is to be fetched for a service of which `object` is lacking.
    fn wanted(&self, service: &Service<'_>, object: ObjectId) -> Result<WantedCommits> {
        let listed = self.listed()?.at(service.path.as_ref());
        let objects = [object].into_iter().filter(|it| *it != service.pin);
        Ok(WantedCommits {
            path: service.path.clone(),
            name: listed.map(|listed| listed.name.clone()),
            url: listed.and_then(|listed| listed.url.clone()),
            commits: vec![service.pin],
            objects: objects.collect(),
        })
    }

    fn listed(&self) -> Result<&Gitmodules> {
        if let Some(listed) = self.listed.get() {
            return Ok(listed);
        }
        let objects = self.repository.objects();
        let listed = Gitmodules::of_tree(Objects::new(&objects), self.root)?;
        Ok(self.listed.get_or_init(|| listed))
    }
}

/// A service whose Dockerfile is looked for.
struct Service<'a> {
    path: BString,
    pin: ObjectId,
    image: Cow<'a, ImageSettings>,
    key: String,
}

/// What is known of the Dockerfile of a service.
enum DockerfileState {
    /// It names these images.
    Names(Vec<String>),
    /// flota does not understand it, for this reason.
    Malformed(String),
    /// This object of the commit is not here.
    Lacking { object: ObjectId, why: String },
}

impl DockerfileState {
    fn lacking(object: ObjectId) -> Self {
        let why = "it is not in this clone".to_owned();
        Self::Lacking { object, why }
    }

    /// Adds why it cannot be fetched.
    fn explain(&mut self, reason: Option<String>) {
        if let (Self::Lacking { why, .. }, Some(reason)) = (self, reason) {
            match reason.starts_with(why.as_str()) {
                true => *why = reason,
                false => *why = format!("{why}; {reason}"),
            }
        }
    }
}

/// Why something cannot be fetched, without the sentence about service and commit; in one line.
fn cause(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let cause = cause.unwrap_or_else(|| error.to_string());
    cause.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}
