//! The services that build on the image of another: a new image of that calls for one of theirs.

use std::{
    cell::{Ref, RefCell},
    collections::BTreeSet,
};

use bstr::{BStr, BString};
use gix::ObjectId;

use super::fetched::Fetching;
use crate::{
    fleet::{
        image_edges::{Dockerfiles, EdgesFound, Reading},
        select::Selection,
    },
    git::repository::Repository,
    model::{
        change::{Action, ServiceChange, Unread, Warning},
        error::Result,
        image_edge::ImageEdges,
        settings::Settings,
    },
};

/// Who builds on whom at head. Dockerfiles are read with the first image that is to be built, since nothing follows before; those
/// that are not here are fetched then.
pub(super) struct Children<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    how: Fetching<'a>,
    /// The fleet's tree; none where there is nothing at head, or where no image is built on another.
    head: Option<ObjectId>,
    known: RefCell<Option<KnownEdges<'a>>>,
}

struct KnownEdges<'a> {
    files: Dockerfiles<'a>,
    found: EdgesFound,
    /// The services whose Dockerfile need not be asked for again.
    asked: BTreeSet<BString>,
}

impl<'a> Children<'a> {
    pub(super) fn of(
        repository: &'a Repository,
        settings: &'a Settings,
        how: Fetching<'a>,
        head: Option<ObjectId>,
    ) -> Self {
        Self {
            repository,
            settings,
            how,
            head: head.filter(|_| settings.fleet.image_edges),
            known: RefCell::default(),
        }
    }

    /// What calls for an image of one of the services that `may_follow`, and maybe for others.
    pub(super) fn edges(&self, may_follow: impl Fn(&BStr) -> bool) -> Result<Ref<'_, ImageEdges>> {
        self.read(|known, how| {
            let paths = known.files.paths();
            let paths: Vec<_> = paths
                .filter(|path| may_follow(BStr::new(path)))
                .cloned()
                .collect();
            known.ask(paths, how)
        })?;
        Ok(Ref::map(self.known.borrow(), |known| match known {
            Some(known) => &known.found.edges,
            None => ImageEdges::NONE,
        }))
    }

    /// Whether any may build on another, as far as it is known without asking anybody.
    pub(super) fn may_exist(&self) -> Result<bool> {
        let mut may_exist = false;
        self.read(|known, how| {
            let all: Vec<_> = known.files.paths().cloned().collect();
            let found = known.files.edges_here(all, how.jobs)?;
            may_exist = !found.edges.is_empty() || !found.unread.is_empty();
            Ok(())
        })?;
        Ok(may_exist)
    }

    /// `asked`, and the services that these build on, by however many steps.
    pub(super) fn with_parents(&self, asked: &Selection) -> Result<Selection> {
        let mut all = asked.clone();
        self.read(|known, how| {
            let mut open: Vec<BString> = asked.iter().cloned().collect();
            while !open.is_empty() {
                known.ask(open.clone(), how)?;
                let edges = &known.found.edges;
                let parents = open.iter().flat_map(|path| edges.parents(path.as_ref()));
                let new: BTreeSet<_> = parents.filter(|one| !all.has(one.as_ref())).collect();
                open = new.into_iter().cloned().collect();
                all.extend(open.iter().cloned());
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Whose images may be built on one of those that are built, for all that flota knows, though nothing calls for them: nobody
    /// can say it while a Dockerfile cannot be read. Of a service whose pin is `unread` all is said already.
    pub(super) fn warnings(&self, services: &[ServiceChange], unread: &[Unread]) -> Vec<Warning> {
        let is_built = |service: &&ServiceChange| service.action == Action::Image;
        let built: BTreeSet<&BString> = services
            .iter()
            .filter(is_built)
            .map(|service| &service.path)
            .collect();
        let known = self.known.borrow();
        let Some(found) = known.as_ref().map(|known| &known.found) else {
            return Vec::new();
        };
        if built.is_empty() {
            return Vec::new();
        }
        let is_unread = |path: &BString| unread.iter().any(|one| one.path == *path);
        let open = |path: &&BString| !built.contains(path) && !is_unread(path);
        let mut warnings = found.malformed_warnings(found.malformed.keys().filter(open));
        warnings.extend(found.unread_warnings(found.unread.keys().filter(open)));
        warnings
    }

    fn read(
        &self,
        read: impl FnOnce(&mut KnownEdges<'a>, Reading<'a>) -> Result<()>,
    ) -> Result<()> {
        let Some(head) = self.head else {
            return Ok(());
        };
        let mut known = self.known.borrow_mut();
        let known = match &mut *known {
            Some(known) => known,
            none => none.insert(KnownEdges {
                files: Dockerfiles::at(self.repository, self.settings, head)?,
                found: EdgesFound::default(),
                asked: BTreeSet::new(),
            }),
        };
        let how = Reading {
            jobs: self.how.jobs,
            fetches: !self.how.offline,
            events: self.how.events,
        };
        read(known, how)
    }
}

impl KnownEdges<'_> {
    fn ask(&mut self, mut paths: Vec<BString>, how: Reading<'_>) -> Result<()> {
        paths.retain(|path| self.asked.insert(path.clone()));
        if !paths.is_empty() {
            self.found.extend(self.files.edges(paths, how)?);
        }
        Ok(())
    }
}
