//! `COPY` and `ADD`: what is to be copied from where to where.

use std::path::{Path, PathBuf};

use parse_dockerfile::{AddInstruction, CopyInstruction, HereDoc, Source as Written};

use super::{
    dockerfile::InstructionPlace,
    ignore::DockerIgnore,
    mode::Mode,
    options::{self, InstructionOptions},
    paths,
    shared::CopyOrigin,
    stage::{self, StageReader},
    users::OwnerName,
};
use crate::model::error::{Error, Result};

/// The options of `COPY`.
pub(super) const COPY: [&str; 6] = ["from", "chown", "chmod", "link", "parents", "exclude"];

/// The options of `ADD`.
pub(super) const ADD: [&str; 7] = [
    "chown",
    "chmod",
    "link",
    "exclude",
    "unpack",
    "checksum",
    "keep-git-dir",
];

/// One `COPY` or `ADD`, its variables replaced.
#[derive(Debug)]
pub(super) struct Copy {
    /// Where it is copied from.
    pub from: CopyOrigin,
    /// What is copied, in order.
    pub sources: Vec<CopySource>,
    /// Where to, below the image's root.
    pub destination: PathBuf,
    /// Whether the destination was written as a directory (`/app/`).
    pub into_directory: bool,
    /// `--chown`.
    pub owner: Option<OwnerName>,
    /// `--chmod`.
    pub mode: Option<Mode>,
    /// `--link`: it is copied into an empty image, which is then laid on the stage.
    pub link: bool,
    /// `--parents`: keep the directories of the source path.
    pub parents: bool,
    /// `--exclude`.
    pub excludes: DockerIgnore,
    /// Whether archives would be unpacked: `ADD` without `--unpack=false`.
    pub unpack: bool,
}

/// One source.
#[derive(Debug)]
pub(super) enum CopySource {
    /// A path or pattern, which `--parents` keeps from the directory `base` on. Both are clean and relative to the root copied from.
    Path {
        /// Empty, except for `--parents` with a `/./` in the path.
        base: String,
        /// The path below it.
        path: String,
    },
    /// A here-document.
    Inline {
        /// The file's name: the word that ends the document.
        name: String,
        /// The file's content.
        text: String,
    },
}

impl Copy {
    /// Reads a `COPY`.
    pub(super) fn of_copy(
        reader: &StageReader,
        place: &InstructionPlace,
        copy: &CopyInstruction,
    ) -> Result<Self> {
        let options = options::read(place, &copy.options, &COPY)?;
        let from = match options.value(place, "from")? {
            Some(from) => reader.shared().origin(place, from, reader.index())?,
            None => CopyOrigin::Context,
        };
        let remote = || {
            place
                .misuse("it copies no addresses")
                .hint("ADD takes them")
        };
        let read = Self::read(
            reader,
            place,
            &options,
            &copy.src,
            &copy.dest.value,
            &remote,
        )?;
        Ok(Self { from, ..read })
    }

    /// Reads an `ADD` of files that are at hand.
    pub(super) fn of_add(
        reader: &StageReader,
        place: &InstructionPlace,
        add: &AddInstruction,
    ) -> Result<Self> {
        let options = options::read(place, &add.options, &ADD)?;
        let remote = || place.needs_engine("it downloads");
        if options.has("checksum") || options.has("keep-git-dir") {
            return Err(remote());
        }
        let unpack = options.switch(place, "unpack")?.unwrap_or(true);
        let read = Self::read(reader, place, &options, &add.src, &add.dest.value, &remote)?;
        Ok(Self { unpack, ..read })
    }

    fn read(
        reader: &StageReader,
        place: &InstructionPlace,
        options: &InstructionOptions,
        sources: &[Written],
        destination: &str,
        remote: &dyn Fn() -> Error,
    ) -> Result<Self> {
        let link = options.switch(place, "link")?.unwrap_or(false);
        let mode = chmod(reader, place, options)?;
        let parents = options.switch(place, "parents")?.unwrap_or(false);
        let destination = reader.word(place, destination)?;
        let into_directory = paths::means_directory(&destination);
        if sources.len() > 1 && !into_directory {
            let why = "several files can only go into a directory";
            return Err(place
                .misuse(why)
                .hint(format!("end it with a slash: {destination}/")));
        }
        let sources = sources
            .iter()
            .map(|source| CopySource::read(reader, place, source, parents, remote));
        let excludes = DockerIgnore::excludes(options.values("exclude"));
        Ok(Self {
            from: CopyOrigin::Context,
            sources: sources.collect::<Result<_>>()?,
            destination: paths::join(&reader.workdir(), &destination),
            into_directory,
            owner: chown(reader, place, options)?,
            // BuildKit does not link what it changes the mode of.
            link: link && mode.is_none(),
            mode,
            parents,
            excludes: excludes.map_err(|why| place.misuse(why))?,
            unpack: false,
        })
    }
}

impl CopySource {
    fn read(
        reader: &StageReader,
        place: &InstructionPlace,
        source: &Written,
        parents: bool,
        remote: &dyn Fn() -> Error,
    ) -> Result<Self> {
        let path = match source {
            Written::Path(path) => reader.word(place, &path.value)?,
            Written::HereDoc(document) => return Self::inline(reader, place, document),
            _ => return Err(place.needs_engine("a source's form is not known here")),
        };
        if is_remote(&path) {
            return Err(remote());
        }
        let (base, path) = match path.split_once("/./") {
            Some((base, path)) if parents => (base, path),
            _ => ("", path.as_str()),
        };
        // As for BuildKit, what is above the root is the root.
        let clean = |path: &str| paths::join(Path::new(""), path).display().to_string();
        Ok(Self::Path {
            base: clean(base),
            path: clean(path),
        })
    }

    fn inline(reader: &StageReader, place: &InstructionPlace, document: &HereDoc) -> Result<Self> {
        let name = reader.shared().places.line_at(document.span.end).to_owned();
        if name.contains('/') || matches!(&*name, "." | "..") {
            return Err(place.misuse(format!("`{name}` cannot name a file")));
        }
        let text = match document.expand {
            true => reader.document(place, &document.value)?,
            false => document.value.to_string(),
        };
        Ok(Self::Inline { name, text })
    }
}

/// A URL or a Git address.
fn is_remote(path: &str) -> bool {
    path.contains("://") || path.starts_with("git@")
}

fn chown(
    reader: &StageReader,
    place: &InstructionPlace,
    options: &InstructionOptions,
) -> Result<Option<OwnerName>> {
    let Some(text) = options.value(place, "chown")? else {
        return Ok(None);
    };
    let text = reader.word(place, text)?;
    stage::owner(place, &text).map(Some)
}

fn chmod(
    reader: &StageReader,
    place: &InstructionPlace,
    options: &InstructionOptions,
) -> Result<Option<Mode>> {
    let Some(text) = options.value(place, "chmod")? else {
        return Ok(None);
    };
    let text = reader.word(place, text)?;
    Mode::parse(&text).map(Some).ok_or_else(|| {
        place
            .misuse(format!("`{text}` is not a mode"))
            .hint("write it in octal or as changes, as in --chmod=755 or --chmod=u+x")
    })
}

/// A source's path, for messages and look-ups.
pub(super) fn joined(base: &str, path: &str) -> PathBuf {
    Path::new(base).join(path)
}
