//! One submodule, end point against end point: which parts of its content differ.

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{
    Trees,
    candidates::{Candidate, Place},
    nested,
};
use crate::{
    git::{Objects, content, history, repository::Repository, submodule::Store, tree},
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
    /// The commit it should be at is not here.
    Unread(Unread),
}

/// Looks into one submodule, and into those of its own that its code does not cover.
pub(super) fn read(
    parent: &Parent<'_>,
    settings: &Settings,
    candidate: &Candidate,
    files: bool,
) -> Result<Vec<Outcome>> {
    let reader = Reader::new(parent, settings, candidate)?;
    let head = match reader.head()? {
        Ok(head) => head,
        Err(pin) => return Ok(vec![Outcome::Unread(reader.unread(pin))]),
    };
    let mut outcomes = vec![reader.compared(head, files)?];
    outcomes.extend(nested::read(&reader, settings, files)?);
    Ok(outcomes)
}

/// One submodule whose pin stands, but whose content is needed all the same.
pub(super) fn read_whole(
    repository: &Repository,
    settings: &Settings,
    candidate: &Candidate,
) -> Result<Outcome> {
    let parent = Parent::Fleet(repository);
    let reader = Reader::new(&parent, settings, candidate)?;
    match candidate.head {
        Place::Gitlink(pin) => match reader.pinned(pin)? {
            Some(content) => reader.compared(Side::Pinned(pin, content), false),
            None => Ok(Outcome::Unread(reader.unread(pin))),
        },
        Place::Directory(_) | Place::Nothing => reader.compared(Side::Absent, false),
    }
}

/// The repository that records a submodule's pin.
pub(super) enum Parent<'a> {
    /// The fleet itself.
    Fleet(&'a Repository),
    /// A submodule.
    Submodule {
        /// Its objects.
        store: &'a Store,
        /// Its own path, from the fleet's root.
        path: &'a BStr,
        /// How many submodules lie above it.
        depth: usize,
    },
}

impl Parent<'_> {
    fn open(&self, name: Option<&BStr>, path: &BStr) -> Result<Option<Store>> {
        match self {
            Self::Fleet(repository) => Store::open(repository, name, path),
            Self::Submodule { store, .. } => store.nested(name.unwrap_or(path)),
        }
    }

    /// `path`, from the fleet's root.
    fn full_path(&self, path: &BStr) -> BString {
        match self {
            Self::Fleet(_) => path.to_owned(),
            Self::Submodule { path: above, .. } => [above, &b"/"[..], path].concat().into(),
        }
    }

    fn with_objects<T>(&self, read: impl FnOnce(Objects<'_>) -> T) -> T {
        match self {
            Self::Fleet(repository) => read(Objects::new(&repository.to_local().objects)),
            Self::Submodule { store, .. } => read(store.objects()),
        }
    }
}

pub(super) struct Reader<'a> {
    parent: &'a Parent<'a>,
    candidate: &'a Candidate,
    /// The submodule's path, from the fleet's root.
    path: BString,
    /// The submodule's objects; none when it is not initialised.
    store: Option<Store>,
    /// Which of its paths mean what.
    change: ChangeSettings,
    /// Whether `[fleet] services` leaves it out.
    plain: bool,
}

impl<'a> Reader<'a> {
    fn new(parent: &'a Parent<'a>, settings: &Settings, candidate: &'a Candidate) -> Result<Self> {
        let path = parent.full_path(candidate.path.as_ref());
        let name = fleet::service_name(path.as_ref()).to_str_lossy();
        let listed = candidate.listed().map(|listed| listed.name.as_ref());
        let chosen = settings.fleet.services.as_ref();
        Ok(Self {
            parent,
            candidate,
            store: parent.open(listed, candidate.path.as_ref())?,
            change: settings.for_service(&name).change,
            plain: chosen.is_some_and(|globs| !globs.is_match(path.as_ref())),
            path,
        })
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
            direction: self.direction(),
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
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let root = |place: Place| place.pin().map_or(Ok(None), |pin| store.tree_of(pin));
        let (base, head) = (root(self.candidate.base)?, root(self.candidate.head)?);
        Ok(Some((store, Trees { base, head })))
    }

    /// What this submodule's own submodules have as their parent.
    pub fn as_parent<'s>(&'s self, store: &'s Store) -> Parent<'s> {
        let depth = match self.parent {
            Parent::Fleet(_) => 1,
            Parent::Submodule { depth, .. } => depth + 1,
        };
        Parent::Submodule {
            store,
            path: self.path.as_ref(),
            depth,
        }
    }

    /// What is there at head; the pin itself when it cannot be read and something hangs on it.
    fn head(&self) -> Result<std::result::Result<Side, ObjectId>> {
        Ok(Ok(match self.candidate.head {
            Place::Gitlink(pin) => match self.pinned(pin)? {
                Some(content) => Side::Pinned(pin, content),
                None if self.pin_stands() => Side::Pinned(pin, Content::default()),
                None => return Ok(Err(pin)),
            },
            Place::Directory(tree) => Side::Directory(self.directory(tree)?),
            Place::Nothing => Side::Absent,
        }))
    }

    fn base(&self) -> Result<Old> {
        Ok(match self.candidate.base {
            Place::Gitlink(pin) => match self.pinned(pin)? {
                Some(content) => Old::Known(Side::Pinned(pin, content)),
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

    fn pinned(&self, pin: ObjectId) -> Result<Option<Content>> {
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let Some(root) = store.tree_of(pin)? else {
            return Ok(None);
        };
        self.content(store.objects(), root).map(Some)
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
        content::of_tree(objects, root, &self.change)
    }

    /// Which way the pin went; none when there are no two pins.
    fn direction(&self) -> Option<Direction> {
        let (from, to) = (self.candidate.base.pin()?, self.candidate.head.pin()?);
        if from == to {
            return None;
        }
        let store = self.store.as_ref()?;
        Some(history::direction(
            store.objects(),
            from,
            to,
            store.is_shallow(),
        ))
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

    fn unread(&self, pin: ObjectId) -> Unread {
        let why = match self.store {
            Some(_) => "it lacks its commit",
            None => "it is not initialised",
        };
        Unread {
            path: self.path.clone(),
            pin,
            url: self.candidate.url().map(fleet::without_credentials),
            why: why.to_owned(),
        }
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
