//! Prepares one service: writes its content into a scratch directory, decides its names, and makes every check.

use std::{collections::BTreeMap, fs, path::Path, sync::Mutex};

use bstr::{BStr, ByteSlice};
use gix::ObjectId;

use super::{
    chart, image,
    job::{ImageJob, ImageOrigin, Job, Prepared, Run, Unfit},
    naming::ImageNames,
    parents,
};
use crate::{
    container::{ImageRequest, Mounts},
    files,
    fleet::source_url::source_url,
    git::{
        Objects,
        content_id::{CODE, CONFIG},
        export,
        filter::{Committed, Unfiltered},
        gitmodules::Gitmodules,
        history,
        submodule::Store,
        tree,
    },
    model::{
        change::Action,
        error::{Error, Result},
        event::Event,
        plan::Step,
        settings::ServiceSettings,
    },
};

/// Where a service says that it comes from (OCI image specification, annotations).
const REVISION: &str = "org.opencontainers.image.revision";
const SOURCE: &str = "org.opencontainers.image.source";
const CREATED: &str = "org.opencontainers.image.created";

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
        .ok_or_else(|| Error::repository(format!("{} has no pinned commit", step.path)))?;
    let settings = run.settings.for_service(&step.name.to_str_lossy());
    let named = step
        .code
        .map(|code| named_image(run, step, &settings, code))
        .transpose()?;
    let needs_code =
        step.action == Action::Image && matches!(&named, Some((_, ImageOrigin::Unknown)));
    let source = run.products.scratch()?;
    let created = write_source(run, step, commit, needs_code, &source)?;
    let parents = match needs_code {
        true => parents::of(run, step)?,
        false => Vec::new(),
    };
    let image = named.map(|(names, mut origin)| {
        if needs_code {
            let labels = labels(run, step, commit, created);
            origin = ImageOrigin::Request(request(&settings, &names, labels, created, &source));
        }
        ImageJob {
            names,
            origin,
            parents,
        }
    });
    let mut job = Job {
        step: step.clone(),
        settings,
        source,
        commit,
        image,
        has_chart: step.config.is_some(),
        chart_digest: None,
        log: run.products.log(&log_name(step)),
        phases: Mutex::default(),
    };
    image::check(run, &job)?;
    if job.has_chart {
        job.chart_digest = chart::check(run, &job).map_err(|error| in_the_commit(error, &job))?;
    }
    Ok(job)
}

/// Who mends a file only in the worktree builds the old one again.
fn in_the_commit(error: Error, job: &Job) -> Error {
    if !error.hints().is_empty() {
        return error;
    }
    let commit = job.commit.to_hex_with_len(7);
    error.hint(format!(
        "this is the content of the commit {commit}: fix it in {}, commit there, and commit the new pin",
        job.step.path
    ))
}

/// The image's names, and whether it is there already.
fn named_image(
    run: &Run<'_>,
    step: &Step,
    own: &ServiceSettings,
    code: ObjectId,
) -> Result<(ImageNames, ImageOrigin)> {
    let identity = run
        .lineage
        .image_tag(step.path.as_ref(), own, code, &run.refresher())?;
    let names = ImageNames::new(own, step, identity, run.options)?;
    let found = image::look_up(run, step.action, &names)?;
    Ok((
        names,
        found.map_or(ImageOrigin::Unknown, ImageOrigin::Found),
    ))
}

/// Writes what the build needs of the commit's content into `into`; the commit's date.
fn write_source(
    run: &Run<'_>,
    step: &Step,
    commit: ObjectId,
    needs_code: bool,
    into: &Path,
) -> Result<i64> {
    if step.path == "." {
        let objects = run.repository.objects();
        let objects = Objects::new(&objects);
        let created = export_commit(objects, commit, needs_code, into, &|path, _, _| {
            Err(nested(step, path))
        })?;
        let root = objects.tree_of(commit)?;
        filter(run, step, objects, run.repository.common_dir(), root, into)?;
        return Ok(created);
    }
    let objects = run.repository.objects();
    let fleet = Objects::new(&objects);
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
    let created = export_commit(
        store.objects(),
        commit,
        needs_code,
        into,
        &|path, pin, target| {
            let name = nested_listed
                .at(path)
                .map_or(path, |submodule| submodule.name.as_ref());
            let inner = store.nested(name)?.ok_or_else(|| nested(step, path))?;
            let root = inner.tree_of(pin)?.ok_or_else(|| nested(step, path))?;
            let objects = inner.objects();
            export::export(objects, root, target, &|path, _, _| Err(nested(step, path)))?;
            filter(run, step, objects, inner.git_dir(), Some(root), target)
        },
    )?;
    filter(run, step, store.objects(), store.git_dir(), root, into)?;
    Ok(created)
}

