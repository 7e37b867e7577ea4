//! The repository that records a submodule's pin.

use bstr::{BStr, BString};

use crate::{
    fleet::changed::fetched::Fetched,
    git::{Objects, identity_cache::Known, repository::Repository, submodule::Store, url},
    model::error::Result,
};

/// The repository that records a submodule's pin.
pub(super) struct PinHolder<'a> {
    /// What was fetched so far.
    pub fetched: &'a Fetched,
    /// Which one it is.
    pub kind: ParentKind<'a>,
}

/// Where a parent stands.
pub(super) enum ParentKind<'a> {
    /// It is the fleet itself.
    Fleet(&'a Repository),
    /// It is a submodule.
    Submodule {
        /// Its objects.
        store: &'a Store,
        /// Its own path, from the fleet's root.
        path: &'a BStr,
        /// Its URL, resolved; none when it has none that could be.
        url: Option<BString>,
        /// How many submodules lie above it.
        depth: usize,
    },
}

impl<'a> PinHolder<'a> {
    /// The fleet, as the parent of its services.
    pub(super) fn fleet(repository: &'a Repository, fetched: &'a Fetched) -> Self {
        Self {
            fetched,
            kind: ParentKind::Fleet(repository),
        }
    }

    pub(super) fn open(&self, name: Option<&BStr>, path: &BStr) -> Result<Option<Store>> {
        match &self.kind {
            ParentKind::Fleet(repository) => Store::open(repository, name, path),
            ParentKind::Submodule { store, .. } => store.nested(name.unwrap_or(path)),
        }
    }

    pub(super) fn hash(&self) -> gix::hash::Kind {
        match &self.kind {
            ParentKind::Fleet(repository) => repository.object_hash(),
            ParentKind::Submodule { store, .. } => store.hash(),
        }
    }

    /// The URL to fetch a submodule from that is listed with `url`.
    pub(super) fn url_of(&self, name: Option<&BStr>, url: Option<&BStr>) -> Option<BString> {
        match &self.kind {
            ParentKind::Fleet(repository) => {
                let source = url::source(repository, name, url);
                source.ok().map(|source| source.url)
            }
            ParentKind::Submodule { url: above, .. } => {
                url::nested(above.as_ref()?.as_ref(), url?).ok()
            }
        }
    }

    /// What earlier runs learned. Of a submodule's own submodules nothing is kept: to find them it is read anyway.
    pub(super) fn known_of(&self, path: &BStr) -> Option<Known<'_>> {
        match &self.kind {
            ParentKind::Fleet(repository) => Some(repository.identities().of(path)),
            ParentKind::Submodule { .. } => None,
        }
    }

    /// Whether something stands in for objects of a submodule, as far as facts are kept of it.
    pub(super) fn has_substitutes(&self, name: Option<&BStr>, path: &BStr) -> Result<bool> {
        match &self.kind {
            ParentKind::Fleet(repository) => Store::has_substitutes(repository, name, path),
            ParentKind::Submodule { .. } => Ok(false),
        }
    }

    /// `path`, from the fleet's root.
    pub(super) fn full_path(&self, path: &BStr) -> BString {
        match &self.kind {
            ParentKind::Fleet(_) => path.to_owned(),
            ParentKind::Submodule { path: above, .. } => [above, &b"/"[..], path].concat().into(),
        }
    }

    pub(super) fn with_objects<T>(&self, read: impl FnOnce(Objects<'_>) -> T) -> T {
        match &self.kind {
            ParentKind::Fleet(repository) => read(Objects::new(&repository.objects())),
            ParentKind::Submodule { store, .. } => read(store.objects()),
        }
    }
}
