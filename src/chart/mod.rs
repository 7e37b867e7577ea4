//! The chart bake: a Helm chart's folder becomes a packaged chart, without Helm.
//!
//! [`prepare`] finds and checks the chart, writes the versions into `Chart.yaml`, fills the tokens and sets the image in
//! `values.yaml`, all in memory; it is also the check that comes before anything is done. [`bake`] then packs and writes
//! it. The same request gives the same bytes on every machine.

mod dependencies;
mod files;
mod find;
mod ignore;
mod metadata;
mod package;
mod place;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod tokens;
mod values;
mod yaml;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use find::find;
pub use tokens::{check_name as check_token_name, parse_argument as parse_token};

use self::{files::Files, metadata::Metadata, place::Place, tokens::Tokens};
use crate::model::{
    error::{Error, Result},
    settings::{ChartSettings, TokenValue, VersionField, VersionTemplate},
};

const CHART_FILE: &str = "Chart.yaml";
const VALUES_FILE: &str = "values.yaml";
/// The largest YAML file that is edited, in bytes: what Kubernetes holds of a whole release.
const YAML_LIMIT: usize = 1 << 20;
/// The longest file name that file systems take, in bytes.
const FILE_NAME_LIMIT: usize = 255;

/// One chart to bake.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartRequest {
    /// The service's name: for messages, to choose among several charts, and for the token `SERVICENAME`.
    pub service: String,
    /// A folder with the service's `config/` and `charts/` as the commit has them.
    pub source: PathBuf,
    /// The version to give (`[chart] version`).
    pub version: VersionTemplate,
    /// The chart's identity (12 hexadecimal digits).
    pub id: String,
    /// The service's commit (12 hexadecimal digits), also the token `COMMIT`.
    pub commit: String,
    /// The `appVersion`: the image's identity tag.
    pub app_version: Option<String>,
    /// The image that the chart runs; a service without code leaves its chart's own in place.
    pub image: Option<ImageCoordinates>,
    /// Values of the tokens in `values.yaml`, by name; they win over those that this request implies.
    pub tokens: BTreeMap<String, TokenValue>,
    /// The commit's date in seconds since the Unix epoch: the time of every file in the package.
    pub created: i64,
}

/// Where an image is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageCoordinates {
    /// The registry with its port (`ghcr.io`, `localhost:5000`); none leaves it to the engine, which takes Docker Hub.
    pub registry: Option<String>,
    /// The repository without the registry (`team/color`).
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// The manifest's digest (`sha256:…`), where it is known.
    pub digest: Option<String>,
}

impl ImageCoordinates {
    /// `registry/repository`.
    fn name(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.clone(),
        }
    }

    /// Registry and repository for a chart that joins the two with a `/`. Without a registry these are the names that
    /// container engines make of a short one: `docker.io`, and `library/` before a repository of one part.
    fn split_name(&self) -> (String, String) {
        match &self.registry {
            Some(registry) => (registry.clone(), self.repository.clone()),
            None if self.repository.contains('/') => ("docker.io".into(), self.repository.clone()),
            None => ("docker.io".into(), format!("library/{}", self.repository)),
        }
    }

    /// `registry/repository:tag@digest`.
    fn reference(&self) -> String {
        let digest = self.digest.iter().map(|digest| format!("@{digest}"));
        format!("{}:{}{}", self.name(), self.tag, digest.collect::<String>())
    }
}

/// A chart that is ready to be packed: everything that could be refused has been looked at.
#[derive(Clone, Debug)]
pub struct PreparedChart {
    /// The chart's name, from `Chart.yaml`.
    pub name: String,
    /// The version it gets.
    pub version: String,
    files: Files,
    created: i64,
}

/// A packaged chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BakedChart {
    /// The chart's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The package, `NAME-VERSION.tgz`.
    pub file: PathBuf,
    /// `sha256:…` of the package.
    pub digest: String,
}

/// Bakes a chart into `out_dir`, which is made if it does not exist.
///
/// # Errors
/// Those of [`prepare`]; a folder that cannot be written.
pub fn bake(request: &ChartRequest, out_dir: &Path) -> Result<BakedChart> {
    prepare(request)?.write(out_dir)
}

