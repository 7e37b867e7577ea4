//! What all questions about one submodule share: its two ends, its objects, and what is known of its commits already.

use std::cell::OnceCell;

use bstr::{BString, ByteSlice};
use gix::ObjectId;

use super::{
    outcome::ReadSubmodule,
    parent::{ParentKind, PinHolder},
};
use crate::{
    fleet::changed::{
        fetched::FetchRequest,
        gitlinks::{Candidate, EndPoint},
        plain::{is_left_out, is_nobodys_business},
        trees::Trees,
    },
    git::{
        Objects,
        content_id::{self, LinkedParts},
        gitmodules::Gitmodules,
        history,
        identity_cache::{Facts, Fingerprint, Known},
        network::fetch::{Depth, WantedCommits},
        submodule::Store,
    },
    model::{
        change::Unread,
        error::Result,
        fleet,
        rules::Content,
        settings::{ChangeSettings, Settings},
    },
};

/// One submodule, at both ends.
pub(super) struct SubmoduleReader<'a> {
    pub parent: &'a PinHolder<'a>,
    pub candidate: &'a Candidate,
    /// The submodule's path, from the fleet's root.
    pub path: BString,
    /// The submodule's objects, opened with the first fact that nobody kept; none when it is not initialised.
    store: OnceCell<Option<Store>>,
    /// The same without what was fetched for it.
    own: OnceCell<Option<Store>>,
    /// What earlier runs learned.
    known: Option<Known<'a>>,
    /// Whether something stands in for its objects: what is read of it then is no fact about its commits.
    substituted: OnceCell<bool>,
    /// By which settings.
    pub fingerprint: Fingerprint,
    /// Which of its paths mean what.
    pub change: &'a ChangeSettings,
    /// Whether `[fleet] services` leaves it out.
    pub plain: bool,
    /// Whether nothing hangs on what it holds: it is left out, and all that may lie inside it.
    pub may_stay_unknown: bool,
    /// What its pin at base holds; none without a pin, or when that cannot be read.
    pub base: Option<Facts>,
    /// The same at head.
    pub head: Option<Facts>,
}

impl<'a> SubmoduleReader<'a> {
    /// Opens it, and reads what its pins hold as far as that is available; `afresh` as if nothing were known.
    pub(super) fn new(
        parent: &'a PinHolder<'a>,
        settings: &'a Settings,
        candidate: &'a Candidate,
        afresh: bool,
    ) -> Result<Self> {
        let path = parent.full_path(candidate.path.as_ref());
        let name = fleet::service_name(path.as_ref()).to_str_lossy();
        let change = settings.change_of(&name);
        let plain = is_left_out(settings, path.as_ref());
        let mut reader = Self {
            parent,
            candidate,
            store: OnceCell::new(),
            own: OnceCell::new(),
            known: match afresh {
                true => None,
                false => parent.known_of(path.as_ref()),
            },
            substituted: OnceCell::new(),
            fingerprint: Fingerprint::of(change, plain, candidate.listed()),
            change,
            plain,
            may_stay_unknown: plain && is_nobodys_business(settings, path.as_ref()),
            path,
            base: None,
            head: None,
        };
        reader.base = reader.facts(candidate.base)?;
        reader.head = if reader.pin_stands() {
            reader.base.clone()
        } else {
            reader.facts(candidate.head)?
        };
        Ok(reader)
    }

    /// Its objects; none when it is not initialised, and nothing of it was fetched.
    pub(super) fn store(&self) -> Result<Option<&Store>> {
        if let Some(store) = self.store.get() {
            return Ok(store.as_ref());
        }
        let local = self.open_own()?;
        let gotten = self.parent.fetched;
        let fetched = gotten.open(self.path.as_ref(), self.parent.hash());
        let store = match (local, fetched) {
            (Some(local), Some(fetched)) => Some(local.above(fetched)),
            (local, fetched) => local.or(fetched),
        };
        Ok(self.store.get_or_init(|| store).as_ref())
    }

    /// Its own objects, without what was fetched for it; none when it is not initialised.
    pub(super) fn own_store(&self) -> Result<Option<&Store>> {
        if self.parent.fetched.depth(self.path.as_ref()).is_none() {
            return self.store();
        }
        if let Some(own) = self.own.get() {
            return Ok(own.as_ref());
        }
        let own = self.open_own()?;
        Ok(self.own.get_or_init(|| own).as_ref())
    }

    fn open_own(&self) -> Result<Option<Store>> {
        let listed = self.candidate.listed().map(|listed| listed.name.as_ref());
        self.parent.open(listed, self.candidate.path.as_ref())
    }

    /// What the pin there holds, kept or read; none without a pin, or when it is not available.
    fn facts(&self, place: EndPoint) -> Result<Option<Facts>> {
        let Some(pin) = place.pin() else {
            return Ok(None);
        };
        let known = self.known.as_ref();
        let kept = known.and_then(|known| known.facts(pin, &self.fingerprint));
        if kept.is_some() && !self.is_substituted()? {
            return Ok(kept);
        }
        let Some(store) = self.store()? else {
            return Ok(None);
        };
        let Some(root) = store.tree_of(pin)? else {
            return Ok(None);
        };
        let objects = store.objects();
        let (content, linked) = self.content(objects, root)?;
        let facts = Facts {
            content,
            linked,
            nested: Gitmodules::is_in(objects, root)?,
            parents: history::parents(objects, pin)?,
        };
        if let Some(known) = known
            && !self.is_substituted()?
        {
            known.keep_facts(pin, &self.fingerprint, &facts);
        }
        Ok(Some(facts))
    }

