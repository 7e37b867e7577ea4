//! A base image's configuration, which the image built on it begins with (image specification, "Image Configuration"; Docker's own
//! fields beside it).

use std::collections::BTreeMap;

use oci_spec::image::History;
use serde::Deserialize;
use serde_json::Value;

use super::platform;
use crate::{
    container::embedded::{
        dockerfile::needs_engine,
        image::{Image, Platform},
    },
    model::error::{Error, Result},
};

/// What a configuration says.
pub(super) struct Configuration {
    /// What the instructions that make no files have set.
    pub(super) image: Image,
    /// The digests of the layers before compression.
    pub(super) diff_ids: Vec<String>,
    /// An entry for each instruction that made it.
    pub(super) history: Vec<History>,
}

#[derive(Deserialize)]
struct Written {
    os: String,
    architecture: String,
    variant: Option<String>,
    author: Option<String>,
    #[serde(default)]
    config: Option<WrittenConfig>,
    rootfs: RootFs,
    #[serde(default)]
    history: Option<Vec<History>>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<String>>,
}

/// A key that is `null` says no more than one that is not there.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WrittenConfig {
    user: Option<String>,
    exposed_ports: Option<BTreeMap<String, Value>>,
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    volumes: Option<BTreeMap<String, Value>>,
    working_dir: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    stop_signal: Option<String>,
    healthcheck: Option<Value>,
    shell: Option<Vec<String>>,
    on_build: Option<Vec<String>>,
}

impl Configuration {
    /// Reads `bytes`, the configuration of `name`, which is to be for the platform `asked`.
    ///
    /// # Errors
    /// It is none, is for another platform, or has triggers (`ONBUILD`), which are not run here.
    pub(super) fn read(name: &str, bytes: &[u8], asked: &Platform) -> Result<Self> {
        let written: Written = serde_json::from_slice(bytes).map_err(|cause| {
            Error::work(format!("the configuration of `{name}` cannot be read")).because(cause)
        })?;
        let platform = Platform {
            os: written.os,
            architecture: written.architecture,
            variant: written.variant.filter(|variant| !variant.is_empty()),
        };
        if platform::rank(asked, &platform).is_none() {
            let message = format!("`{name}` is for {platform}, and the image for {asked}");
            return Err(Error::work(message));
        }
        let config = written.config.unwrap_or_default();
        if let Some(trigger) = config.on_build.iter().flatten().next() {
            return Err(needs_engine(format!(
                "`{name}` has instructions for the images built on it (ONBUILD {trigger})"
            )));
        }
        Ok(Self {
            image: image(platform, written.author, config),
            diff_ids: written.rootfs.diff_ids.unwrap_or_default(),
            history: written.history.unwrap_or_default(),
        })
    }
}

fn image(platform: Platform, author: Option<String>, config: WrittenConfig) -> Image {
    let mut image = Image {
        author: filled(author),
        env: Vec::new(),
        workdir: config.working_dir.unwrap_or_default(),
        labels: config.labels.unwrap_or_default(),
        ports: config
            .exposed_ports
            .into_iter()
            .flatten()
            .map(|(port, _)| port)
            .collect(),
        volumes: config
            .volumes
            .into_iter()
            .flatten()
            .map(|(path, _)| path)
            .collect(),
        entrypoint: config.entrypoint.filter(|words| !words.is_empty()),
        cmd: config.cmd.filter(|words| !words.is_empty()),
        user: filled(config.user),
        stop_signal: filled(config.stop_signal),
        shell: config.shell.filter(|words| !words.is_empty()),
        healthcheck: config.healthcheck.filter(|check| !check.is_null()),
        ..Image::scratch(platform)
    };
    for variable in config.env.into_iter().flatten() {
        let (name, value) = variable.split_once('=').unwrap_or((&variable, ""));
        image.set_env(name.to_owned(), value.to_owned());
    }
    image
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