/// Does all of a bake but the writing.
///
/// # Errors
/// Work: no chart or an ambiguous one ([`find()`]), a chart that Helm would not take or that cannot be edited safely, with
/// file, line and column. Misuse: tokens without a value, all of them, and a version that is no SemVer 2.
pub fn prepare(request: &ChartRequest) -> Result<PreparedChart> {
    let folder = find(&request.source, &request.service)?;
    let place = Place::new(request, &folder);
    let mut files = files::read(&folder).map_err(|refusal| place.refused(refusal))?;

    let chart_text = place.text(&mut files, CHART_FILE)?.ok_or_else(|| {
        let what = "is left out by .helmignore, and Helm takes no chart without it";
        place.refused(files::Refusal::File(CHART_FILE.into(), what))
    })?;
    let metadata = Metadata::read(&chart_text).map_err(|fault| place.fault(CHART_FILE, &fault))?;
    let version = version(request, &metadata, &place)?;
    let missing = dependencies::missing(&files, &metadata);
    if !missing.is_empty() {
        return Err(place.without(&missing));
    }
    let baked = metadata
        .write(&version, request.app_version.as_deref())
        .map_err(|fault| place.fault(CHART_FILE, &fault))?;
    files.insert(CHART_FILE.into(), baked.into_bytes());

    let values_text = place.text(&mut files, VALUES_FILE)?.unwrap_or_default();
    let tokens = Tokens::new(request, &version)?;
    let baked =
        values::bake(&values_text, request.image.as_ref(), &tokens).map_err(
            |refusal| match refusal {
                values::Refusal::Fault(fault) => place.fault(VALUES_FILE, &fault),
                values::Refusal::Unfilled(tokens) => place.unfilled(&tokens),
            },
        )?;
    files.insert(VALUES_FILE.into(), baked.into_bytes());

    Ok(PreparedChart {
        name: metadata.name,
        version,
        files,
        created: request.created,
    })
}

impl PreparedChart {
    /// The name that Helm gives a package.
    pub fn file_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }

    /// Packs the chart and writes it into `out_dir`, which is made if it does not exist.
    ///
    /// # Errors
    /// Unavailable: a folder that cannot be written.
    pub fn write(self, out_dir: &Path) -> Result<BakedChart> {
        let file_name = self.file_name();
        let cannot = |error| {
            Error::unavailable(format!(
                "cannot write {}",
                out_dir.join(&file_name).display()
            ))
            .because(error)
        };
        let bytes = package::archive(&self.name, &self.files, self.created).map_err(cannot)?;
        let file = package::write(out_dir, &file_name, &bytes).map_err(cannot)?;
        Ok(BakedChart {
            name: self.name,
            version: self.version,
            file,
            digest: package::digest(&bytes),
        })
    }
}

/// Fills the placeholders of the version and checks what came out; one that is unknown stays, and is no SemVer.
fn version(request: &ChartRequest, metadata: &Metadata<'_>, place: &Place<'_>) -> Result<String> {
    let hint = format!(
        "flota.toml: [chart] version = \"{}\"",
        ChartSettings::default().version
    );
    let misuse = |what: String| Error::misuse(format!("{}: {what}", place.service)).hint(&hint);
    let own = metadata.version.as_deref();
    if own.is_none() && request.version.to_string().contains("{version}") {
        let file = place.file(CHART_FILE);
        let missing = format!("{}: {file} has no version for {{version}}", place.service);
        return Err(Error::work(missing).hint(format!("{file}: version: 0.1.0")));
    }
    let version = request.version.render(|field| match field {
        VersionField::Version => own.unwrap_or_default(),
        VersionField::Id => &request.id,
        VersionField::Commit => &request.commit,
    });
    semver::Version::parse(&version).map_err(|error| {
        misuse(format!(
            "the chart version `{}` comes out as `{version}`, which is no SemVer 2",
            request.version
        ))
        .because(error)
    })?;
    if metadata.name.len() + version.len() + "-.tgz".len() > FILE_NAME_LIMIT {
        return Err(misuse(format!(
            "the chart version comes out too long for a file name: `{version}`"
        )));
    }
    Ok(version)
}
