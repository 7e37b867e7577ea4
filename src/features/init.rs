//! `flota init`: adds the files of a fleet to a repository; existing files are not changed.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use crate::fleet::scaffold;
use crate::{
    config::{self, Starter},
    files,
    git::{
        command::{git, run},
        index,
        repository::Repository,
    },
    model::{
        error::{Error, Result},
        init::{FleetPart, InitOutcome, Initialised},
    },
};

/// Where what the services share is described.
const INFRASTRUCTURE: &str = "infrastructure";

/// An empty folder is nothing to git.
const KEEP: &str = ".gitkeep";

/// Where the README's section begins, whatever somebody makes of its words.
const MARK: &str = "<!-- flota init -->";

/// Makes the repository in `dir` a fleet, or `dir` a repository first.
///
/// # Errors
/// Misuse: `dir` is inside another repository. Repository: it is bare, or its index cannot be read. Unavailable: it cannot be
/// written.
pub(crate) fn init(dir: &Path) -> Result<Initialised> {
    let root = std::path::absolute(dir).map_err(|err| {
        Error::misuse(format!("`{}` is not a directory", dir.display())).because(err)
    })?;
    let is_new = !root.join(".git").exists();
    if is_new {
        refuse_surroundings(&root)?;
        fs::create_dir_all(&root).map_err(|err| files::cannot("write", &root, err))?;
        make_repository(&root)?;
    }
    let fleet = Repository::discover(&root)?;
    let links = index::of_index(&fleet)?.links;
    let home = scaffold::home(&links);
    let branch = base_branch(&fleet);
    let starter = Starter {
        base_branch: branch.as_deref(),
        cluster_host: links.is_empty().then_some("localhost"),
    };
    let parts = vec![
        file(&root, "flota.toml", starter.text())?,
        file(&root, config::SCHEMA_FILE, config::schema()?)?,
        folder(&root, &home)?,
        folder(&root, INFRASTRUCTURE)?,
        readme(&root, &home)?,
    ];
    Ok(Initialised {
        root,
        is_new,
        submodules: links.len(),
        parts,
    })
}

/// A fleet is a repository's root: in a folder of one, submodules would belong to that.
fn refuse_surroundings(root: &Path) -> Result<()> {
    let above = root.ancestors().find(|above| above.is_dir());
    let Some(Ok(around)) = above.map(Repository::discover) else {
        return Ok(());
    };
    let around = around.folder().unwrap_or_default();
    Err(Error::misuse(format!(
        "`{}` is inside the repository `{}`",
        root.display(),
        around.display()
    ))
    .hint(format!(
        "to make that one a fleet: flota init {}",
        around.display()
    ))
    .hint(format!(
        "to create a separate repository here anyway: git init {}",
        root.display()
    )))
}

/// With the user's own name for the first branch, else `main`.
fn make_repository(root: &Path) -> Result<()> {
    let asked = git(root)
        .args(["config", "--get", "init.defaultBranch"])
        .stdout_as_data(1 << 10)
        .run()?;
    let said = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    let branch = if said.is_empty() { "main" } else { &said };
    let init = git(root)
        .args(["init", "--quiet"])
        .arg(format!("--initial-branch={branch}"));
    run(init, format!("create a repository in `{}`", root.display()))
}

/// The branch that changes are measured against: the remote's own, else the one that is checked out.
fn base_branch(fleet: &Repository) -> Option<String> {
    let remote = fleet.symbolic_target("refs/remotes/origin/HEAD");
    let remote = remote.and_then(|name| Some(name.strip_prefix("origin/")?.to_owned()));
    remote.or_else(|| fleet.branch())
}

/// A file, unless something has its name.
fn file(root: &Path, name: &str, text: impl AsRef<[u8]>) -> Result<FleetPart> {
    let path = root.join(name);
    let outcome = match fs::File::create_new(&path) {
        Ok(mut new) => {
            new.write_all(text.as_ref())
                .map_err(|err| files::cannot("write", &path, err))?;
            InitOutcome::Made
        }
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => InitOutcome::Kept,
        Err(err) => return Err(files::cannot("write", &path, err)),
    };
    Ok(part(name, outcome))
}

/// A folder that git keeps while it is empty, unless something has its name.
fn folder(root: &Path, name: &str) -> Result<FleetPart> {
    let path = root.join(name);
    if fs::symlink_metadata(&path).is_ok() {
        return Ok(part(&format!("{name}/"), InitOutcome::Kept));
    }
    fs::create_dir_all(&path).map_err(|err| files::cannot("write", &path, err))?;
    file(root, &format!("{name}/{KEEP}"), "")?;
    Ok(part(&format!("{name}/"), InitOutcome::Made))
}

/// A section at the end of the README, once; a README of another form than a file stays as it is.
fn readme(root: &Path, home: &str) -> Result<FleetPart> {
    const NAME: &str = "README.md";
    let path = root.join(NAME);
    let section = section(home);
    let made = file(root, NAME, format!("# {}\n\n{section}", title(root)))?;
    if made.outcome == InitOutcome::Made {
        return Ok(made);
    }
    let is_file = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
    let text = is_file.then(|| fs::read(&path)).transpose();
    let Some(mut text) = text.map_err(|err| files::cannot("write", &path, err))? else {
        return Ok(made);
    };
    if String::from_utf8_lossy(&text).contains(MARK) {
        return Ok(made);
    }
    while !text.is_empty() && !text.ends_with(b"\n\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(section.as_bytes());
    files::write(&path, &text).map_err(|err| files::cannot("write", &path, err))?;
    Ok(part(NAME, InitOutcome::Extended))
}

fn section(home: &str) -> String {
    format!(
        "\
{MARK}
## The fleet

This repository is a fleet: each service in `{home}/` has its own repository and is linked here as a Git submodule. What
the services share is in `{INFRASTRUCTURE}/`; `flota.toml` says how they are built.

| to | |
|---|---|
| get everything | `flota clone URL` |
| start a service | `flota new NAME` |
| see the state of every service | `flota status` |
| record what was pushed in a service | `flota bump NAME`, `git commit` |
| see what a change requires, and build it | `flota changed`, `flota build` |
"
    )
}

fn title(root: &Path) -> String {
    let name = root.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn part(path: &str, outcome: InitOutcome) -> FleetPart {
    FleetPart {
        path: path.to_owned(),
        outcome,
    }
}
