//! What gates judge, in the forms that their programs take. Each is made when the first program asks for it.

use std::{
    cell::OnceCell,
    fs,
    path::{Path, PathBuf},
};

use super::super::{
    chart::check::check_values,
    job::{FoundImage, Job, Run},
    naming::ImageNames,
};
use crate::{
    chart::{self, PackagedChart},
    container::{
        engine::{Builder, Engine},
        single,
    },
    files,
    model::{
        error::{Error, Result},
        reference::Reference,
        settings::{GateField, GateSubject},
    },
};

/// What is judged.
#[derive(Clone, Copy)]
pub(in super::super) enum Judged<'a> {
    /// An image, and where it is.
    Image(&'a ImageNames, &'a FoundImage),
    /// A packaged chart.
    Chart(&'a PackagedChart),
}

impl Judged<'_> {
    pub(super) fn subject(self) -> GateSubject {
        match self {
            Self::Image(..) => GateSubject::Image,
            Self::Chart(_) => GateSubject::Chart,
        }
    }
}

/// What is judged, and its forms.
pub(super) struct Content<'a> {
    run: &'a Run<'a>,
    job: &'a Job,
    judged: Judged<'a>,
    /// For files that go away with the run.
    pub(super) folder: PathBuf,
    engine_name: OnceCell<String>,
    layout: OnceCell<PathBuf>,
    archives: OnceCell<Vec<PathBuf>>,
    manifests: OnceCell<PathBuf>,
}

impl<'a> Content<'a> {
    pub(super) fn new(run: &'a Run<'a>, job: &'a Job, judged: Judged<'a>) -> Result<Self> {
        Ok(Self {
            run,
            job,
            judged,
            folder: run.products.scratch()?,
            engine_name: OnceCell::new(),
            layout: OnceCell::new(),
            archives: OnceCell::new(),
            manifests: OnceCell::new(),
        })
    }

    /// Its digest and its id, as far as they are known.
    pub(super) fn names(&self) -> [Option<&str>; 2] {
        match self.judged {
            Judged::Chart(package) => [Some(&package.digest), None],
            Judged::Image(_, FoundImage::InRegistry(digest)) => [Some(digest), None],
            Judged::Image(_, FoundImage::InStore(built)) => {
                let id = Some(built.id.as_str()).filter(|id| !id.is_empty());
                [built.digest.as_deref(), id]
            }
        }
    }

    /// What people call it.
    pub(super) fn shown(&self) -> String {
        match self.judged {
            Judged::Image(names, _) => format!("the image {}", names.identity_reference()),
            Judged::Chart(package) => format!("the chart {}-{}", package.name, package.version),
        }
    }

    /// The archives of an image: one for each platform.
    pub(super) fn archives(&self) -> Result<&[PathBuf]> {
        once(&self.archives, || {
            if let (Some(engine), Judged::Image(names, found)) = (self.engine(), self.judged) {
                let file = self.folder.join("image.tar");
                let name = self.name_in(engine, names, found)?;
                engine.save(name, &file, self.job.settings.image.timeout)?;
                return Ok(vec![file]);
            }
            let name = self.image_names()?.identity_reference();
            let layout = self.layout()?;
            let images = single::platforms(layout)?;
            let archive = |(number, image)| {
                let file = self.folder.join(format!("image-{number}.tar"));
                single::archive(layout, image, &name, &file)?;
                Ok(file)
            };
            images.iter().enumerate().map(archive).collect()
        })
        .map(Vec::as_slice)
    }

    /// What a placeholder stands for, but for those that belong to one call of a program.
    pub(super) fn form(&self, field: GateField) -> Result<String> {
        match (field, self.judged) {
            (GateField::Image, Judged::Image(names, found)) => match self.engine() {
                Some(engine) => self.name_in(engine, names, found).map(str::to_owned),
                None => text(self.layout()?),
            },
            (GateField::Layout, _) => text(self.layout()?),
            (GateField::Chart, Judged::Chart(package)) => text(&package.file),
            (GateField::Manifests, Judged::Chart(package)) => text(self.manifests(package)?),
            (GateField::Service, _) => Ok(self.job.step.name.to_string()),
            // The configuration gives a gate what it judges, and nothing else.
            _ => Err(Error::misuse("the gate is given what it does not judge")),
        }
    }

    /// The program in whose store the image is. What the others build is in a registry or in an image layout.
    fn engine(&self) -> Option<Engine> {
        match self.run.builder {
            Some(Builder::Engine(engine)) => Some(engine),
            Some(Builder::Embedded | Builder::Buildx) | None => None,
        }
    }

    fn image_names(&self) -> Result<&'a ImageNames> {
        match self.judged {
            Judged::Image(names, _) => Ok(names),
            Judged::Chart(_) => Err(Error::misuse("a chart is no image")),
        }
    }

    /// What the engine knows the image by. One that is only in its registry is brought here.
    fn name_in(&self, engine: Engine, names: &ImageNames, found: &FoundImage) -> Result<&str> {
        let name = once(&self.engine_name, || match found {
            FoundImage::InStore(_) => Ok(names.identity_reference()),
            FoundImage::InRegistry(digest) => {
                let name = format!("{}@{digest}", names.name());
                engine.pull(&name, self.job.settings.image.timeout)?;
                Ok(name)
            }
        });
        name.map(String::as_str)
    }

    /// An image layout with this image alone.
    fn layout(&self) -> Result<&Path> {
        let layout = once(&self.layout, || {
            let Judged::Image(names, found) = self.judged else {
                return Err(Error::misuse("a chart has no image layout"));
            };
            let folder = self.folder.join("layout");
            let name = names.identity_reference();
            match (self.engine(), found) {
                (Some(engine), _) => {
                    let name = self.name_in(engine, names, found)?;
                    engine.save_layout(name, &folder, self.job.settings.image.timeout)?;
                }
                (None, FoundImage::InRegistry(digest)) => {
                    let image = Reference::parse(&name)?.with_digest(digest)?;
                    let registry = self.run.registries.at(image.registry())?;
                    single::pull(&registry, &image, &name, &folder)?;
                }
                (None, FoundImage::InStore(built)) => {
                    let digest = built.digest.as_deref().unwrap_or_default();
                    single::take(&self.run.products.images(), digest, &name, &folder)?;
                }
            }
            Ok(folder)
        });
        layout.map(PathBuf::as_path)
    }

    /// What the chart renders to.
    fn manifests(&self, package: &PackagedChart) -> Result<&Path> {
        let manifests = once(&self.manifests, || {
            let file = self.folder.join("manifests.yaml");
            let home = self.folder.join("helm");
            fs::create_dir_all(&home).map_err(|error| files::cannot("write", &home, error))?;
            let values = check_values(self.job)?;
            chart::write_manifests(&package.file, values.as_deref(), &home, &file)?;
            Ok(file)
        });
        manifests.map(PathBuf::as_path)
    }
}

/// What is in the cell; made now if it is empty.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}

/// A path as an argument: templates are text.
pub(super) fn text(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Error::misuse(format!("the path {} is not UTF-8", path.display()))
            .hint("choose another directory: flota build --out DIR")
    })
}
