//! Charts packaged without Helm: a chart's directory becomes the archive that `helm package` would make of it.
//!
//! [`prepare`] finds and checks the chart, writes the versions into `Chart.yaml`, fills the tokens and sets the image in
//! `values.yaml`, all in memory; it is also the check that comes before anything is done. [`package`] then packs and writes
//! it. The same request gives the same bytes on every machine, whatever commit they are from.

mod archive;
mod files;
mod find;
mod helm;
mod ignore;
mod metadata;
mod place;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod request;
mod tokens;
mod values;
mod yaml;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use find::find;
pub use request::{ChartRequest, ImageCoordinates};
pub use tokens::{check_name as check_token_name, parse_argument as parse_token};

use self::{
    files::Files,
    metadata::Metadata,
    place::ChartPlace,
    request::{CHART_FILE, VALUES_FILE},
    tokens::Tokens,
};
use crate::model::{
    digest,
    error::{Error, Result},
    identity::chart_id,
    settings::{ChartSettings, VersionField},
};

/// The longest file name that file systems take, in bytes.
const FILE_NAME_LIMIT: usize = 255;

/// Stands for an identity that is not known yet.
const NO_IDENTITY: &str = "xxxxxxxxxxxx";

/// A chart that is ready to be packed: everything that could be refused has been looked at.
#[derive(Clone, Debug)]
pub struct PreparedChart {
    /// The chart's name, from `Chart.yaml`.
    pub name: String,
    /// The version it gets.
    pub version: String,
    files: Files,
}

/// A packaged chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackagedChart {
    /// The chart's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The package, `NAME-VERSION.tgz`.
    pub file: PathBuf,
    /// `sha256:…` of the package.
    pub digest: String,
}

/// The chart's identity: a hash of what would be packed, with [`NO_IDENTITY`] where its own identity goes. Whatever shows in the
/// package counts (files, image, filled tokens, those that are left), and nothing else does.
///
/// # Errors
/// Those of [`prepare`].
pub fn identity(request: &ChartRequest) -> Result<String> {
    let mut unnamed = request.clone();
    unnamed.id = NO_IDENTITY.into();
    let files = prepare(&unnamed)?.files;
    let contents = files.iter().map(|(name, content)| (&**name, &**content));
    Ok(chart_id(&request.version.to_string(), contents))
}

/// Packages a chart into `out_dir`, which is created if it does not exist.
///
/// # Errors
/// Those of [`prepare`]; a folder that cannot be written.
pub fn package(request: &ChartRequest, out_dir: &Path) -> Result<PackagedChart> {
    prepare(request)?.write(out_dir)
}

/// Does all of it but the writing.
///
/// # Errors
/// Work: no chart or an ambiguous one ([`find()`]), a chart that Helm would not take or that cannot be edited safely, with
/// file, line and column. Misuse: tokens without a value, all of them, and a version that is no SemVer 2.
pub fn prepare(request: &ChartRequest) -> Result<PreparedChart> {
    let folder = find(&request.source, &request.service)?;
    let place = ChartPlace::new(request, &folder);
    let mut files = files::read(&folder, &find::roots(&request.source))
        .map_err(|refusal| place.refused(refusal))?;

    let chart_text = place.text(&mut files, CHART_FILE)?.ok_or_else(|| {
        let what = "is excluded by .helmignore, and Helm accepts no chart without it";
        place.refused(files::FileRefusal::File(CHART_FILE.into(), what))
    })?;
    let metadata = Metadata::read(&chart_text).map_err(|fault| place.fault(CHART_FILE, &fault))?;
    let version = version(request, &metadata, &place)?;
    let chart_text = metadata
        .write(&version, request.app_version.as_deref())
        .map_err(|fault| place.fault(CHART_FILE, &fault))?;
    files.insert(CHART_FILE.into(), chart_text.into_bytes());

    let values_text = place.text(&mut files, VALUES_FILE)?.unwrap_or_default();
    let tokens = Tokens::new(request, &version)?;
    let values_text = values::fill(&values_text, request.image.as_ref(), &tokens).map_err(
        |refusal| match refusal {
            values::ValuesRefusal::Yaml(fault) => place.fault(VALUES_FILE, &fault),
            values::ValuesRefusal::Unfilled(tokens) => place.unfilled(&tokens),
        },
    )?;
    files.insert(VALUES_FILE.into(), values_text.into_bytes());

    let missing = helm::missing(&files).map_err(|refusal| place.refused(refusal))?;
    if !missing.is_empty() {
        return Err(place.without(&missing));
    }
    files.retain(|name, _| !helm::leaves_out(name));
    Ok(PreparedChart {
        name: metadata.name,
        version,
        files,
    })
}

impl PreparedChart {
    /// The name that Helm gives a package.
    pub fn file_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }

    /// Packs the chart and writes it into `out_dir`, which is created if it does not exist.
    ///
    /// # Errors
    /// Unavailable: a folder that cannot be written.
    pub fn write(self, out_dir: &Path) -> Result<PackagedChart> {
        let file_name = self.file_name();
        let file = out_dir.join(&file_name);
        let cannot = |error| crate::files::cannot("write", &file, error);
        let bytes = archive::write(&self.name, &self.files).map_err(cannot)?;
        fs::create_dir_all(out_dir).map_err(cannot)?;
        crate::files::write(&file, &bytes).map_err(cannot)?;
        Ok(PackagedChart {
            name: self.name,
            version: self.version,
            file,
            digest: digest::oci_digest(&bytes),
        })
    }
}

/// Fills the placeholders of the version and checks what came out; one that is unknown stays, and is no SemVer.
fn version(
    request: &ChartRequest,
    metadata: &Metadata<'_>,
    place: &ChartPlace<'_>,
) -> Result<String> {
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
            "the chart version `{}` comes out as `{version}`, which is not SemVer 2",
            request.version
        ))
        .because(error)
    })?;
    if metadata.name.len() + version.len() + "-.tgz".len() > FILE_NAME_LIMIT {
        return Err(misuse(format!(
            "the chart version is too long for a file name: `{version}`"
        )));
    }
    Ok(version)
}
