//! The services that build on the image of another: a new image of that calls for one of theirs.

use std::cell::OnceCell;

use gix::ObjectId;

use super::fetched::Fetching;
use crate::{
    fleet::{
        image_edges::{Dockerfiles, Reading},
        select::Selection,
    },
    git::repository::Repository,
    model::{error::Result, image_edge::ImageEdges, settings::Settings},
};

/// Who builds on whom at head. Dockerfiles are read with the first image that is to be built, since nothing follows before.
pub(super) struct Children<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    how: Fetching<'a>,
    /// The fleet's tree; none where there is nothing at head.
    head: Option<ObjectId>,
    edges: OnceCell<ImageEdges>,
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
            head,
            edges: OnceCell::new(),
        }
    }

    /// All edges, as far as the repositories are here: a server is not asked for what did not change.
    pub(super) fn edges(&self) -> Result<&ImageEdges> {
        if let Some(edges) = self.edges.get() {
            return Ok(edges);
        }
        let edges = match self.head {
            Some(head) => {
                let mut files = Dockerfiles::at(self.repository, self.settings, head)?;
                let all: Vec<_> = files.paths().cloned().collect();
                files.edges(all, self.reading())?.edges
            }
            None => ImageEdges::default(),
        };
        Ok(self.edges.get_or_init(|| edges))
    }

    /// `asked`, and the services that these build on, by however many steps.
    pub(super) fn with_parents(&self, asked: &Selection) -> Result<Selection> {
        let mut all = asked.clone();
        let Some(head) = self.head else {
            return Ok(all);
        };
        let mut files = Dockerfiles::at(self.repository, self.settings, head)?;
        let found = files.lineage(asked.iter().cloned(), self.reading())?;
        all.extend(found.edges.iter().map(|(_, parent)| parent.clone()));
        Ok(all)
    }

    fn reading(&self) -> Reading<'a> {
        Reading {
            jobs: self.how.jobs,
            fetches: false,
            events: self.how.events,
        }
    }
}
