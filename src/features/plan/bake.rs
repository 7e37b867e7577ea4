//! A plan's images as a file for `docker buildx bake`: the contexts are the pinned commits at the services' own servers.

use std::collections::BTreeMap;

use bstr::{BStr, ByteSlice};

use crate::{
    container::engine::{self, Builder},
    fleet::{
        image_edges::Reading,
        lineage::{BaseNames, Lineage, Refresher},
        source_url::{is_remote, source_url},
    },
    git::{content_id::CODE, repository::Repository},
    model::{
        bake::{BakeFile, BakeSecret, BakeTarget, target_names},
        change::Action,
        error::{Error, Result},
        plan::{Plan, Step},
        settings::{SecretSource, ServiceSettings, Settings},
    },
};

/// Where an image says which commit it is built from (OCI image specification, annotations).
const REVISION: &str = "org.opencontainers.image.revision";

/// The images of `plan`, each under the tag that identifies its content, so that `flota build --push` finds what bake has pushed.
///
/// # Errors
/// Repository: a service's URL leads to no server, where BuildKit could clone from; what an image is built on is not known.
/// Misuse: an image has no name, images build on each other in a circle.
pub(crate) fn bake(
    repository: &Repository,
    settings: &Settings,
    plan: &Plan,
    reading: Reading<'_>,
) -> Result<BakeFile> {
    let steps = plan.builds().filter(|step| step.action == Action::Image);
    let steps: Vec<Step> = steps.cloned().collect();
    let refresher = Refresher {
        repository,
        head: plan.head.commit,
        names: BaseNames::Left(Builder::Buildx.name()),
    };
    let lineage = Lineage::of(repository, settings, &steps, &refresher, reading)?;
    let names: Vec<_> = steps.iter().map(|step| step.name.to_str_lossy()).collect();
    let names = target_names(names.iter().map(AsRef::as_ref));
    let fleet = repository.remote_url();
    let fleet = fleet.as_ref().map(|url| url.as_ref());
    let targets = names.into_iter().zip(&steps).map(|(name, step)| {
        let own = settings.for_service(&step.name.to_str_lossy());
        let code = step
            .code
            .ok_or_else(|| Error::repository(format!("{} has no code", step.path)))?;
        let identity = lineage.image_tag(step.path.as_ref(), &own, code, &refresher)?;
        if let Some((parent, _)) = lineage.parents(step.path.as_ref())?.first() {
            return Err(Error::misuse(format!(
                "{} builds on the image of {parent}, which a file for bake cannot say yet",
                step.path
            )));
        }
        Ok((name, target(step, &own, &identity, fleet)?))
    });
    Ok(BakeFile {
        targets: targets.collect::<Result<_>>()?,
    })
}

fn target(
    step: &Step,
    own: &ServiceSettings,
    identity: &str,
    fleet: Option<&BStr>,
) -> Result<BakeTarget> {
    let commit = step
        .commit
        .ok_or_else(|| Error::repository(format!("{} has no pinned commit", step.path)))?;
    let image = &own.image;
    let repository = own.repository()?;
    let name = match &image.registry {
        Some(registry) => format!("{registry}/{repository}:{identity}"),
        None => format!("{repository}:{identity}"),
    };
    let cache = image.cache.as_ref();
    let cache = cache.map(|cache| engine::cache_reference(cache, repository));
    let by_registry = |cache: &String| format!("type=registry,ref={cache}");
    let secret = |(id, source): (&String, &SecretSource)| {
        BakeSecret::new(id, &engine::secret_at_home(source))
    };
    Ok(BakeTarget {
        context: format!("{}#{commit}:{CODE}", server(step, fleet)?),
        contexts: BTreeMap::new(),
        dockerfile: image.dockerfile.display().to_string(),
        target: image.target.clone(),
        args: image.build_args.clone(),
        labels: [(REVISION.to_owned(), commit.to_string())].into(),
        tags: vec![name],
        platforms: image.platforms.to_vec(),
        secrets: image.secrets.iter().map(secret).collect(),
        ssh: image
            .ssh
            .then(|| "default".to_owned())
            .into_iter()
            .collect(),
        cache_from: cache.iter().map(by_registry).collect(),
        cache_to: cache
            .iter()
            .map(|cache| format!("{},mode=max", by_registry(cache)))
            .collect(),
        attest: image.attached(),
        output: Vec::new(),
    })
}

/// The URL of the service's repository, as BuildKit takes it for Git's: over HTTP it wants the ending
/// (<https://docs.docker.com/build/concepts/context/#git-repositories>).
fn server(step: &Step, fleet: Option<&BStr>) -> Result<String> {
    let url = match &step.url {
        Some(url) => source_url(url.as_ref(), fleet),
        None => fleet.map(ToOwned::to_owned).unwrap_or_default(),
    };
    let text = url.to_str().ok().filter(|url| !url.contains('#'));
    let Some(text) = text.filter(|_| is_remote(url.as_ref())) else {
        return Err(Error::repository(format!(
            "{} is at no server that BuildKit could clone it from: `{url}`",
            step.path
        ))
        .hint("flota build hands over the commits itself: builder = \"buildx\" below [image] in flota.toml"));
    };
    let is_plain_http = text.starts_with("http") && !text.ends_with(".git");
    let ending = if is_plain_http { ".git" } else { "" };
    Ok(format!("{}{ending}", text.trim_end_matches('/')))
}