    /// Where its objects are open already, they know; else it is looked for without them.
    fn is_substituted(&self) -> Result<bool> {
        if let Some(&known) = self.substituted.get() {
            return Ok(known);
        }
        let is = match self.store.get() {
            Some(store) => store.as_ref().is_some_and(Store::is_substituted),
            None => {
                let listed = self.candidate.listed().map(|listed| listed.name.as_ref());
                let path = self.candidate.path.as_ref();
                self.parent.has_substitutes(listed, path)?
            }
        };
        Ok(*self.substituted.get_or_init(|| is))
    }

    /// The identities in the tree `root`, and which of its folders lead elsewhere.
    pub(super) fn content(
        &self,
        objects: Objects<'_>,
        root: ObjectId,
    ) -> Result<(Content, LinkedParts)> {
        if self.plain {
            let content = Content {
                other: Some(root),
                ..Content::default()
            };
            return Ok((content, LinkedParts::default()));
        }
        content_id::with_links(objects, root, self.change)
    }

    /// The root trees of both ends in this submodule's own objects; none where there is no pin or it is not available.
    pub(super) fn roots(&self) -> Result<Option<(&Store, Trees)>> {
        let Some(store) = self.store()? else {
            return Ok(None);
        };
        let root = |place: EndPoint| place.pin().map_or(Ok(None), |pin| store.tree_of(pin));
        let (base, head) = (root(self.candidate.base)?, root(self.candidate.head)?);
        Ok(Some((store, Trees { base, head })))
    }

    /// Where it is fetched from.
    pub(super) fn source(&self) -> Option<BString> {
        let listed = self.candidate.listed();
        let name = listed.map(|listed| listed.name.as_ref());
        self.parent.url_of(name, self.candidate.url())
    }

    /// The pins that differ and are neither here nor known to be out of reach.
    pub(super) fn lacking(&self) -> Vec<ObjectId> {
        let is_nowhere = self.may_stay_unknown && self.candidate.url().is_none();
        if self.pin_stands() || is_nowhere {
            return Vec::new();
        }
        let ends = [
            (self.candidate.base, &self.base),
            (self.candidate.head, &self.head),
        ];
        let unread = ends.into_iter().filter(|(_, facts)| facts.is_none());
        let pins = unread.filter_map(|(place, _)| place.pin());
        pins.filter(|pin| !self.is_out_of_reach(*pin)).collect()
    }

    /// Whether somebody tried to get the pin in vain.
    pub(super) fn is_out_of_reach(&self, pin: ObjectId) -> bool {
        let path = self.path.as_ref();
        self.parent.fetched.missing(path, pin).is_some()
    }

    /// How much of a commit has to be fetched to tell what is asked.
    pub(super) fn depth(&self, files: bool) -> Depth {
        if files || !content_id::is_by_root(self.change) {
            Depth::AllTrees
        } else {
            Depth::Trees
        }
    }

    /// Asks for `commits`.
    pub(super) fn request(&self, commits: Vec<ObjectId>, depth: Depth) -> ReadSubmodule {
        let listed = self.candidate.listed().map(|listed| listed.name.clone());
        let wanted = match self.parent.kind {
            ParentKind::Fleet(_) => WantedCommits {
                path: self.path.clone(),
                name: listed,
                url: self.candidate.url().map(ToOwned::to_owned),
                commits,
                objects: Vec::new(),
            },
            // The fleet's configuration speaks of its own submodules alone.
            ParentKind::Submodule { .. } => WantedCommits {
                path: self.path.clone(),
                name: None,
                url: self.source(),
                commits,
                objects: Vec::new(),
            },
        };
        ReadSubmodule::Lacking(FetchRequest { wanted, depth })
    }

    /// Two ends at one commit are the same, whatever it holds: nobody needs to read it.
    pub(super) fn pin_stands(&self) -> bool {
        self.candidate.base.pin() == self.candidate.head.pin()
    }

    /// Whether its head cannot be read, and need not be.
    pub(super) fn stays_unknown(&self) -> bool {
        let is_unread = self.candidate.head.pin().is_some() && self.head.is_none();
        self.may_stay_unknown && is_unread && !self.pin_stands()
    }

    /// Why `pin` is not here, and what to do about it.
    pub(super) fn why_unread(&self, pin: ObjectId) -> Result<(String, Vec<String>)> {
        let path = self.path.as_ref();
        let initialise = || vec![format!("fetch it: git submodule update --init -- {path}")];
        let (why, hints) = match (self.parent.fetched.missing(path, pin), self.store()?) {
            (Some(missing), _) => (missing.why.as_str(), missing.hints.clone()),
            (None, Some(_)) => ("its commit is missing", initialise()),
            (None, None) => ("it is not initialised", initialise()),
        };
        Ok((why.to_owned(), hints))
    }

    /// That `pin`, which should be there, is not.
    pub(super) fn unread(&self, pin: ObjectId) -> Result<ReadSubmodule> {
        let (why, hints) = self.why_unread(pin)?;
        Ok(ReadSubmodule::Unread(Unread {
            path: self.path.clone(),
            pin,
            url: self.candidate.url().map(fleet::without_credentials),
            why,
            hints,
        }))
    }
}