/// Puts in place of the files in `folder` what Git's filters make of them, and says which filters nobody knows.
fn filter(
    run: &Run<'_>,
    step: &Step,
    objects: Objects<'_>,
    git_dir: &Path,
    root: Option<ObjectId>,
    folder: &Path,
) -> Result<()> {
    let Some(root) = root else { return Ok(()) };
    let committed = Committed {
        objects,
        git_dir,
        root,
        folder,
        scratch: run.products.scratch_root(),
    };
    for Unfiltered { path, filter } in committed.filter()? {
        (run.events)(Event::Notice(format!(
            "{}: `{path}` is built as it is committed: the git configuration does not define its filter `{filter}`",
            step.name
        )));
    }
    Ok(())
}

fn nested(step: &Step, path: &BStr) -> Error {
    Error::repository(format!(
        "{}: its own submodule {path} is not available",
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
    needs_code: bool,
    into: &Path,
    on_gitlink: export::OnGitlink<'_>,
) -> Result<i64> {
    let root = objects
        .tree_of(commit)?
        .ok_or_else(|| Error::repository(format!("the commit {commit} was not found")))?;
    let entries = tree::entries(objects, root)?;
    let has_code = entries
        .iter()
        .any(|(name, (mode, _))| mode.is_tree() && name == CODE);
    if has_code || !needs_code {
        for (name, (mode, id)) in entries {
            let part = (name == CODE && needs_code) || CONFIG.iter().any(|folder| name == *folder);
            if part && mode.is_tree() {
                let target = into.join(name.to_str_lossy().as_ref());
                fs::create_dir(&target).map_err(|err| files::cannot("write", &target, err))?;
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

fn request(
    own: &ServiceSettings,
    names: &ImageNames,
    labels: BTreeMap<String, String>,
    created: i64,
    source: &Path,
) -> ImageRequest {
    let code_folder = source.join(CODE);
    ImageRequest {
        context: if code_folder.is_dir() {
            code_folder
        } else {
            source.to_owned()
        },
        dockerfile: own.image.dockerfile.clone(),
        dockerfile_in_use: None,
        target: own.image.target.clone(),
        build_args: own.image.build_args.clone(),
        labels,
        platforms: own.image.platforms.to_vec(),
        mounts: Mounts {
            secrets: own.image.secrets.clone(),
            ssh: own.image.ssh,
        },
        created,
        references: names.references(),
    }
}

fn labels(run: &Run<'_>, step: &Step, commit: ObjectId, created: i64) -> BTreeMap<String, String> {
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
        let fleet = run.repository.remote_url();
        let source = source_url(url.as_ref(), fleet.as_ref().map(|url| url.as_ref()));
        labels.insert(SOURCE.to_owned(), source.to_string());
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

/// Two services under one name would overwrite each other's tags.
pub(super) fn refuse_shared_repositories(prepared: &[Prepared]) -> Result<()> {
    let mut owners = BTreeMap::new();
    for job in prepared.iter().flatten() {
        let Some(image) = &job.image else { continue };
        let path = &job.step.path;
        if let Some(other) = owners.insert(image.names.name(), path) {
            return Err(Error::misuse(format!(
                "{other} and {path} would both push to `{}`",
                image.names.name()
            ))
            .hint(format!(
                "name one of them in flota.toml: [service.{:?}.image] repository = \"…\"",
                job.step.name.to_string()
            )));
        }
    }
    Ok(())
}
