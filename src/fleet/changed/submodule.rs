//! One submodule, end point against end point: which parts of its content differ.

use std::cell::OnceCell;

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{
    Trees,
    fetched::{Obtained, Request},
    gitlinks::{Candidate, Place},
    nested,
};
use crate::{
    git::{
        Objects, content_id,
        gitmodules::Gitmodules,
        history,
        identity_cache::{Facts, Fingerprint, Known},
        network::fetch::{Depth, WantedCommits},
        repository::Repository,
        submodule::Store,
        tree, url,
    },
    model::{
        change::{
            Action, Direction, FileChange, Part, Reason, ServiceChange, Unread, Warning,
            WarningKind,
        },
        error::Result,
        fleet::{self, Submodule},
        rules::{self, Content, Evidence, Old, Side},
        settings::{Build, ChangeSettings, Settings},
    },
};

/// What came of looking into one submodule.
pub(super) enum Outcome {
    /// It could be read.
    Read(Box<ServiceChange>, Vec<Warning>),
    /// The commit it should be at cannot be had.
    Unread(Unread),
    /// It has to be fetched first.
    Wanted(Request),
}

impl Outcome {
    /// What has to be fetched, if anything.
    pub fn into_request(self) -> Option<Request> {
        match self {
            Self::Wanted(request) => Some(request),
            Self::Read(..) | Self::Unread(_) => None,
        }
    }
}

/// Looks into one submodule, and into those of its own that its code does not cover.
pub(super) fn read(
    parent: &Parent<'_>,
    settings: &Settings,
    candidate: &Candidate,
    files: bool,
) -> Result<Vec<Outcome>> {
    let reader = Reader::new(parent, settings, candidate, files)?;
    let lacking = reader.lacking();
    if !lacking.is_empty() {
        return Ok(vec![reader.wanted(lacking, reader.depth(files))]);
    }
    let head = match reader.head()? {
        Ok(head) => head,
        Err(pin) => return Ok(vec![reader.unread(pin)?]),
    };
    let mut outcomes = vec![reader.compared(head, files)?];
    if reader.nested() {
        outcomes.extend(nested::read(&reader, settings, files)?);
    }
    Ok(outcomes)
}

/// One submodule whose pin stands, but whose content is needed all the same.
pub(super) fn read_whole(
    parent: &Parent<'_>,
    settings: &Settings,
    candidate: &Candidate,
) -> Result<Outcome> {
    let reader = Reader::new(parent, settings, candidate, false)?;
    match (candidate.head, reader.head) {
        (Place::Gitlink(pin), None) if reader.is_out_of_reach(pin) => reader.unread(pin),
        (Place::Gitlink(pin), None) => Ok(reader.wanted(vec![pin], reader.depth(false))),
        (Place::Gitlink(pin), Some(facts)) => {
            reader.compared(Side::Pinned(pin, facts.content), false)
        }
        (Place::Directory(_) | Place::Nothing, _) => reader.compared(Side::Absent, false),
    }
}

/// The repository that records a submodule's pin.
pub(super) struct Parent<'a> {
    /// What was fetched so far.
    pub obtained: &'a Obtained,
    /// Which one it is.
    pub place: ParentPlace<'a>,
}

/// Where a parent stands.
pub(super) enum ParentPlace<'a> {
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

impl<'a> Parent<'a> {
    /// The fleet, as the parent of its services.
    pub fn fleet(repository: &'a Repository, obtained: &'a Obtained) -> Self {
        Self {
            obtained,
            place: ParentPlace::Fleet(repository),
        }
    }

    fn open(&self, name: Option<&BStr>, path: &BStr) -> Result<Option<Store>> {
        match &self.place {
            ParentPlace::Fleet(repository) => Store::open(repository, name, path),
            ParentPlace::Submodule { store, .. } => store.nested(name.unwrap_or(path)),
        }
    }

