//! Base images whose names are resolved before an image is looked up (`refresh_base`).

use std::{collections::BTreeSet, path::Path};

use bstr::BStr;
use gix::ObjectId;

use crate::{
    container::{
        embedded::Bases,
        engine::Builder,
        named_images::{ImagePlace, NamingInputs, named_images},
    },
    fleet::image_edges::dockerfile::{self, DockerfileText},
    git::{Objects, gitmodules::Gitmodules, repository::Repository, submodule::Store},
    model::{
        error::{Error, Result},
        reference::Reference,
        settings::ServiceSettings,
    },
};

/// What resolving takes.
pub(crate) struct Refresher<'a> {
    /// The fleet.
    pub repository: &'a Repository,
    /// Its commit.
    pub head: ObjectId,
    /// Who says what their names stand for.
    pub names: BaseNames<'a>,
}

/// Who says what the name of a base image stands for.
pub(crate) enum BaseNames<'a> {
    /// Its registry.
    Asked(&'a Bases),
    /// This builder, which tells nobody before it builds.
    Left(&'static str),
}

impl<'a> BaseNames<'a> {
    /// Those of the images that `builder` builds; `bases` asks registries.
    pub(crate) fn of(builder: Option<Builder>, bases: &'a Bases) -> Self {
        match builder {
            Some(Builder::Embedded) | None => Self::Asked(bases),
            Some(other) => Self::Left(other.name()),
        }
    }
}

impl Refresher<'_> {
    /// The base images that the Dockerfile in `code` of the service at `path` names, each with the digest that its name stands for
    /// now, but those that the fleet builds itself; none where the service's settings do not ask for it.
    pub(crate) fn refreshed(
        &self,
        path: &BStr,
        own: &ServiceSettings,
        code: ObjectId,
        is_of_fleet: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>> {
        let image = &own.image;
        if !image.refresh_base {
            return Ok(Vec::new());
        }
        let bases = match self.names {
            BaseNames::Asked(bases) => bases,
            BaseNames::Left(builder) => {
                let message = format!("refresh_base: {builder} keeps base images of its own");
                return Err(Error::misuse(message).hint(
                    "build with the embedded builder (--builder embedded), or name the base image by its digest",
                ));
            }
        };
        let Some(text) = self.text_of(path, code, &image.dockerfile)? else {
            // Who builds it says that there is none.
            return Ok(Vec::new());
        };
        let inputs = NamingInputs {
            target: image.target.as_deref(),
            build_args: &image.build_args,
            platforms: &image.platforms,
        };
        let named = named_images(&image.dockerfile, &text, inputs)?.into_iter();
        let sources = named.filter(|image| matches!(image.place, ImagePlace::Source(_)));
        let names = sources.map(|image| image.reference);
        let names: BTreeSet<String> = names.filter(|name| !is_of_fleet(name)).collect();
        let resolved = names.into_iter().map(|name| {
            let digest = bases.digest(&Reference::parse(&name)?)?;
            Ok(format!("{name} {digest}"))
        });
        resolved.collect()
    }

    /// The text of `file` in the tree `code` of the service at `path`, if it is there.
    fn text_of(&self, path: &BStr, code: ObjectId, file: &Path) -> Result<Option<String>> {
        let objects = self.repository.objects();
        let fleet = Objects::new(&objects);
        if path == "." {
            return read(fleet, code, file);
        }
        let listed = Gitmodules::of_tree(fleet, self.repository.tree_of(self.head)?)?;
        let name = listed.at(path).map(|submodule| submodule.name.as_ref());
        match Store::open(self.repository, name, path)? {
            Some(store) => read(store.objects(), code, file),
            // What is built needs it, and says what is missing.
            None => Ok(None),
        }
    }
}

fn read(objects: Objects<'_>, code: ObjectId, file: &Path) -> Result<Option<String>> {
    let mut obtained = None;
    loop {
        match dockerfile::in_context(objects, code, file)? {
            DockerfileText::Text(text) => return Ok(Some(text)),
            DockerfileText::Nothing => return Ok(None),
            DockerfileText::Lacking(id) if obtained == Some(id) => {
                let file = file.display();
                return Err(Error::repository(format!(
                    "cannot read {file}: {id} is missing"
                )));
            }
            // In a partial clone; what is built needs it anyway.
            DockerfileText::Lacking(id) => {
                objects.obtain(&[id])?;
                obtained = Some(id);
            }
        }
    }
}
