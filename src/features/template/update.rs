//! `flota template update`: a three-way merge by git itself, inside the service.
//!
//! What a template rendered is a separate commit: the service's first, and with each update one more on top of the last, as
//! on a vendor branch. Merging the newest into the service's branch then uses the last one as the common ancestor, and what
//! is in conflict is left as git leaves it. Where that commit is missing from the history (a squash, a shallow clone), it is rendered again.

use std::{collections::BTreeMap, path::Path};

use bstr::{BString, ByteSlice};
use gix::ObjectId;

use crate::{
    fleet::{
        lock::FleetLock,
        scaffold::{self, Ask, Committer},
        select::Selector,
        worktree,
    },
    git::{
        Objects, head, index, operation, repository::Repository, status, tree_builder, untracked,
        vet::Link,
    },
    interrupt,
    model::{
        error::{Error, Result},
        exit::Exit,
        status::Changes,
        template::{Origin, Record, UpdateOutcome, Updated, Values},
    },
    templates::{self, RENDERING, Template, WantedTemplate},
};

/// What git may list of files in conflict, in bytes.
const LISTING_LIMIT: usize = 16 << 20;

/// What is to be brought up to date.
pub(crate) struct UpdateRequest<'a> {
    /// Which services; all that a template made when none is named.
    pub selector: &'a Selector,
    /// Another template than the one that a service records.
    pub template: Option<&'a WantedTemplate>,
    /// Answers that are to be others than the recorded ones.
    pub answers: &'a BTreeMap<String, String>,
    /// Whether files may go that git ignores, and that the template has.
    pub overwrites_ignored: bool,
}

/// Brings the services' branches to what their templates make of them now; sorted by path.
///
/// # Errors
/// Misuse: a name is not one of the fleet's services. The results of single services are in their [`Updated::outcome`].
pub(crate) fn update(
    fleet: &Repository,
    request: &UpdateRequest<'_>,
    ask: Ask<'_>,
) -> Result<Vec<Updated>> {
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    let pins = request.selector.among(index::of_index(fleet)?)?;
    let _lock = FleetLock::take(fleet)?;
    let mut updated = Vec::new();
    for link in pins.links {
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(exit, "interrupted while updating templates"));
        }
        let work_dir = worktree::initialised(&root, link.path.as_ref());
        // One that nobody named and that is not here is nobody's concern.
        if !request.selector.is_named() && matches!(work_dir, Ok(None)) {
            continue;
        }
        let outcome = work_dir.and_then(|work_dir| {
            let work_dir = work_dir.ok_or_else(|| not_initialised(&link))?;
            one(fleet, &root, &work_dir, &link, request, ask)
        });
        let path = link.path;
        updated.push(Updated {
            outcome: outcome.unwrap_or_else(|error| UpdateOutcome::Refused(error.within(&path))),
            path,
        });
    }
    updated.extend(pins.conflicted.into_iter().map(|one| Updated {
        outcome: UpdateOutcome::Refused(index::in_conflict().within(&one.path)),
        path: one.path,
    }));
    updated.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(updated)
}

fn not_initialised(link: &Link) -> Error {
    let path = &link.path;
    Error::repository("it is not initialised").hint(format!("flota update {path}"))
}

fn one(
    fleet: &Repository,
    root: &Path,
    work_dir: &Path,
    link: &Link,
    request: &UpdateRequest<'_>,
    ask: Ask<'_>,
) -> Result<UpdateOutcome> {
    let service = ServiceAtHead::open(work_dir)?;
    let Some(record) = service.record()? else {
        return Ok(UpdateOutcome::Unmade);
    };
    service.check(link)?;
    let wanted = match request.template {
        Some(wanted) => wanted.clone(),
        None => WantedTemplate::of_record(&record, root)?,
    };
    let template = templates::load(&wanted, fleet, request.template.is_none())?;
    let values = values(&template, &record, request.answers, ask)?;
    let tree = service.render(&template, &values)?;
    let former = match service.former()? {
        Some(former) => Some(former),
        None => service.render_again(fleet, root, &record, &template, link)?,
    };
    let Some((former, former_tree)) = former else {
        return Err(service.lost(link, &record));
    };
    if former_tree == tree {
        return Ok(UpdateOutcome::Current);
    }
    let message = format!(
        "Render the template {} anew\n\n{RENDERING}: {tree}\n",
        template.name
    );
    if !request.overwrites_ignored {
        // A merge of git's writes over them (git-merge(1), `--overwrite-ignore`).
        let files = untracked::in_the_way(work_dir, former_tree, tree)?;
        if !files.is_empty() {
            return Err(untracked::would_be_overwritten(
                &files,
                "flota template update",
            ));
        }
    }
    let rendering = service.commit_tree(tree, Some(former), &message)?;
    service.merge(
        rendering,
        &format!("Update to the template {}", template.name),
    )
}

