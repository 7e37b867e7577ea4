//! A worktree that is there goes to its pin, by git, which knows what may be overwritten; or it stays, and says why.

use std::{fs, path::Path};

use gix::ObjectId;

use super::{
    loss,
    strategy::Strategy,
    worktrees::{Place, Worktrees},
};
use crate::{
    files,
    fleet::parent::{Parent, source},
    git::{
        command::{git, git_of_user},
        index::{self, IndexFile},
        operation, status, untracked,
        vet::Link,
    },
    interrupt,
    model::{
        error::{Error, Result},
        sync::SyncOutcome,
    },
};

impl Worktrees<'_> {
    /// Moves the worktree to its pin, as `submodule.<name>.update` has it.
    pub(super) fn advance(&self, place: &Place<'_>) -> Result<SyncOutcome> {
        let Place {
            parent,
            link,
            git_dir,
            work_dir,
        } = *place;
        let from = match status::head(work_dir) {
            Ok(from) => from,
            Err(error) => return Ok(SyncOutcome::Left(error)),
        };
        let index = index::file_of(git_dir, link.pin.kind())?;
        if index == IndexFile::Damaged {
            return Ok(SyncOutcome::Left(index::damaged(git_dir, work_dir)));
        }
        let has_index = index == IndexFile::Sound;
        // On a branch, too: whoever works there stays there.
        if has_index && from == Some(link.pin) {
            return Ok(SyncOutcome::Current);
        }
        if let Some(operation) = operation::under_way(git_dir) {
            let error = operation::in_progress(operation, work_dir);
            return Ok(SyncOutcome::Left(error));
        }
        if !has_index && !is_bare_of_files(work_dir)? {
            return Ok(SyncOutcome::Left(
                Error::repository("its index is missing, but its worktree has files")
                    .hint("create one, and see what differs: git reset && git status"),
            ));
        }
        if has_index && let Some(error) = loss::uncommitted(work_dir)? {
            return Ok(SyncOutcome::Left(error));
        }
        if let (true, Some(head)) = (has_index, from) {
            let repo = parent.repository.to_local()?;
            match Strategy::of(repo.config_snapshot().plumbing(), link)? {
                Strategy::Rebase => return self.integrate(place, head, &REBASE),
                Strategy::Merge => return self.integrate(place, head, &MERGE),
                Strategy::Command => return Ok(SyncOutcome::Left(command_of_user(parent, link))),
                // Whoever says `none`, and names it all the same, wants it.
                Strategy::Checkout | Strategy::None => {}
            }
        }
        self.check_out_over(place, from, has_index)
    }

    /// Detaches HEAD, which was at `from`, at the pin.
    fn check_out_over(
        &self,
        place: &Place<'_>,
        from: Option<ObjectId>,
        has_index: bool,
    ) -> Result<SyncOutcome> {
        let Place {
            link,
            git_dir,
            work_dir,
            ..
        } = *place;
        if from != Some(link.pin)
            && let Some(error) = loss::unreachable_commits(work_dir, git_dir)?
        {
            return Ok(SyncOutcome::Left(error));
        }
        if let Some(error) = self.obtain(place)? {
            return Ok(SyncOutcome::Left(error));
        }
        let pin = link.pin.to_string();
        let check_out = |ignored| {
            let mut command =
                git(work_dir).args(["-c", "advice.detachedHead=false", "checkout", "--quiet"]);
            if !has_index {
                command = command.arg("--force");
            }
            command
                .args([ignored, "--no-recurse-submodules", "--detach", &pin, "--"])
                // Its words are looked at, and have to be the ones known here.
                .env("LC_ALL", "C")
                .run()
        };
        let before = from.unwrap_or(ObjectId::empty_tree(link.pin.kind()));
        let ends = [before, link.pin];
        let moved = untracked::move_head(work_dir, ends, self.overwrites_ignored, check_out)?;
        if moved.success() {
            return Ok(match from {
                Some(from) if from != link.pin => SyncOutcome::Moved { from },
                _ => SyncOutcome::CheckedOut,
            });
        }
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(exit, "interrupted"));
        }
        Ok(loss::not_moved(&moved.text, work_dir))
    }

    /// Brings the pin and the commits of HEAD, which was at `from`, together; where they do not fit, all is as it was.
    fn integrate(
        &self,
        place: &Place<'_>,
        from: ObjectId,
        how: &Integration,
    ) -> Result<SyncOutcome> {
        let Place { link, work_dir, .. } = *place;
        if let Some(error) = self.obtain(place)? {
            return Ok(SyncOutcome::Left(error));
        }
        // Neither of the two commands can be told to keep ignored files.
        if !self.overwrites_ignored {
            let files = untracked::in_the_way(work_dir, from, link.pin)?;
            if !files.is_empty() {
                let error = untracked::would_be_overwritten(&files, "flota update");
                return Ok(SyncOutcome::Left(error));
            }
        }
        let pin = link.pin.to_string();
        let done = git_of_user(work_dir)
            .args(how.command.iter().copied())
            .arg(&pin)
            .run();
        match done {
            Ok(done) if done.success() => {
                let to = status::head(work_dir)?.unwrap_or(from);
                Ok(match to == from {
                    true => SyncOutcome::Current,
                    false => (how.outcome)(from, to),
                })
            }
            Ok(done) => {
                let name = how.command[0];
                let aborted = git(work_dir).args([name, "--abort"]).run()?;
                let said = String::from_utf8_lossy(&done.text).trim().to_owned();
                let error =
                    Error::repository(format!("git cannot {name} its commits with its pin"))
                        .because(said);
                let dir = work_dir.display();
                Ok(SyncOutcome::Left(match aborted.success() {
                    true => error.hint(format!("do it by hand: git -C {dir} {name} {pin}")),
                    false => error.hint(format!("see its state: git -C {dir} status")),
                }))
            }
            Err(error) => Err(error),
        }
    }

    /// Fetches the pin, unless a lock of git's is in the way, which is given.
    fn obtain(&self, place: &Place<'_>) -> Result<Option<Error>> {
        if let Some(error) = loss::locked(place.git_dir) {
            return Ok(Some(error));
        }
        let source = source(&place.parent.repository, place.link)?;
        self.access
            .obtain(place.git_dir, &source, place.link.pin, None)?;
        Ok(None)
    }
}

