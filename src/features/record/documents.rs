//! The reports of builds, read back: `build.json` of one run or of a matrix's legs, and the plan they followed.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use base64::Engine as _;
use bstr::BString;
use gix::ObjectId;
use serde::Deserialize;
use walkdir::WalkDir;

use crate::model::{
    change::Action,
    error::{Error, Result},
};

/// Ten thousand services take some 10 MB.
const SIZE_LIMIT: u64 = 256 << 20;

/// What several documents say together.
#[derive(Debug, Default)]
pub struct Documents {
    /// The fleet's commit that all of them are about; none without a document.
    pub head: Option<ObjectId>,
    /// What it was compared with, where one of them says so.
    pub base: Option<ObjectId>,
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
    /// Misuse: one cannot be read, is none of the two, or is about another commit than the first.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut all = Self::default();
        for path in paths {
            for file in files(path)? {
                let document = Document::read(&file)?;
                all.add(&file, document)?;
            }
        }
        Ok(all)
    }

    /// Whether a report says that the service at `path` was built at `commit`, as far as `action` calls for it.
    pub fn is_built(&self, path: &BString, commit: Option<ObjectId>, action: Action) -> bool {
        let built = self.built.get(path).into_iter().flatten();
        let mut built = built.filter(|built| Some(built.commit) == commit);
        built.any(|built| built.action >= action)
    }

    fn add(&mut self, path: &Path, document: Document) -> Result<()> {
        let unfit = |why: String| Error::misuse(format!("`{}` {why}", path.display()));
        let id = |hex: &str| {
            ObjectId::from_hex(hex.as_bytes())
                .map_err(|err| unfit(format!("names no commit: `{hex}`")).because(err))
        };
        let head = id(document.head.commit.as_deref().unwrap_or_default())?;
        if let Some(first) = self.head.replace(head)
            && first != head
        {
            return Err(
                unfit(format!("is about {head}, and another report about {first}"))
                    .hint("give the reports of one run"),
            );
        }
        if let Some(base) = document.base.and_then(|base| base.commit) {
            let base = id(&base)?;
            self.base.get_or_insert(base);
        }
        for service in document.services {
            let is_built = ["built", "reused"].contains(&service.status.as_str());
            let (Some(action), Some(commit), true) = (service.action(), &service.commit, is_built)
            else {
                continue;
            };
            let commit = id(commit)?;
            let path = service
                .bytes()
                .ok_or_else(|| unfit("has a path that is no base64".into()))?;
            self.built
                .entry(path)
                .or_default()
                .push(Built { commit, action });
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
    Error::misuse(format!("`{}` is no report of flota's", path.display()))
        .hint("name what flota build wrote: flota record .flota/build.json")
}

#[derive(Deserialize)]
struct Document {
    schema: String,
    base: Option<End>,
    head: End,
    #[serde(default)]
    services: Vec<Service>,
}

#[derive(Deserialize)]
struct End {
    commit: Option<String>,
}

#[derive(Deserialize)]
struct Service {
    path: String,
    path_b64: Option<String>,
    status: String,
    action: String,
    commit: Option<String>,
}

impl Service {
    fn action(&self) -> Option<Action> {
        match self.action.as_str() {
            "image" => Some(Action::Image),
            "chart" => Some(Action::Chart),
            _ => None,
        }
    }

    fn bytes(&self) -> Option<BString> {
        let Some(encoded) = &self.path_b64 else {
            return Some(self.path.as_str().into());
        };
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded);
        bytes.ok().map(BString::from)
    }
}

impl Document {
    fn read(path: &Path) -> Result<Self> {
        let unreadable = || unreadable(path);
        let file = File::open(path).map_err(|err| unreadable().because(err))?;
        let mut text = Vec::new();
        file.take(SIZE_LIMIT + 1)
            .read_to_end(&mut text)
            .map_err(|err| unreadable().because(err))?;
        if text.len() as u64 > SIZE_LIMIT {
            return Err(unreadable().because(format!("it is larger than {SIZE_LIMIT} bytes")));
        }
        let document: Self =
            serde_json::from_slice(&text).map_err(|err| unreadable().because(err))?;
        match document.schema.as_str() {
            "flota.build/v1" | "flota.plan/v1" => Ok(document),
            other => Err(unreadable().because(format!("its schema is `{other}`"))),
        }
    }
}
