//! What the images of a run build on, and what each is known by: the identity of a parent is part of that of its children.

mod identity;
mod refresher;

use std::collections::BTreeMap;

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use self::identity::image_tag;
pub(crate) use self::refresher::{BaseNames, Refresher};
use super::{
    changed::{self, ChangedOptions},
    image_edges::{Dockerfiles, Reading},
    range::Ends,
    select::Selector,
};
use crate::{
    git::repository::Repository,
    model::{
        change::{Base, BaseKind, End},
        error::{Error, Result},
        event::Event,
        image_edge::ImageEdges,
        plan::Step,
        settings::{ServiceSettings, Settings},
        success::Exceptions,
    },
};

/// The services of a run, those that they build on, and what these build on, by however many steps.
pub(crate) struct Lineage<'a> {
    /// None where there is no fleet around the service.
    dockerfiles: Option<Dockerfiles<'a>>,
    edges: ImageEdges,
    /// What each is known by, by its path; why it is not known.
    known: BTreeMap<BString, std::result::Result<KnownImage, String>>,
    /// Why the Dockerfile of one of them cannot be read, by its path.
    unread: BTreeMap<BString, String>,
}

/// An image, by its name.
#[derive(Clone, Debug)]
pub(crate) struct KnownImage {
    /// The service.
    pub name: BString,
    /// `registry/repository`.
    pub repository: String,
    /// The registry, where one is configured.
    pub registry: Option<String>,
    /// The identity tag.
    pub identity: String,
}

impl KnownImage {
    /// The full name that says what it is built from.
    pub(crate) fn reference(&self) -> String {
        format!("{}:{}", self.repository, self.identity)
    }
}

impl<'a> Lineage<'a> {
    /// That of `steps`, at the fleet's commit that `refresher` looks into.
    ///
    /// # Errors
    /// Misuse: images build on each other in a circle.
    pub(crate) fn of(
        repository: &'a Repository,
        settings: &'a Settings,
        steps: &[Step],
        refresher: &Refresher<'_>,
        reading: Reading<'_>,
    ) -> Result<Self> {
        let head = refresher.head;
        let with_code = || steps.iter().filter(|step| step.code.is_some());
        let mut codes: BTreeMap<BString, Option<ObjectId>> = with_code()
            .map(|step| (step.path.clone(), step.code))
            .collect();
        let mut lineage = Self {
            dockerfiles: None,
            edges: ImageEdges::default(),
            known: BTreeMap::new(),
            unread: BTreeMap::new(),
        };
        let is_fleet = with_code().any(|step| step.path != ".");
        if is_fleet {
            let mut files = Dockerfiles::at(repository, settings, repository.tree_of(head)?)?;
            let found = files.lineage(codes.keys().cloned(), reading)?;
            found.edges.refuse_cycle()?;
            for warning in found.malformed_warnings(codes.keys()) {
                (reading.events)(Event::Notice(warning.message));
            }
            for (path, why) in &found.unread {
                let why = format!("the Dockerfile of {path} cannot be read: {why}");
                lineage.known.insert(path.clone(), Err(why));
            }
            (lineage.edges, lineage.unread) = (found.edges, found.unread);
            lineage.dockerfiles = Some(files);
        }
        let mut others: Vec<BString> = lineage
            .edges
            .iter()
            .map(|(_, parent)| parent.clone())
            .filter(|path| !codes.contains_key(path))
            .collect();
        others.dedup();
        if !others.is_empty() {
            codes.extend(codes_of(repository, settings, &others, head, reading)?);
        }
        for path in codes.keys() {
            lineage.know(path, &codes, settings, refresher);
        }
        Ok(lineage)
    }

    /// Finds out what the image at `path` is known by, and those below it first; there are no circles.
    fn know(
        &mut self,
        path: &BString,
        codes: &BTreeMap<BString, Option<ObjectId>>,
        settings: &Settings,
        refresher: &Refresher<'_>,
    ) {
        let mut open = vec![path.clone()];
        while let Some(path) = open.last().cloned() {
            if self.known.contains_key(&path) {
                open.pop();
                continue;
            }
            let parents: Vec<_> = self.edges.parents(path.as_ref()).cloned().collect();
            let unknown = parents.iter().filter(|one| !self.known.contains_key(*one));
            let unknown: Vec<_> = unknown.cloned().collect();
            if unknown.is_empty() {
                let known = self.one(&path, codes, settings, refresher, &parents);
                self.known.insert(path, known);
            } else {
                open.extend(unknown);
            }
        }
    }