/// A way to bring the pin and other commits together.
struct Integration {
    command: &'static [&'static str],
    outcome: fn(ObjectId, ObjectId) -> SyncOutcome,
}

const REBASE: Integration = Integration {
    command: &["rebase", "--quiet"],
    outcome: |from, to| SyncOutcome::Rebased { from, to },
};

const MERGE: Integration = Integration {
    command: &["merge", "--quiet", "--no-edit"],
    outcome: |from, to| SyncOutcome::Merged { from, to },
};

fn command_of_user(parent: &Parent, link: &Link) -> Error {
    let (name, dir, path) = (link.name(), parent.root.display(), &link.path);
    Error::repository(format!(
        "submodule.{name}.update is a command, which flota does not run"
    ))
    .hint(format!(
        "let git run it: git -C {dir} submodule update -- {path}"
    ))
}

/// Whether there is nothing but `.git`.
fn is_bare_of_files(folder: &Path) -> Result<bool> {
    let entries = fs::read_dir(folder).map_err(|err| files::cannot("write", folder, err))?;
    Ok(entries.flatten().all(|entry| entry.file_name() == ".git"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worktree_without_files_has_its_gitfile_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_bare_of_files(dir.path()).unwrap());
        fs::write(dir.path().join(".git"), "").unwrap();
        assert!(is_bare_of_files(dir.path()).unwrap());
        fs::write(dir.path().join(".gitignore"), "").unwrap();
        assert!(!is_bare_of_files(dir.path()).unwrap());
        assert!(is_bare_of_files(&dir.path().join("missing")).is_err());
    }
}
