//! HEAD: the commit that a worktree is at.

use gix::ObjectId;

/// The commit of HEAD; none before the first commit.
///
/// # Errors
/// HEAD, or the branch that it names, cannot be read. That is no reason to take the repository for one without commits.
pub fn commit(repo: &gix::Repository) -> gix::Result<Option<ObjectId>> {
    let head = repo.head()?;
    match head.is_unborn() {
        true => Ok(None),
        false => Ok(Some(repo.head_id()?.detach())),
    }
}