    fn hash(&self) -> gix::hash::Kind {
        match &self.place {
            ParentPlace::Fleet(repository) => repository.object_hash(),
            ParentPlace::Submodule { store, .. } => store.hash(),
        }
    }

    /// The URL to fetch a submodule from that is listed with `url`.
    fn url_of(&self, name: Option<&BStr>, url: Option<&BStr>) -> Option<BString> {
        match &self.place {
            ParentPlace::Fleet(repository) => {
                let source = url::source(repository, name, url);
                source.ok().map(|source| source.url)
            }
            ParentPlace::Submodule { url: above, .. } => {
                url::nested(above.as_ref()?.as_ref(), url?).ok()
            }
        }
    }

    /// What earlier runs learned. Of a submodule's own submodules nothing is kept: to find them it is read anyway.
    fn known_of(&self, path: &BStr) -> Option<Known<'_>> {
        match &self.place {
            ParentPlace::Fleet(repository) => Some(repository.identities().of(path)),
            ParentPlace::Submodule { .. } => None,
        }
    }

    /// `path`, from the fleet's root.
    fn full_path(&self, path: &BStr) -> BString {
        match &self.place {
            ParentPlace::Fleet(_) => path.to_owned(),
            ParentPlace::Submodule { path: above, .. } => [above, &b"/"[..], path].concat().into(),
        }
    }

    fn with_objects<T>(&self, read: impl FnOnce(Objects<'_>) -> T) -> T {
        match &self.place {
            ParentPlace::Fleet(repository) => read(Objects::new(&repository.objects())),
            ParentPlace::Submodule { store, .. } => read(store.objects()),
        }
    }
}

pub(super) struct Reader<'a> {
    parent: &'a Parent<'a>,
    candidate: &'a Candidate,
    /// The submodule's path, from the fleet's root.
    path: BString,
    /// The submodule's objects, opened with the first fact that nobody kept; none when it is not initialised.
    store: OnceCell<Option<Store>>,
    /// What earlier runs learned.
    known: Option<Known<'a>>,
    /// By which settings.
    fingerprint: Fingerprint,
    /// Which of its paths mean what.
    change: ChangeSettings,
    /// Whether `[fleet] services` leaves it out.
    plain: bool,
    /// What its pin at base holds; none without a pin, or when that cannot be read.
    base: Option<Facts>,
    /// The same at head.
    head: Option<Facts>,
}

impl<'a> Reader<'a> {
    fn new(
        parent: &'a Parent<'a>,
        settings: &Settings,
        candidate: &'a Candidate,
        files: bool,
    ) -> Result<Self> {
        let path = parent.full_path(candidate.path.as_ref());
        let name = fleet::service_name(path.as_ref()).to_str_lossy();
        let chosen = settings.fleet.services.as_ref();
        let change = settings.for_service(&name).change;
        let plain = chosen.is_some_and(|globs| !globs.is_match(path.as_ref()));
        let mut reader = Self {
            parent,
            candidate,
            store: OnceCell::new(),
            // Files are in the submodule alone, so that it must be there as if nothing were known.
            known: (!files).then(|| parent.known_of(path.as_ref())).flatten(),
            fingerprint: Fingerprint::of(&change, plain),
            change,
            plain,
            path,
            base: None,
            head: None,
        };
        reader.base = reader.facts(candidate.base)?;
        reader.head = if reader.pin_stands() {
            reader.base
        } else {
            reader.facts(candidate.head)?
        };
        Ok(reader)
    }

    fn store(&self) -> Result<Option<&Store>> {
        if let Some(store) = self.store.get() {
            return Ok(store.as_ref());
        }
        let listed = self.candidate.listed().map(|listed| listed.name.as_ref());
        let local = self.parent.open(listed, self.candidate.path.as_ref())?;
        let obtained = self.parent.obtained;
        let fetched = obtained.open(self.path.as_ref(), self.parent.hash());
        let store = match (local, fetched) {
            (Some(local), Some(fetched)) => Some(local.above(fetched)),
            (local, fetched) => local.or(fetched),
        };
        Ok(self.store.get_or_init(|| store).as_ref())
    }

