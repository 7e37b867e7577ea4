//! Pipelines written into the repository: for a fleet or for one service, as flota.toml has it.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{
    files,
    fleet::changed,
    git::repository::Repository,
    model::{
        error::{Error, Result},
        pipeline::{AZURE_MATRICES, Found, PipelineFile},
        settings::Settings,
    },
    templates::{self, File},
};

/// What stands in the first lines of every file that flota wrote, and may write again.
const MARKER: &str = "Written by flota ci ";

/// The lines in which the marker is looked for: below a `#!` or a `---`.
const MARKED_LINES: usize = 3;

/// The branches whose pushes are built: where work is merged, and where it is released.
const BRANCHES: [&str; 3] = ["development", "main", "master"];

/// The actions of GitHub's that pipelines use, by the commit that was looked at.
const CHECKOUT: &str = "actions/checkout@fbc6f3992d24b796d5a048ff273f7fcc4a7b6c09 # v5.1.0";
const CACHE: &str = "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5";
const RESTORE: &str = "actions/cache/restore@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5";
const UPLOAD: &str = "actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f # v6.0.0";
const DOWNLOAD: &str =
    "actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131 # v7.0.0";

/// The files of a system's pipelines, and where they belong.
pub(crate) struct Pipelines {
    root: PathBuf,
    files: Vec<File>,
}

impl Pipelines {
    /// The pipelines of `repository` for `system`, by its word.
    ///
    /// # Errors
    /// The repository is neither a fleet nor a service, or has no worktree; the base branch has a name that no pipeline can hold.
    pub(crate) fn of(repository: &Repository, settings: &Settings, system: &str) -> Result<Self> {
        let root = repository
            .work_dir()
            .ok_or_else(|| Error::misuse("a bare repository has no worktree for pipelines"))?;
        let kind = match changed::is_fleet(repository, settings)? {
            true => "fleet",
            false => "service",
        };
        Ok(Self {
            root: root.to_owned(),
            files: templates::pipelines(system, kind, &values(settings)?)?,
        })
    }

    /// Each file against what lies there.
    pub(crate) fn compare(&self) -> Result<Vec<PipelineFile>> {
        let compare = |file: &File| {
            Ok(PipelineFile {
                path: file.path.clone(),
                found: self.found(file)?,
            })
        };
        self.files.iter().map(compare).collect()
    }

    /// Writes what is missing or outdated, all or none; what was there before.
    ///
    /// # Errors
    /// A file that flota did not write is in the way, unless `force`.
    pub(crate) fn write(&self, force: bool) -> Result<Vec<PipelineFile>> {
        let compared = self.compare()?;
        let foreign = compared.iter().find(|file| file.found == Found::Foreign);
        if let Some(foreign) = foreign.filter(|_| !force) {
            let path = foreign.path.display();
            return Err(Error::misuse(format!("{path} was not written by flota"))
                .hint("rename it, or overwrite it: --force"));
        }
        for (file, compared) in self.files.iter().zip(&compared) {
            if compared.found != Found::Same {
                self.put(file)?;
            }
        }
        Ok(compared)
    }

    fn found(&self, file: &File) -> Result<Found> {
        self.refuse_links(&file.path)?;
        let target = self.root.join(&file.path);
        let there = match fs::read(&target) {
            Ok(there) => there,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            Err(err) => return Err(unusable(&file.path, err)),
        };
        let mode = fs::metadata(&target)
            .map_err(|err| unusable(&file.path, err))?
            .permissions()
            .mode();
        let is_program = mode & 0o100 != 0;
        if there == file.content && (is_program || !file.is_executable) {
            return Ok(Found::Same);
        }
        let there = String::from_utf8_lossy(&there);
        let is_marked = there
            .lines()
            .take(MARKED_LINES)
            .any(|line| line.contains(MARKER));
        Ok(if is_marked {
            Found::Outdated
        } else {
            Found::Foreign
        })
    }

    /// A link that the repository holds would lead what is written out of it.
    fn refuse_links(&self, path: &Path) -> Result<()> {
        let mut ancestors: Vec<_> = path.ancestors().collect();
        // The last is the root itself.
        ancestors.pop();
        for part in ancestors {
            if fs::symlink_metadata(self.root.join(part)).is_ok_and(|there| there.is_symlink()) {
                let part = part.display();
                return Err(Error::repository(format!("{part} is a symbolic link"))
                    .hint("flota writes pipelines only into real directories"));
            }
        }
        Ok(())
    }

    /// The file appears whole, or stays as it was.
    fn put(&self, file: &File) -> Result<()> {
        let target = self.root.join(&file.path);
        let folder = target.parent().unwrap_or(&self.root);
        let mode = if file.is_executable { 0o777 } else { 0o666 };
        let write = || {
            fs::create_dir_all(folder)?;
            files::write_with_mode(&target, &file.content, mode)
        };
        write().map_err(|err| unusable(&file.path, err))
    }
}

fn unusable(path: &Path, err: io::Error) -> Error {
    files::cannot("read or write", path, err)
}

/// What the templates are filled with; what is not there is empty.
fn values(settings: &Settings) -> Result<BTreeMap<String, String>> {
    let registry = settings.image.registry.as_deref().unwrap_or_default();
    let host = registry.split('/').next().unwrap_or_default();
    let ci = &settings.ci;
    let branches = branches(settings)?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let values = [
        ("archive", text(&ci.archive)),
        ("sha256", text(&ci.sha256)),
        ("image", text(&ci.image)),
        ("registry", host.to_owned()),
        ("record", String::from(if ci.record { "true" } else { "" })),
        ("branches", format!("[{}]", branches.join(", "))),
        (
            "branch_pattern",
            branches.join("|").replace('.', r"\.").replace('/', r"\/"),
        ),
        ("checkout", CHECKOUT.to_owned()),
        ("matrices", matrices()),
        ("cache", CACHE.to_owned()),
        ("restore", RESTORE.to_owned()),
        ("upload", UPLOAD.to_owned()),
        ("download", DOWNLOAD.to_owned()),
    ];
    Ok(values.map(|(name, value)| (name.to_owned(), value)).into())
}

/// The names that `flota plan --format azure` gives to a matrix, or to its parts: as many as a plan may have.
fn matrices() -> String {
    let parts = (0..AZURE_MATRICES).map(|part| format!("matrix_{part}"));
    let all: Vec<_> = std::iter::once("matrix".to_owned()).chain(parts).collect();
    all.join(",")
}

/// The branches whose pushes are built, the fleet's own base branch among them.
fn branches(settings: &Settings) -> Result<Vec<&str>> {
    let mut all = BRANCHES.to_vec();
    if let Some(own) = settings
        .fleet
        .base_branch
        .as_deref()
        .filter(|own| !all.contains(own))
    {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
        let begins = own.starts_with(|c: char| c.is_ascii_alphabetic());
        if !begins || !own.chars().all(is_plain) {
            return Err(
                Error::misuse(format!("the branch `{own}` cannot be named in a pipeline")).hint(
                    "a pipeline accepts letters, digits and `._/-`: flota.toml, [fleet] base_branch",
                ),
            );
        }
        all.insert(0, own);
    }
    Ok(all)
}
