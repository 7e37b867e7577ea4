//! New fleets and new services, with local remotes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    git::command::{argument, git, run},
    model::{
        error::{Error, Result},
        name,
        template::{MODULE, NAME, Values},
    },
    process::Command,
    templates,
};

/// Where a fleet keeps its services.
pub const SERVICES: &str = "code-repos";

/// The branch that work is merged into before it is released.
const DEVELOPMENT: &str = "development";

/// Who commits, and when.
#[derive(Clone, Debug)]
pub struct Author {
    /// Name and e-mail address.
    pub name: &'static str,
    /// The address.
    pub email: &'static str,
    /// Seconds since the Unix epoch, for both dates of a commit.
    pub date: i64,
}

impl Author {
    /// Commits everything in `worktree`.
    pub fn commit_all(&self, worktree: &Path, message: &str) -> Result<()> {
        let doing = format!("commit in `{}`", worktree.display());
        run(git(worktree).args(["add", "--all"]), doing.as_str())?;
        let commit = git(worktree).args(["-c", "commit.gpgSign=false", "commit", "--quiet"]);
        run(self.sign(commit.args(["--message", message])), doing)
    }

    fn sign(&self, command: Command) -> Command {
        let date = format!("{} +0000", self.date);
        command
            .env("GIT_AUTHOR_NAME", self.name)
            .env("GIT_AUTHOR_EMAIL", self.email)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", self.name)
            .env("GIT_COMMITTER_EMAIL", self.email)
            .env("GIT_COMMITTER_DATE", &date)
    }
}

/// A new repository at `worktree` on branch `main`, with a bare one at `remote` as its `origin`.
pub fn repository(worktree: &Path, remote: &Path) -> Result<()> {
    for folder in [worktree, remote] {
        fs::create_dir_all(folder).map_err(|err| {
            Error::environment(format!("cannot make `{}`", folder.display())).because(err)
        })?;
    }
    let init = |dir: &Path, bare: &[&str]| {
        let init = git(dir).args(["init", "--quiet", "--template=", "--initial-branch=main"]);
        run(
            init.args(bare.iter().copied()),
            format!("make a repository in `{}`", dir.display()),
        )
    };
    init(remote, &["--bare"])?;
    init(worktree, &[])?;
    let link = git(worktree)
        .args(["remote", "add", "origin"])
        .arg(argument(remote));
    run(link, format!("name the remote of `{}`", worktree.display()))
}

/// A new static service: its repository from the template, with branches `main` and `development` at a bare remote, linked
/// into the fleet as a submodule. The fleet's index holds the link; nothing is committed there. The service's worktree.
pub fn service(fleet: &Path, name: &str, remotes: &Path, author: &Author) -> Result<PathBuf> {
    let remote = remotes.join(format!("{name}.git"));
    let first = tempfile::tempdir()
        .map_err(|err| Error::environment("cannot make a temporary folder").because(err))?;
    repository(first.path(), &remote)?;
    let values = scaffold_values(name);
    let template =
        templates::named("static")?.ok_or_else(|| Error::work("there is no template `static`"))?;
    templates::write(&template.render(&values)?, first.path())?;
    author.commit_all(first.path(), &format!("Start {name}"))?;
    let doing = format!("push `{name}`");
    run(
        git(first.path()).args(["branch", DEVELOPMENT]),
        doing.as_str(),
    )?;
    run(
        git(first.path()).args(["push", "--quiet", "origin", "main", DEVELOPMENT]),
        doing,
    )?;

    // A relative URL: the fleet and its services move together.
    let path = Path::new(SERVICES).join(name);
    let add = git(fleet)
        .args([
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
        ])
        .args(["-b", DEVELOPMENT, "--name", name, "--"])
        .arg(format!("../{name}.git"))
        .arg(&path);
    run(add, format!("link `{name}` into the fleet"))?;
    Ok(fleet.join(path))
}

fn scaffold_values(name: &str) -> Values {
    [(NAME, name.to_owned()), (MODULE, name::module(name))]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
}