    /// What the pin there holds, kept or read; none without a pin, or when it is not at hand.
    fn facts(&self, place: Place) -> Result<Option<Facts>> {
        let Some(pin) = place.pin() else {
            return Ok(None);
        };
        let known = self.known.as_ref();
        if let Some(facts) = known.and_then(|known| known.facts(pin, &self.fingerprint)) {
            return Ok(Some(facts));
        }
        let Some(store) = self.store()? else {
            return Ok(None);
        };
        let Some(root) = store.tree_of(pin)? else {
            return Ok(None);
        };
        let facts = Facts {
            content: self.content(store.objects(), root)?,
            nested: Gitmodules::is_in(store.objects(), root)?,
        };
        if let Some(known) = known {
            known.keep_facts(pin, &self.fingerprint, facts);
        }
        Ok(Some(facts))
    }

    /// The rules applied to both ends.
    fn compared(&self, head: Side, files: bool) -> Result<Outcome> {
        let candidate = self.candidate;
        let base = self.base()?;
        let decision = rules::decide(&Evidence {
            base,
            head,
            moved: candidate.previous_path.is_some(),
            url_changed: candidate.url_changed(),
            other_action: other_action(&self.change),
        });
        let old = match base {
            Old::Known(side) => side.content(),
            Old::Unavailable(_) => Content::default(),
        };
        let new = head.content();
        let previous = candidate.previous_path.as_ref();
        let service = ServiceChange {
            name: fleet::service_name(self.path.as_ref()).to_owned(),
            path: self.path.clone(),
            previous_path: previous.map(|path| self.parent.full_path(path.as_ref())),
            change: decision.change,
            direction: self.direction()?,
            from: candidate.base.pin(),
            to: candidate.head.pin(),
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
            url: candidate.url().map(fleet::without_credentials),
            files: if files { self.files()? } else { None },
        };
        let warnings = warnings(candidate, &service);
        Ok(Outcome::Read(Box::new(service), warnings))
    }

    /// The root trees of both ends in this submodule's own objects; none where there is no pin or it is not at hand.
    pub fn roots(&self) -> Result<Option<(&Store, Trees)>> {
        let Some(store) = self.store()? else {
            return Ok(None);
        };
        let root = |place: Place| place.pin().map_or(Ok(None), |pin| store.tree_of(pin));
        let (base, head) = (root(self.candidate.base)?, root(self.candidate.head)?);
        Ok(Some((store, Trees { base, head })))
    }

    /// What this submodule's own submodules have as their parent.
    pub fn as_parent<'s>(&'s self, store: &'s Store) -> Parent<'s> {
        let depth = match self.parent.place {
            ParentPlace::Fleet(_) => 1,
            ParentPlace::Submodule { depth, .. } => depth + 1,
        };
        let place = ParentPlace::Submodule {
            store,
            path: self.path.as_ref(),
            url: self.source(),
            depth,
        };
        Parent {
            obtained: self.parent.obtained,
            place,
        }
    }

    /// Where it is fetched from.
    fn source(&self) -> Option<BString> {
        let listed = self.candidate.listed();
        let name = listed.map(|listed| listed.name.as_ref());
        self.parent.url_of(name, self.candidate.url())
    }

    /// The pins that differ and are neither here nor known to be out of reach.
    fn lacking(&self) -> Vec<ObjectId> {
        if self.pin_stands() {
            return Vec::new();
        }
        let ends = [
            (self.candidate.base, self.base),
            (self.candidate.head, self.head),
        ];
        let unread = ends.into_iter().filter(|(_, facts)| facts.is_none());
        let pins = unread.filter_map(|(place, _)| place.pin());
        pins.filter(|pin| !self.is_out_of_reach(*pin)).collect()
    }

