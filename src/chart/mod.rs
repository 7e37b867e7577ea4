//! Charts packaged without Helm: a chart's directory becomes the archive that `helm package` would make of it.
//!
//! [`prepare`] finds and checks the chart, writes the versions into `Chart.yaml`, fills the tokens and sets the image in
//! `values.yaml`, all in memory; it is also the check that comes before anything is done. [`package`] then packs and writes
//! it. The same request gives the same bytes on every machine, whatever commit they are from.

mod archive;
mod check;
mod coordinates;
mod files;
mod find;
mod helm;
mod ignore;
mod image_path;
mod inside;
mod look;
mod merges;
mod metadata;
mod place;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod reads;
mod render;
mod request;
mod schema;
mod set_image;
mod tokens;
mod unshare;
mod values;
mod version;
mod yaml;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use find::find;
pub use render::{has_helm, write_manifests};
pub use request::{ChartRequest, ImageCoordinates};
pub use tokens::{check_name as check_token_name, parse_argument as parse_token};

use self::{
    check::Written,
    files::Files,
    look::Look,
    metadata::Metadata,
    place::ChartPlace,
    request::{CHART_FILE, VALUES_FILE},
    tokens::Tokens,
};
use crate::model::{
    digest,
    error::{Error, Result},
    identity::chart_id,
    report::ChartCheck,
    settings::ChartSettings,
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
    written: Written,
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
    let left_out = find::values_of(&request.source, &request.environments);
    let mut files = files::read(&folder, &find::roots(&request.source), &left_out)
        .map_err(|refusal| place.refused(refusal))?;

    let own_chart = place.text(&mut files, CHART_FILE)?.ok_or_else(|| {
        let what = "is excluded by .helmignore, and Helm accepts no chart without it";
        place.refused(files::FileRefusal::File(CHART_FILE.into(), what))
    })?;
    let metadata = Metadata::read(&own_chart).map_err(|fault| place.fault(CHART_FILE, &fault))?;
    let version = version(request, &metadata, &place)?;
    let chart_text = metadata
        .write(&version, request.app_version.as_deref())
        .map_err(|fault| place.fault(CHART_FILE, &fault))?;
    files.insert(CHART_FILE.into(), chart_text.into_bytes());

    let own_values = place.text(&mut files, VALUES_FILE)?.unwrap_or_default();
    let tokens = Tokens::new(request, &version)?;
    let refused = |refusal| match refusal {
        values::ValuesRefusal::Yaml(fault) => place.fault(VALUES_FILE, &fault),
        values::ValuesRefusal::Unfilled(tokens) => place.unfilled(&tokens),
    };
    let looked = request.image.as_ref().map(|image| {
        let names = [
            request.service.rsplit('/').next().unwrap_or_default(),
            &metadata.name,
        ];
        let path = request.image_path.as_ref();
        Look::at(&files, &own_chart, &own_values, path, &names, image)
    });
    let place_of_image = looked.as_ref().and_then(Look::place);
    let filled = values::fill(&own_values, place_of_image, &tokens).map_err(refused)?;
    // What the chart was before: its tokens filled, if they all have values, and nothing else.
    let plain_values = values::fill(&own_values, None, &tokens).map(|filled| filled.text);
    let written = Written {
        image: request.image.clone(),
        app_version: request.app_version.clone(),
        place: looked.map(Look::into_found),
        by_tokens: filled.by_tokens,
        unshared: filled
            .unshared
            .iter()
            .map(|line| format!("{}:{line}", place.file(VALUES_FILE)))
            .collect(),
        own_version: metadata.version.clone(),
        before: [
            (CHART_FILE.into(), own_chart.as_bytes().to_vec()),
            (
                VALUES_FILE.into(),
                plain_values.unwrap_or(own_values).into_bytes(),
            ),
        ],
    };
    files.insert(VALUES_FILE.into(), filled.text.into_bytes());

    let missing = helm::missing(&files).map_err(|refusal| place.refused(refusal))?;
    if !missing.is_empty() {
        return Err(place.without(&missing));
    }
    files.retain(|name, _| !helm::leaves_out(name));
    Ok(PreparedChart {
        name: metadata.name,
        version,
        files,
        written,
    })
}

impl PreparedChart {
    /// The name that Helm gives a package.
    pub fn file_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }

    /// Looks at the finished chart: whether its image stands in what Helm makes of it, where there is Helm, and what else the
    /// edits broke. `package` is the chart as [`PreparedChart::write`] wrote it; `values` are a file's, over the chart's own; `scratch`
    /// is a folder for what this needs.
    ///
    /// # Errors
    /// Unavailable: a folder that cannot be written.
    pub fn check(
        &self,
        package: &Path,
        values: Option<&Path>,
        scratch: &Path,
    ) -> Result<ChartCheck> {
        let before = || {
            let mut files = self.files.clone();
            files.extend(self.written.before.clone());
            let file = scratch.join("before.tgz");
            let cannot = |error| crate::files::cannot("write", &file, error);
            let bytes = archive::write(&self.name, &files).map_err(cannot)?;
            crate::files::write(&file, &bytes).map_err(cannot)?;
            Ok(render::render(&file, values, scratch))
        };
        let after = (self.written.image.is_some() && has_helm())
            .then(|| render::render(package, values, scratch));
        self.written
            .check(&self.files, &self.version, after, before)
    }

    /// Packs the chart and writes it into `out_dir`, which is created if it does not exist.
    ///
    /// # Errors
    /// Unavailable: a folder that cannot be written.
    pub fn write(&self, out_dir: &Path) -> Result<PackagedChart> {
        let file_name = self.file_name();
        let file = out_dir.join(&file_name);
        let cannot = |error| crate::files::cannot("write", &file, error);
        let bytes = archive::write(&self.name, &self.files).map_err(cannot)?;
        fs::create_dir_all(out_dir).map_err(cannot)?;
        crate::files::write(&file, &bytes).map_err(cannot)?;
        Ok(PackagedChart {
            name: self.name.clone(),
            version: self.version.clone(),
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
    let version = version::render(&request.version, own, &request.id, &request.commit);
    let version = version.map_err(|(version, error)| {
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
