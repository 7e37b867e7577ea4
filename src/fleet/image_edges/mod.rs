//! Which services build on the images of others: told by their Dockerfiles, which are read from the pinned commits.
//!
//! A Dockerfile names an image of the fleet by the repository that flota pushes it to, with whatever tag. One that gives a
//! digest means that content, built when it may be, and is no edge. Without a registry in the configuration a name is a
//! service's only where it has no tag: `node:20` is the image of that name elsewhere, also where a service is called `node`.

mod cache;
mod dockerfile;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use self::{cache::ReferenceCache, dockerfile::DockerfileText};
use crate::{
    container::embedded::references::{NamingInputs, named_images},
    git::{
        Objects,
        gitmodules::Gitmodules,
        network::fetch::{self, Depth, FetchOptions, PATIENCE, WantedCommits},
        repository::Repository,
        submodule::Store,
        tree,
    },
    model::{
        error::Result,
        event::Events,
        exit::Exit,
        fleet::{Gitlink, service_name},
        image_edge::ImageEdges,
        reference::Reference,
        settings::{ImageSettings, ServiceSettings, Settings},
    },
    parallel,
};

/// How to read Dockerfiles.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// How many services at a time.
    pub jobs: NonZeroUsize,
    /// Whether to fetch commits that are not here.
    pub fetches: bool,
    /// Where the progress of a fetch goes.
    pub events: Events<'a>,
}

/// The Dockerfiles of the services that one commit of the fleet pins.
pub(crate) struct Dockerfiles<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    pins: BTreeMap<BString, ObjectId>,
    listed: Gitmodules,
    /// Each service's path by the name of its image.
    services: BTreeMap<String, BString>,
    cache: ReferenceCache,
    asked: BTreeSet<String>,
}

/// What Dockerfiles say.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgesFound {
    /// The edges.
    pub edges: ImageEdges,
    /// The services whose Dockerfile cannot be read, by their paths.
    pub unread: BTreeSet<BString>,
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
        let named = |path: &BString| {
            let own = own_settings(settings, path.as_ref());
            Some((image_name(&own)?, path.clone()))
        };
        Ok(Self {
            repository,
            settings,
            services: pins.keys().filter_map(named).collect(),
            pins,
            listed: Gitmodules::of_tree(objects, root)?,
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
        let reference = Reference::parse(reference).ok()?;
        if reference.digest().is_some() {
            return None;
        }
        let has_registry = self.settings.image.registry.is_some();
        if !has_registry && reference.tag() != Some("latest") {
            return None;
        }
        self.services.get(&plain_name(&reference))
    }

    /// What the services at `paths` build on. Paths that are no service of the fleet's own are left out.
    ///
    /// # Errors
    /// A repository is damaged, or the fetch is interrupted.
    pub(crate) fn edges(
        &mut self,
        paths: impl IntoIterator<Item = BString>,
        how: Reading<'_>,
    ) -> Result<EdgesFound> {
        let mut services: Vec<_> = paths
            .into_iter()
            .filter_map(|path| {
                let pin = self.pin(path.as_ref())?;
                let image = own_settings(self.settings, path.as_ref()).image;
                let key = cache::key(pin, &image);
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
        let read = parallel::map(how.jobs, &services, |service| self.references(service))?;
        let read: Vec<_> = read.into_iter().collect::<Result<_>>()?;
        let mut all: Vec<_> = services.into_iter().zip(read).collect();
        if how.fetches {
            self.fetch(&mut all, how)?;
        }
        let mut found = EdgesFound::default();
        for (service, references) in all {
            match references {
                Some(references) => {
                    let parents = references.iter().filter_map(|one| self.service_of(one));
                    found
                        .edges
                        .add(service.path.as_ref(), parents.cloned().collect::<Vec<_>>());
                }
                None => drop(found.unread.insert(service.path)),
            }
        }
        self.cache.write(&self.asked);
        Ok(found)
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
            for (child, parent) in found.edges.iter() {
                all.edges.add(child.as_ref(), [parent.clone()]);
                if !seen.contains(parent) {
                    open.insert(parent.clone());
                }
            }
            all.unread.extend(found.unread);
        }
        Ok(all)
    }

    /// The references in one Dockerfile; none where it is not here.
    fn references(&self, service: &Service) -> Result<Option<Vec<String>>> {
        if let Some(known) = self.cache.find(&service.key) {
            return Ok(Some(known.clone()));
        }
        let name = self.name(service);
        let store = Store::open(self.repository, name, service.path.as_ref());
        let read = store.and_then(|store| match store {
            Some(store) => self.read(&store, service),
            None => Ok(None),
        });
        match read {
            // Who builds it, or asks what changed in it, is told what is wrong; the others need not be silent for that.
            Err(err) if err.exit() == Exit::Repository => Ok(None),
            read => read,
        }
    }

    fn read(&self, store: &Store, service: &Service) -> Result<Option<Vec<String>>> {
        let found = dockerfile::read(store.objects(), service.pin, &service.image.dockerfile);
        let references = match found? {
            DockerfileText::Lacking => return Ok(None),
            DockerfileText::Nothing => Vec::new(),
            DockerfileText::Text(text) => {
                let inputs = NamingInputs {
                    target: service.image.target.as_deref(),
                    build_args: &service.image.build_args,
                    platforms: &service.image.platforms,
                };
                // What is wrong with it, the builder says.
                let named = named_images(&text, inputs).unwrap_or_default();
                named.into_iter().map(|image| image.reference).collect()
            }
        };
        self.cache.keep(service.key.clone(), references.clone());
        Ok(Some(references))
    }

    fn fetch(&self, all: &mut [(Service, Option<Vec<String>>)], how: Reading<'_>) -> Result<()> {
        let lacking: Vec<_> = all
            .iter_mut()
            .filter(|(_, found)| found.is_none())
            .collect();
        let wanted = |service: &Service| WantedCommits {
            path: service.path.clone(),
            name: self.name(service).map(ToOwned::to_owned),
            url: self
                .listed
                .at(service.path.as_ref())
                .and_then(|listed| listed.url.clone()),
            commits: vec![service.pin],
        };
        let wanted: Vec<_> = lacking.iter().map(|(service, _)| wanted(service)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let options = FetchOptions {
            depth: Depth::UpperFiles,
            jobs: how.jobs,
            offline: false,
            patience: PATIENCE,
            events: how.events,
        };
        let fetched = fetch::fetch(self.repository, &wanted, options)?;
        for ((service, references), fetched) in lacking.into_iter().zip(fetched) {
            if let Some(store) = fetched.store {
                *references = self.read(&store, service)?;
            }
        }
        Ok(())
    }

    fn name(&self, service: &Service) -> Option<&BStr> {
        let listed = self.listed.at(service.path.as_ref());
        listed.map(|listed| listed.name.as_ref())
    }
}

/// A service whose Dockerfile is looked for.
struct Service {
    path: BString,
    pin: ObjectId,
    image: ImageSettings,
    key: String,
}

fn own_settings(settings: &Settings, path: &BStr) -> ServiceSettings {
    settings.for_service(&service_name(path).to_str_lossy())
}

/// The name of a service's image without a tag; none where it has no name that a registry takes.
fn image_name(own: &ServiceSettings) -> Option<String> {
    let repository = own.repository().ok()?;
    let name = match &own.image.registry {
        Some(registry) => format!("{registry}/{repository}"),
        None => repository.to_owned(),
    };
    Reference::parse(&name).ok().as_ref().map(plain_name)
}

fn plain_name(reference: &Reference) -> String {
    format!("{}/{}", reference.registry(), reference.repository())
}