    fn is_out_of_reach(&self, pin: ObjectId) -> bool {
        let path = self.path.as_ref();
        self.parent.obtained.missing(path, pin).is_some()
    }

    /// How much of a commit has to be fetched to tell what is asked.
    fn depth(&self, files: bool) -> Depth {
        if files || !content_id::is_by_folders(&self.change) {
            Depth::AllTrees
        } else {
            Depth::Trees
        }
    }

    fn wanted(&self, commits: Vec<ObjectId>, depth: Depth) -> Outcome {
        let listed = self.candidate.listed().map(|listed| listed.name.clone());
        let wanted = match self.parent.place {
            ParentPlace::Fleet(_) => WantedCommits {
                path: self.path.clone(),
                name: listed,
                url: self.candidate.url().map(ToOwned::to_owned),
                commits,
            },
            // The fleet's configuration speaks of its own submodules alone.
            ParentPlace::Submodule { .. } => WantedCommits {
                path: self.path.clone(),
                name: None,
                url: self.source(),
                commits,
            },
        };
        Outcome::Wanted(Request { wanted, depth })
    }

    /// What has to be fetched before this submodule's own submodules can be found; none when nothing has to, or nothing can.
    pub fn wanted_for_nested(&self) -> Result<Option<Outcome>> {
        let path = self.path.as_ref();
        if self.parent.obtained.depth(path) == Some(Depth::AllTrees) {
            return Ok(None);
        }
        let pins = [self.candidate.base, self.candidate.head]
            .into_iter()
            .filter_map(Place::pin);
        let pins: Vec<_> = pins.filter(|pin| !self.is_out_of_reach(*pin)).collect();
        let local = self.parent.obtained.depth(path).is_none();
        let mut all_here = local;
        for pin in &pins {
            let root = self.store()?.map(|store| store.tree_of(*pin)).transpose()?;
            all_here &= root.flatten().is_some();
        }
        Ok((!all_here).then(|| self.wanted(pins, Depth::AllTrees)))
    }

    /// What is there at head; the pin itself when it cannot be read and something hangs on it.
    fn head(&self) -> Result<std::result::Result<Side, ObjectId>> {
        Ok(Ok(match self.candidate.head {
            Place::Gitlink(pin) => match self.head {
                Some(facts) => Side::Pinned(pin, facts.content),
                None if self.pin_stands() => Side::Pinned(pin, Content::default()),
                None => return Ok(Err(pin)),
            },
            Place::Directory(tree) => Side::Directory(self.directory(tree)?),
            Place::Nothing => Side::Absent,
        }))
    }

    fn base(&self) -> Result<Old> {
        Ok(match self.candidate.base {
            Place::Gitlink(pin) => match self.base {
                Some(facts) => Old::Known(Side::Pinned(pin, facts.content)),
                None if self.pin_stands() => Old::Known(Side::Pinned(pin, Content::default())),
                None => Old::Unavailable(pin),
            },
            Place::Directory(tree) => Old::Known(Side::Directory(self.directory(tree)?)),
            Place::Nothing => Old::Known(Side::Absent),
        })
    }

    /// Two ends at one commit are the same, whatever it holds: nobody needs to read it.
    fn pin_stands(&self) -> bool {
        self.candidate.base.pin() == self.candidate.head.pin()
    }

    /// Whether one of the ends lists submodules of its own.
    fn nested(&self) -> bool {
        let ends = [self.base, self.head];
        ends.iter().flatten().any(|facts| facts.nested)
    }

    fn directory(&self, tree: ObjectId) -> Result<Content> {
        self.parent
            .with_objects(|objects| self.content(objects, tree))
    }

    fn content(&self, objects: Objects<'_>, root: ObjectId) -> Result<Content> {
        if self.plain {
            return Ok(Content {
                other: Some(root),
                ..Content::default()
            });
        }
        content_id::of_tree(objects, root, &self.change)
    }