/// The recorded answers, but for those that are given now, and for questions that are no more.
fn values(
    template: &Template,
    record: &Record,
    given: &BTreeMap<String, String>,
    ask: Ask<'_>,
) -> Result<Values> {
    let is_asked = |name: &String| {
        let mut questions = template.manifest.questions.iter();
        questions.any(|question| question.name == *name)
    };
    let recorded = record.answers.iter().filter(|(name, _)| is_asked(name));
    let mut answers: BTreeMap<String, String> = recorded
        .map(|(name, answer)| (name.clone(), answer.clone()))
        .collect();
    answers.extend(given.clone());
    scaffold::values(template, &record.name, &answers, ask)
}

/// A service's repository, at its HEAD.
struct ServiceAtHead<'a> {
    work_dir: &'a Path,
    repo: gix::Repository,
    head: ObjectId,
}

impl<'a> ServiceAtHead<'a> {
    fn open(work_dir: &'a Path) -> Result<Self> {
        let repo = status::open(work_dir)?;
        let head = head::commit(&repo).map_err(|err| status::unreadable(work_dir, err))?;
        let head = head.ok_or_else(|| Error::repository("it has no commit yet"))?;
        Ok(Self {
            work_dir,
            repo,
            head,
        })
    }

    fn record(&self) -> Result<Option<Record>> {
        templates::read_record(Objects::new(&self.repo.objects), self.tree_of(self.head)?)
    }

    fn tree_of(&self, commit: ObjectId) -> Result<ObjectId> {
        let objects = Objects::new(&self.repo.objects);
        objects
            .tree_of(commit)?
            .ok_or_else(|| Error::repository(format!("the commit {commit} was not found")))
    }

    /// A merge needs a branch to go to, and must not meet work that is in no commit.
    fn check(&self, link: &Link) -> Result<()> {
        let shown = &link.path;
        let found = status::of(self.work_dir, Some(link.pin))?;
        if let Some(operation) = found.operation {
            return Err(operation::in_progress(operation, self.work_dir));
        }
        if found.changes != Changes::default() {
            return Err(
                Error::repository("it has uncommitted changes").hint(format!(
                    "commit or stash them: git -C {shown} stash --include-untracked"
                )),
            );
        }
        if found.branch.is_none() {
            return Err(Error::repository("its HEAD is detached").hint(format!(
                "switch to a branch: git -C {shown} switch {}",
                scaffold::DEVELOPMENT
            )));
        }
        Ok(())
    }

    /// The tree of what `template` makes with `values`, written into the repository.
    fn render(&self, template: &Template, values: &Values) -> Result<ObjectId> {
        let files = template.render(values)?;
        tree_builder::write_tree(&self.repo, &scaffold::leaves(&files))
    }

    /// The newest commit of HEAD's history that holds what a template rendered and nothing else, with its tree.
    fn former(&self) -> Result<Option<(ObjectId, ObjectId)>> {
        let unreadable = |err: gix::Error| {
            Error::repository(format!(
                "cannot walk the history of `{}`",
                self.work_dir.display()
            ))
            .because(err)
        };
        let walk = self.repo.rev_walk([self.head]).all().map_err(unreadable)?;
        for commit in walk {
            let commit = commit.map_err(unreadable)?.object().map_err(unreadable)?;
            let tree = commit.tree_id().map_err(unreadable)?.detach();
            let trailer = format!("\n{RENDERING}: {tree}");
            if commit.message_raw_sloppy().contains_str(trailer) {
                return Ok(Some((commit.id, tree)));
            }
        }
        Ok(None)
    }

