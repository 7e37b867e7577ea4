//! One service made ready: its content in a scratch folder, its names settled, everything refused that can be refused.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use bstr::{BStr, ByteSlice};
use gix::ObjectId;

use super::{Prepared, Run, Unfit, chart, ended, image, naming::ImageNames};
use crate::{
    container::ImageRequest,
    git::{
        Objects,
        content::{CODE, CONFIG},
        export,
        gitmodules::Gitmodules,
        history,
        submodule::Store,
        tree,
    },
    model::{
        change::Action,
        error::{Error, Result},
        identity::{self, ImageInputs},
        plan::Step,
        report::{BuiltService, ImageReport, Status},
        settings::ServiceSettings,
    },
};

/// Where a service says that it comes from (OCI image specification, annotations).
const REVISION: &str = "org.opencontainers.image.revision";
const SOURCE: &str = "org.opencontainers.image.source";
const CREATED: &str = "org.opencontainers.image.created";

/// A service that can be built.
pub(super) struct Job {
    /// What to do and why.
    pub step: Step,
    /// What holds for this service.
    pub settings: ServiceSettings,
    /// Its `code/`, `config/` and `charts/`, as the commit has them.
    pub source: PathBuf,
    /// The commit it is built from.
    pub commit: ObjectId,
    /// The commit's date, in seconds since the Unix epoch.
    pub created: i64,
    /// Its image, whether it is to be built or only named by the chart.
    pub image: Option<ImageJob>,
    /// Whether there is a chart to bake.
    pub has_chart: bool,
    /// Where its children's output goes.
    pub log: PathBuf,
}

/// The image of a service.
pub(super) struct ImageJob {
    /// What it is called.
    pub names: ImageNames,
    /// What to build.
    pub request: ImageRequest,
}

impl Job {
    /// As a dry run reports it.
    pub fn planned(self) -> BuiltService {
        let image = self.image.as_ref().map(|image| {
            let references = image.names.references();
            let reference = references[0].clone();
            ImageReport {
                reference,
                references,
                digest: None,
                id: None,
            }
        });
        BuiltService {
            image,
            ..ended(self.step, Status::Planned, Duration::ZERO, None)
        }
    }
}

/// Makes one service ready.
pub(super) fn prepare(run: &Run<'_>, step: &Step) -> Prepared {
    checked(run, step).map_err(|error| {
        Box::new(Unfit {
            step: step.clone(),
            error,
        })
    })
}

fn checked(run: &Run<'_>, step: &Step) -> Result<Job> {
    let commit = step
        .commit
        .ok_or_else(|| Error::repository(format!("{} is pinned to no commit", step.path)))?;
    let settings = run.settings.for_service(&step.name.to_str_lossy());
    let source = run.products.scratch()?;
    let created = write_source(run, step, commit, &source)?;
    let log = run.products.log(&log_name(step))?;
    let image = image_job(run, step, &settings, commit, created, &source)?;
    let has_chart = step.config.is_some();
    let step = step.clone();
    let job = Job {
        step,
        settings,
        source,
        commit,
        created,
        image,
        has_chart,
        log,
    };
    if job.step.action == Action::Image {
        image::check(run, &job)?;
    }
    if job.has_chart {
        chart::check(run, &job)?;
    }
    Ok(job)
}

/// Writes the commit's content into `into`; the commit's date.
fn write_source(run: &Run<'_>, step: &Step, commit: ObjectId, into: &Path) -> Result<i64> {
    if step.path == "." {
        let repo = run.repository.to_local();
        let objects = Objects::new(&repo.objects);
        return export_commit(objects, commit, into, &|path, _, _| Err(nested(step, path)));
    }
    let repo = run.repository.to_local();
    let fleet = Objects::new(&repo.objects);
    let listed = Gitmodules::of_tree(fleet, run.repository.tree_of(run.head)?)?;
    let name = listed
        .at(step.path.as_ref())
        .map(|submodule| submodule.name.as_ref());
    let store = Store::open(run.repository, name, step.path.as_ref())?.ok_or_else(|| {
        Error::repository(format!("{} is not initialised", step.path))
            .hint(format!("git submodule update --init -- {}", step.path))
    })?;
    let root = store.tree_of(commit)?;
    let nested_listed = root
        .map(|root| Gitmodules::of_tree(store.objects(), root))
        .transpose()?;
    let nested_listed = nested_listed.unwrap_or_default();
    export_commit(store.objects(), commit, into, &|path, pin, target| {
        let name = nested_listed
            .at(path)
            .map_or(path, |submodule| submodule.name.as_ref());
        let inner = store.nested(name)?.ok_or_else(|| nested(step, path))?;
        let root = inner.tree_of(pin)?.ok_or_else(|| nested(step, path))?;
        export::export(inner.objects(), root, target, &|path, _, _| {
            Err(nested(step, path))
        })
    })
}