    fn one(
        &self,
        path: &BString,
        codes: &BTreeMap<BString, Option<ObjectId>>,
        settings: &Settings,
        refresher: &Refresher<'_>,
        parents: &[BString],
    ) -> std::result::Result<KnownImage, String> {
        let name = crate::model::fleet::service_name(path.as_ref());
        let own = settings.for_service(&name.to_str_lossy());
        let code = codes.get(path).copied().flatten();
        let code = code
            .ok_or_else(|| format!("{path} has no code at the pinned commit, or it is not here"))?;
        let parents: std::result::Result<Vec<String>, String> = parents
            .iter()
            .map(|parent| match &self.known[parent] {
                Ok(known) => Ok(known.reference()),
                Err(why) => Err(why.clone()),
            })
            .collect();
        let is_of_fleet = |reference: &str| self.service_of(reference).is_some();
        let refreshed = refresher.refreshed(path.as_ref(), &own, code, is_of_fleet);
        let refreshed = refreshed.map_err(|err| err.with_causes())?;
        let identity = image_tag(&own, code, &parents?, &refreshed);
        let repository = own.repository().map_err(|err| err.to_string())?;
        let repository = match &own.image.registry {
            Some(registry) => format!("{registry}/{repository}"),
            None => repository.to_owned(),
        };
        Ok(KnownImage {
            name: name.to_owned(),
            repository,
            registry: own.image.registry,
            identity,
        })
    }

    /// The images that the one of the service at `path` builds on, by the paths of their services, which are sorted.
    ///
    /// # Errors
    /// Repository: one of them is not known, or nobody knows which they are.
    pub(crate) fn parents(&self, path: &BStr) -> Result<Vec<(&BString, &KnownImage)>> {
        if let Some(why) = self.unread.get(path) {
            return Err(Error::repository(format!(
                "nobody knows what the image of {path} is built on"
            ))
            .because(why.as_str())
            .hint(format!("bring it here: flota update {path}")));
        }
        let parents = self.edges.parents(path);
        let known = parents.map(|parent| match &self.known[parent] {
            Ok(known) => Ok((parent, known)),
            Err(why) => Err(Error::repository(format!(
                "{path} builds on the image of {parent}, and what that is built from is not known"
            ))
            .because(why.as_str())
            .hint(format!("bring it here: flota update {parent}"))),
        });
        known.collect()
    }

    /// The identity tag of the image of `code`, of the service at `path`.
    ///
    /// # Errors
    /// Those of [`Self::parents`]. A base image that is to be resolved cannot be.
    pub(crate) fn image_tag(
        &self,
        path: &BStr,
        own: &ServiceSettings,
        code: ObjectId,
        refresher: &Refresher<'_>,
    ) -> Result<String> {
        let parents = self.parents(path)?;
        let parents: Vec<_> = parents.iter().map(|(_, known)| known.reference()).collect();
        let is_of_fleet = |reference: &str| self.service_of(reference).is_some();
        let refreshed = refresher.refreshed(path, own, code, is_of_fleet)?;
        Ok(image_tag(own, code, &parents, &refreshed))
    }

    /// The path of the service whose image `reference` means.
    pub(crate) fn service_of(&self, reference: &str) -> Option<&BString> {
        self.dockerfiles.as_ref()?.service_of(reference)
    }
}

/// The ids of the code of the services at `paths`, as the fleet pins them at `head`.
fn codes_of(
    repository: &Repository,
    settings: &Settings,
    paths: &[BString],
    head: ObjectId,
    reading: Reading<'_>,
) -> Result<BTreeMap<BString, Option<ObjectId>>> {
    let ends = Ends {
        base: Base {
            rev: String::new(),
            commit: None,
            kind: BaseKind::Empty,
        },
        head: End {
            rev: head.to_string(),
            commit: head,
        },
        exceptions: Exceptions::new(),
        warnings: Vec::new(),
    };
    let found = changed::changed(
        repository,
        settings,
        ends,
        ChangedOptions {
            only: &Selector::of_steps(paths.iter().cloned()),
            ..ChangedOptions::new(reading.jobs, !reading.fetches, reading.events)
        },
    )?;
    let code = |service: crate::model::change::ServiceChange| (service.path, service.code.to);
    Ok(found.services.into_iter().map(code).collect())
}
