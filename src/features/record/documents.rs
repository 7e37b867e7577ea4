//! Reads the reports of builds: `build.json` of one run or of a matrix's legs, and the plan they followed.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use bstr::BString;
use gix::ObjectId;
use serde::Deserialize;
use walkdir::WalkDir;

use super::evidence;
use crate::{
    git::records::evidence::EvidenceFiles,
    model::{
        change::Action,
        document::{BaseV1, BuildV1, BuiltV1, EndV1, Hex, PlanV1},
        error::{Error, Result},
        report::Status,
    },
};

/// Ten thousand services take some 10 MB.
const SIZE_LIMIT: u64 = 256 << 20;

/// What several documents say together.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// The fleet's commit that all of them are about; none without a document.
    pub head: Option<ObjectId>,
    /// What it was compared with, where one of them says so.
    pub base: Option<ObjectId>,
    /// What gates found.
    pub evidence: EvidenceFiles,
    /// Services that were built, by path.
    built: BTreeMap<BString, Vec<Built>>,
}

#[derive(Debug)]
struct Built {
    commit: ObjectId,
    action: Action,
}

impl Documents {
    /// Reads `flota.build/v1` and `flota.plan/v1` documents; of a folder every one below it.
    ///
    /// # Errors
    /// Misuse: one cannot be read, is not one of the two documents, or is about another commit than the first.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut all = Self::default();
        for path in paths {
            for file in files(path)? {
                let document = RunDocument::read(&file)?;
                all.add(&file, document)?;
            }
        }
        Ok(all)
    }

    /// Whether a report says that the service at `path` was built at `commit`, as far as `action` calls for it.
    pub(crate) fn is_built(
        &self,
        path: &BString,
        commit: Option<ObjectId>,
        action: Action,
    ) -> bool {
        let built = self.built.get(path).into_iter().flatten();
        let mut built = built.filter(|built| Some(built.commit) == commit);
        built.any(|built| built.action >= action)
    }

    fn add(&mut self, path: &Path, document: RunDocument) -> Result<()> {
        let head = document.head;
        if let Some(first) = self.head.replace(head)
            && first != head
        {
            let path = path.display();
            return Err(Error::misuse(format!(
                "`{path}` is about {head}, but another report is about {first}"
            ))
            .hint("give the reports of one run"));
        }
        if let Some(base) = document.base {
            self.base.get_or_insert(base);
        }
        for service in document.built {
            evidence::collect(&service, &mut self.evidence);
            let BuiltV1 { step, status, .. } = service;
            let is_built = matches!(status, Status::Built | Status::Reused);
            let is_build = matches!(step.action, Action::Image | Action::Chart);
            let (Some(Hex(commit)), true, true) = (step.commit, is_build, is_built) else {
                continue;
            };
            let built = Built {
                commit,
                action: step.action,
            };
            self.built
                .entry(step.path.into_owned())
                .or_default()
                .push(built);
        }
        Ok(())
    }
}

/// The path itself, or the folder's `.json` files, sorted, as a CI system left them that collects what many jobs report.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|err| unreadable(path).because(err))?;
        let is_report = entry.path().extension().is_some_and(|it| it == "json");
        if is_report && entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

fn unreadable(path: &Path) -> Error {
    Error::misuse(format!(
        "`{}` is not a report of flota build",
        path.display()
    ))
    .hint("name what flota build wrote: flota record .flota/build.json")
}

/// What is read of a document, whichever it is.
struct RunDocument {
    base: Option<ObjectId>,
    head: ObjectId,
    built: Vec<BuiltV1<'static>>,
}

#[derive(Deserialize)]
struct Schema {
    schema: String,
}

/// The builds among these documents, each with the name of its job: that of its file, or of its folder where all are called
/// `build.json`.
///
/// # Errors
/// Misuse: one cannot be read.
pub(crate) fn builds(paths: &[PathBuf]) -> Result<Vec<(String, BuildV1<'static>)>> {
    let mut builds = Vec::new();
    for path in paths {
        for file in files(path)? {
            let text = text(&file)?;
            let damaged = |err: serde_json::Error| unreadable(&file).because(err);
            let Schema { schema } = serde_json::from_slice(&text).map_err(damaged)?;
            if schema == BuildV1::SCHEMA {
                let build = serde_json::from_slice(&text).map_err(damaged)?;
                builds.push((job_name(&file), build));
            }
        }
    }
    Ok(builds)
}

fn job_name(file: &Path) -> String {
    let own = file.file_stem().filter(|name| *name != "build");
    let folder = file.parent().and_then(Path::file_name);
    let name = own.or(folder).or(file.file_stem()).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn text(path: &Path) -> Result<Vec<u8>> {
    let unreadable = || unreadable(path);
    let file = File::open(path).map_err(|err| unreadable().because(err))?;
    let mut text = Vec::new();
    file.take(SIZE_LIMIT + 1)
        .read_to_end(&mut text)
        .map_err(|err| unreadable().because(err))?;
    if text.len() as u64 > SIZE_LIMIT {
        return Err(unreadable().because(format!("it is larger than {SIZE_LIMIT} bytes")));
    }
    Ok(text)
}

impl RunDocument {
    fn read(path: &Path) -> Result<Self> {
        let unreadable = || unreadable(path);
        let text = text(path)?;
        let damaged = |err: serde_json::Error| unreadable().because(err);
        let Schema { schema } = serde_json::from_slice(&text).map_err(damaged)?;
        match schema.as_str() {
            BuildV1::SCHEMA => {
                let build: BuildV1 = serde_json::from_slice(&text).map_err(damaged)?;
                Ok(Self::of(build.base, &build.head, build.services))
            }
            PlanV1::SCHEMA => {
                let plan: PlanV1 = serde_json::from_slice(&text).map_err(damaged)?;
                Ok(Self::of(plan.base, &plan.head, Vec::new()))
            }
            other => Err(unreadable().because(format!("its schema is `{other}`"))),
        }
    }

    fn of(base: Option<BaseV1<'_>>, head: &EndV1<'_>, built: Vec<BuiltV1<'static>>) -> Self {
        Self {
            base: base.and_then(|base| base.commit).map(|Hex(id)| id),
            head: head.commit.0,
            built,
        }
    }
}