    /// Which way the pin went; none when there are no two pins.
    fn direction(&self) -> Result<Option<Direction>> {
        let ends = (self.candidate.base.pin(), self.candidate.head.pin());
        let (Some(from), Some(to)) = ends else {
            return Ok(None);
        };
        if from == to {
            return Ok(None);
        }
        let known = self.known.as_ref();
        if let Some(direction) = known.and_then(|known| known.direction(from, to)) {
            return Ok(Some(direction));
        }
        let Some(store) = self.store()? else {
            return Ok(Some(Direction::Unknown));
        };
        let shallow = || store.is_shallow();
        let direction = history::direction(store.objects(), from, to, shallow);
        if let Some(known) = known {
            known.keep_direction(from, to, direction);
        }
        Ok(Some(direction))
    }

    /// The files that differ; none when the two ends are not in one object database.
    fn files(&self) -> Result<Option<Vec<FileChange>>> {
        let Some((store, trees)) = self.roots()? else {
            return Ok(None);
        };
        let read = |place: Place, root: Option<ObjectId>| place.pin().is_some() == root.is_some();
        let all_read =
            read(self.candidate.base, trees.base) && read(self.candidate.head, trees.head);
        if self.candidate.crosses_a_directory() || !all_read {
            return Ok(None);
        }
        let differences = tree::diff(store.objects(), trees.base, trees.head)?;
        let files = differences.iter().map(tree::Difference::to_file_change);
        Ok(Some(files.collect()))
    }

    /// Its pin at head.
    pub fn head_pin(&self) -> Option<ObjectId> {
        self.candidate.head.pin()
    }

    /// That `pin`, which should be there, is not.
    pub fn unread(&self, pin: ObjectId) -> Result<Outcome> {
        let path = self.path.as_ref();
        let initialise = || vec![format!("get it: git submodule update --init -- {path}")];
        let (why, hints) = match (self.parent.obtained.missing(path, pin), self.store()?) {
            (Some(missing), _) => (missing.why.as_str(), missing.hints.clone()),
            (None, Some(_)) => ("it lacks its commit", initialise()),
            (None, None) => ("it is not initialised", initialise()),
        };
        Ok(Outcome::Unread(Unread {
            path: self.path.clone(),
            pin,
            url: self.candidate.url().map(fleet::without_credentials),
            why: why.to_owned(),
            hints,
        }))
    }
}

/// `[change] other` as an action.
pub(super) fn other_action(change: &ChangeSettings) -> Action {
    match change.other {
        None => Action::None,
        Some(Build::Image) => Action::Image,
        Some(Build::Chart) => Action::Chart,
    }
}

fn warnings(candidate: &Candidate, service: &ServiceChange) -> Vec<Warning> {
    let path = &service.path;
    let mut found = Vec::new();
    let mut warn = |kind, message| {
        found.push(Warning {
            path: Some(path.clone()),
            kind,
            message,
        });
    };
    if service.reason == Reason::BaseUnavailable {
        let pin = service.from.map(|pin| pin.to_string()).unwrap_or_default();
        warn(
            WarningKind::BaseUnavailable,
            format!("{path}: its old commit {pin} cannot be had, so all of it counts as changed"),
        );
    }
    if candidate.url_changed() {
        let url = |listed: &Option<Submodule>| {
            let url = listed.as_ref().and_then(|listed| listed.url.as_ref());
            url.map(|url| fleet::without_credentials(url.as_ref()))
                .unwrap_or_default()
        };
        let (from, to) = (url(&candidate.listed_base), url(&candidate.listed_head));
        warn(
            WarningKind::UrlChanged,
            format!("{path}: its URL changed from {from} to {to}"),
        );
    }
    if candidate.head.pin().is_some() && candidate.listed_head.is_none() {
        let message = format!("{path}: no section of .gitmodules lists it, so nobody can clone it");
        warn(WarningKind::Unlisted, message);
    }
    found
}