fn nested(step: &Step, path: &BStr) -> Error {
    Error::repository(format!(
        "{}: its own submodule {path} is not at hand",
        step.path
    ))
    .hint(format!(
        "git submodule update --init --recursive -- {}",
        step.path
    ))
}

/// Only the parts that are built are written; a service without `code/` is one whole context.
fn export_commit(
    objects: Objects<'_>,
    commit: ObjectId,
    into: &Path,
    on_gitlink: export::OnGitlink<'_>,
) -> Result<i64> {
    let root = history::tree_of(objects, commit)?
        .ok_or_else(|| Error::repository(format!("the commit {commit} is not here")))?;
    let entries = tree::entries(objects, root)?;
    let has_code = entries
        .iter()
        .any(|(name, (mode, _))| mode.is_tree() && name == CODE);
    if has_code {
        for (name, (mode, id)) in entries {
            let part = name == CODE || CONFIG.iter().any(|folder| name == *folder);
            if part && mode.is_tree() {
                let target = into.join(name.to_str_lossy().as_ref());
                std::fs::create_dir(&target).map_err(|err| {
                    Error::environment(format!("cannot write `{}`", target.display())).because(err)
                })?;
                let prefixed = |path: &BStr, pin: ObjectId, target: &Path| {
                    let full = [name.as_slice(), b"/", path.as_bytes()].concat();
                    on_gitlink(full.as_bstr(), pin, target)
                };
                export::export(objects, id, &target, &prefixed)?;
            }
        }
    } else {
        export::export(objects, root, into, on_gitlink)?;
    }
    history::committed_at(objects, commit)
}

fn image_job(
    run: &Run<'_>,
    step: &Step,
    own: &ServiceSettings,
    commit: ObjectId,
    created: i64,
    source: &Path,
) -> Result<Option<ImageJob>> {
    let Some(code) = step.code else {
        return Ok(None);
    };
    let dockerfile = own.image.dockerfile.to_string_lossy();
    let identity = identity::image_tag(&ImageInputs {
        code,
        dockerfile: &dockerfile,
        target: own.image.target.as_deref(),
        platform: &own.image.platform,
        build_args: &own.image.build_args,
    });
    let names = ImageNames::new(own, step, identity, run.options)?;
    let code_folder = source.join(CODE);
    let request = ImageRequest {
        context: if code_folder.is_dir() {
            code_folder
        } else {
            source.to_owned()
        },
        dockerfile: own.image.dockerfile.clone(),
        target: own.image.target.clone(),
        build_args: own.image.build_args.clone(),
        labels: labels(step, commit, created),
        platform: own.image.platform.clone(),
        created,
        references: names.references(),
    };
    Ok(Some(ImageJob { names, request }))
}

fn labels(step: &Step, commit: ObjectId, created: i64) -> BTreeMap<String, String> {
    let created = gix::date::Time {
        seconds: created,
        offset: 0,
    }
    .format_or_unix(gix::date::time::format::ISO8601_STRICT);
    let mut labels = BTreeMap::from([
        (REVISION.to_owned(), commit.to_string()),
        (CREATED.to_owned(), created),
    ]);
    if let Some(url) = &step.url {
        labels.insert(SOURCE.to_owned(), url.to_string());
    }
    labels
}

/// A service's path as one file name.
fn log_name(step: &Step) -> String {
    let name = if step.path == "." {
        &step.name
    } else {
        &step.path
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    name.to_str_lossy()
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .collect()
}
