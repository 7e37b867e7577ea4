//! One submodule, end point against end point: which parts of its content differ.

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::candidates::{Candidate, Place};
use crate::{
    git::{Objects, content, history, repository::Repository, submodule::Store, tree},
    model::{
        change::{
            Action, Direction, FileChange, Part, Reason, ServiceChange, Warning, WarningKind,
        },
        error::{Error, Result},
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
    Missing(MissingPin),
}

/// A pin at head that cannot be read: nothing can be said of the service, and nothing built.
pub(super) struct MissingPin {
    path: BString,
    pin: ObjectId,
    url: Option<BString>,
    initialised: bool,
}

impl MissingPin {
    /// Where the submodule sits.
    pub fn path(&self) -> &BString {
        &self.path
    }
}

/// Looks into one submodule.
pub(super) fn read(
    repository: &Repository,
    settings: &Settings,
    candidate: &Candidate,
    files: bool,
) -> Result<Outcome> {
    let reader = Reader::new(repository, settings, candidate)?;
    let Some(head) = reader.head()? else {
        return Ok(Outcome::Missing(reader.missing()));
    };
    let base = reader.base()?;
    let decision = rules::decide(&Evidence {
        base,
        head,
        moved: candidate.previous_path.is_some(),
        url_changed: candidate.url_changed(),
        other_action: other_action(&reader.change),
    });
    let old = match base {
        Old::Known(side) => side.content(),
        Old::Unavailable(_) => Content::default(),
    };
    let new = head.content();
    let service = ServiceChange {
        name: fleet::service_name(candidate.path.as_ref()).to_owned(),
        path: candidate.path.clone(),
        previous_path: candidate.previous_path.clone(),
        change: decision.change,
        direction: reader.direction(),
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
        files: if files { reader.files()? } else { None },
    };
    let warnings = warnings(candidate, &service);
    Ok(Outcome::Read(Box::new(service), warnings))
}

/// The same for a submodule whose pin stands, but whose content is needed all the same.
pub(super) fn read_whole(
    repository: &Repository,
    settings: &Settings,
    candidate: &Candidate,
) -> Result<Outcome> {
    let reader = Reader::new(repository, settings, candidate)?;
    let at_hand = candidate
        .head
        .pin()
        .map(|pin| reader.pinned(pin))
        .transpose()?
        .flatten()
        .is_some();
    if at_hand {
        read(repository, settings, candidate, false)
    } else {
        Ok(Outcome::Missing(reader.missing()))
    }
}

struct Reader<'a> {
    repository: &'a Repository,
    candidate: &'a Candidate,
    /// The submodule's objects; none when it is not initialised.
    store: Option<Store>,
    /// Which of its paths mean what.
    change: ChangeSettings,
    /// Whether `[fleet] services` leaves it out.
    plain: bool,
}

impl<'a> Reader<'a> {
    fn new(
        repository: &'a Repository,
        settings: &Settings,
        candidate: &'a Candidate,
    ) -> Result<Self> {
        let path: &BStr = candidate.path.as_ref();
        let name = fleet::service_name(path).to_str_lossy();
        let listed = candidate.listed().map(|listed| listed.name.as_ref());
        let chosen = settings.fleet.services.as_ref();
        Ok(Self {
            repository,
            candidate,
            store: Store::open(repository, listed, path)?,
            change: settings.for_service(&name).change,
            plain: chosen.is_some_and(|globs| !globs.is_match(path)),
        })
    }

    /// What is there at head; `None` when the pin cannot be read and something hangs on it.
    fn head(&self) -> Result<Option<Side>> {
        let content = match self.candidate.head.pin() {
            Some(pin) => self.pinned(pin)?,
            None => None,
        };
        Ok(match (self.candidate.head, content) {
            (Place::Gitlink(pin), Some(content)) => Some(Side::Pinned(pin, content)),
            (Place::Gitlink(pin), None) if self.pin_stands() => {
                Some(Side::Pinned(pin, Content::default()))
            }
            (Place::Gitlink(_), None) => None,
            (Place::Directory(tree), _) => Some(Side::Directory(self.directory(tree)?)),
            (Place::Nothing, _) => Some(Side::Absent),
        })
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
        let repo = self.repository.to_local();
        self.content(Objects::new(&repo.objects), tree)
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
        let Some(store) = &self.store else {
            return Ok(None);
        };
        if self.candidate.crosses_a_directory() {
            return Ok(None);
        }
        let mut roots = [None, None];
        for (root, place) in roots
            .iter_mut()
            .zip([self.candidate.base, self.candidate.head])
        {
            if let Some(pin) = place.pin() {
                *root = store.tree_of(pin)?;
                if root.is_none() {
                    return Ok(None);
                }
            }
        }
        let differences = tree::diff(store.objects(), roots[0], roots[1])?;
        Ok(Some(
            differences
                .iter()
                .map(tree::Difference::to_file_change)
                .collect(),
        ))
    }

    fn missing(&self) -> MissingPin {
        MissingPin {
            path: self.candidate.path.clone(),
            pin: self
                .candidate
                .head
                .pin()
                .unwrap_or(ObjectId::null(self.repository.object_hash())),
            url: self.candidate.url().map(fleet::without_credentials),
            initialised: self.store.is_some(),
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

/// One error for all pins that cannot be read, with the command that gets them.
pub(super) fn refuse_missing(missing: Vec<MissingPin>) -> Result<()> {
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let describe = |pin: &MissingPin| {
        let url = pin
            .url
            .as_ref()
            .map_or("no URL".to_owned(), ToString::to_string);
        let state = if pin.initialised {
            "does not have"
        } else {
            "is not initialised and lacks"
        };
        format!("{} {state} its commit {} ({url})", pin.path, pin.pin)
    };
    let error = match missing.len() {
        1 => Error::repository(describe(first)),
        several => {
            let lines: Vec<_> = missing
                .iter()
                .map(|pin| format!("  {}", describe(pin)))
                .collect();
            Error::repository(format!(
                "the commits of {several} submodules are not here:\n{}",
                lines.join("\n")
            ))
        }
    };
    Err(error.hint(match missing.len() {
        1 => format!("get it: git submodule update --init -- {}", first.path),
        _ => "get them: git submodule update --init".to_owned(),
    }))
}