    /// The former rendering, where history lost it and its template can be had: made again, and joined to HEAD's history by a
    /// merge that changes nothing.
    fn render_again(
        &self,
        fleet: &Repository,
        root: &Path,
        record: &Record,
        now: &Template,
        link: &Link,
    ) -> Result<Option<(ObjectId, ObjectId)>> {
        let then = match &record.origin {
            Origin::Git { url, commit, .. } => {
                let wanted = WantedTemplate::Git {
                    url: url.clone(),
                    rev: Some(commit.to_string()),
                };
                let mut template = templates::load(&wanted, fleet, true)?;
                template.origin = record.origin.clone();
                template
            }
            _ if now.version()? == record.version => now.clone(),
            Origin::Embedded => match templates::named(&record.template)? {
                Some(template) if template.version()? == record.version => template,
                _ => return Ok(None),
            },
            Origin::Folder(_) => {
                let wanted = WantedTemplate::of_record(record, root)?;
                match templates::load(&wanted, fleet, true)? {
                    template if template.version()? == record.version => template,
                    _ => return Ok(None),
                }
            }
        };
        let values = scaffold::values(&then, &record.name, &record.answers, &mut |_, _| Ok(None))?;
        let tree = self.render(&then, &values)?;
        let message = format!(
            "Render the template {} as it was\n\n{RENDERING}: {tree}\n",
            then.name
        );
        let commit = self.commit_tree(tree, None, &message)?;
        let note = format!("Note what {} was rendered from", link.path);
        let joined = Committer::User
            .git(self.work_dir)
            .args(["merge", "--quiet", "--strategy=ours"])
            .args(["--allow-unrelated-histories", "-m", &note])
            .arg(commit.to_string())
            .run()?;
        joined.check(|| Error::work("git does not merge"))?;
        Ok(Some((commit, tree)))
    }

    fn lost(&self, link: &Link, record: &Record) -> Error {
        let shown = &link.path;
        let error = Error::repository(format!(
            "its history does not contain what its template `{}` rendered, and that version ({}) is not available",
            record.template,
            record.version.to_hex_with_len(7)
        ));
        match self.repo.is_shallow().unwrap_or_default() {
            true => error.hint(format!(
                "its history is shallow: git -C {shown} fetch --unshallow"
            )),
            false => error
                .hint("use the version of flota that created it, or the template as it was then"),
        }
    }

    fn commit_tree(
        &self,
        tree: ObjectId,
        parent: Option<ObjectId>,
        message: &str,
    ) -> Result<ObjectId> {
        let signs = self.repo.config_snapshot().boolean("commit.gpgSign");
        let mut command = Committer::User
            .git(self.work_dir)
            .args(["commit-tree", &tree.to_string(), "-F", "-"])
            .input(message)
            .stdout_as_data(1 << 10);
        if let Some(parent) = parent {
            command = command.args(["-p", &parent.to_string()]);
        }
        if signs == Some(true) {
            command = command.arg("-S");
        }
        let failed = || Error::work("cannot commit what the template rendered");
        let made = command.run()?.check(failed)?;
        ObjectId::from_hex(made.stdout.trim_ascii()).map_err(|err| failed().because(err))
    }

    fn merge(&self, rendering: ObjectId, message: &str) -> Result<UpdateOutcome> {
        let merged = Committer::User
            .git(self.work_dir)
            .args(["merge", "--quiet", "--ff", "-m", message])
            .arg(rendering.to_string())
            .run()?;
        if merged.success() {
            let head = Self::open(self.work_dir)?.head;
            return Ok(UpdateOutcome::Merged(head));
        }
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(exit, "interrupted while merging"));
        }
        let conflicts = self.conflicts()?;
        if !conflicts.is_empty() {
            return Ok(UpdateOutcome::Conflicts(conflicts));
        }
        // A hook, a signature: the service is as before then.
        let aborted = Committer::User
            .git(self.work_dir)
            .args(["merge", "--abort"])
            .run()?;
        let said = String::from_utf8_lossy(&merged.text).trim().to_owned();
        let error = Error::new(Exit::WorkFailed, "git does not merge").because(said);
        Err(match aborted.success() {
            true => error,
            false => error.hint(format!(
                "see its state: git -C {} status",
                self.work_dir.display()
            )),
        })
    }

    fn conflicts(&self) -> Result<Vec<BString>> {
        let listed = crate::git::command::git(self.work_dir)
            .args(["diff", "--name-only", "--diff-filter=U", "-z"])
            .stdout_as_data(LISTING_LIMIT)
            .run()?
            .check(|| Error::repository("git cannot tell what is in conflict"))?;
        let names = listed
            .stdout
            .split_str(b"\0")
            .filter(|name| !name.is_empty());
        Ok(names.map(BString::from).collect())
    }
}
