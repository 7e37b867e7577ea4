//! What an image says about itself: the platform it is for and its configuration.

use std::collections::{BTreeMap, BTreeSet};

use oci_spec::image::{
    Arch, Config, ConfigBuilder, History, ImageConfigurationBuilder, Os, PlatformBuilder,
    RootFsBuilder,
};
use serde_json::{Value, json};

use crate::{
    container::layout::{canonical, incomplete},
    model::error::Result,
};

/// The search path of an image that starts from nothing (BuildKit's default for Linux).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An operating system and processor, in OCI's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Platform {
    /// Always `linux` here.
    pub os: String,
    /// GOARCH, as in `amd64`.
    pub architecture: String,
    /// The processor's variant, as in `v8`.
    pub variant: Option<String>,
}

impl Platform {
    /// From `os/architecture[/variant]`; the error says what is wrong with `text`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let plain = |part: &&str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(plain) {
            return Err(format!("`{text}` is not a platform, as `linux/amd64` is"));
        }
        if !parts[0].eq_ignore_ascii_case("linux") {
            return Err(format!("`{text}` is not a Linux platform"));
        }
        let variant = parts.get(2).copied().unwrap_or_default();
        let (architecture, variant) =
            normal(parts[1].to_ascii_lowercase(), variant.to_ascii_lowercase());
        Ok(Self {
            os: "linux".to_owned(),
            architecture,
            variant: Some(variant).filter(|variant| !variant.is_empty()),
        })
    }

    /// The platform of an entry in an image index.
    pub(super) fn descriptor(&self) -> Result<oci_spec::image::Platform> {
        let mut builder = PlatformBuilder::default()
            .os(Os::from(self.os.as_str()))
            .architecture(Arch::from(self.architecture.as_str()));
        if let Some(variant) = &self.variant {
            builder = builder.variant(variant.as_str());
        }
        builder.build().map_err(incomplete)
    }
}

/// The names by which containerd (its module `platforms`) and with it BuildKit know an architecture and its variant.
fn normal(architecture: String, variant: String) -> (String, String) {
    let named = |architecture: &str, variant: &str| (architecture.to_owned(), variant.to_owned());
    match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => named("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => named("amd64", ""),
        ("x86_64" | "x86-64", _) => named("amd64", &variant),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => named("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => named("arm64", "v9"),
        ("aarch64", _) => named("arm64", &variant),
        ("armhf", _) | ("arm", "" | "7") => named("arm", "v7"),
        ("armel", _) => named("arm", "v6"),
        ("arm", "5" | "6" | "8") => named("arm", &format!("v{variant}")),
        _ => (architecture, variant),
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .iter()
            .try_for_each(|variant| write!(f, "/{variant}"))
    }
}

/// What the instructions that make no files have set so far.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// `FROM --platform`, else the one that was asked for.
    pub platform: Platform,
    /// `MAINTAINER`.
    pub author: Option<String>,
    /// `ENV`, in the order of first mention.
    pub env: Vec<(String, String)>,
    /// `LABEL`.
    pub labels: BTreeMap<String, String>,
    /// `EXPOSE`, as `80/tcp`.
    pub ports: BTreeSet<String>,
    /// `VOLUME`.
    pub volumes: BTreeSet<String>,
    /// `ENTRYPOINT`.
    pub entrypoint: Option<Vec<String>>,
    /// `CMD`.
    pub cmd: Option<Vec<String>>,
    /// `USER`, as written.
    pub user: Option<String>,
    /// `WORKDIR`, absolute; empty where a base has none.
    pub workdir: String,
    /// `STOPSIGNAL`.
    pub stop_signal: Option<String>,
    /// `SHELL`, for the shell forms that follow it.
    pub shell: Option<Vec<String>>,
    /// `HEALTHCHECK`, as Docker's own extension of the configuration has it.
    pub healthcheck: Option<Value>,
}

impl Image {
    /// `FROM scratch`.
    pub(super) fn scratch(platform: Platform) -> Self {
        Self {
            platform,
            author: None,
            env: vec![("PATH".into(), PATH.into())],
            labels: BTreeMap::new(),
            ports: BTreeSet::new(),
            volumes: BTreeSet::new(),
            entrypoint: None,
            cmd: None,
            user: None,
            workdir: "/".into(),
            stop_signal: None,
            shell: None,
            healthcheck: None,
        }
    }

    /// Sets an environment variable, in the place it already has.
    pub(super) fn set_env(&mut self, name: String, value: String) {
        match self.env.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => self.env.push((name, value)),
        }
    }

    /// A command of the shell form, as the image's shell is to run it.
    pub(super) fn in_shell(&self, command: String) -> Vec<String> {
        let default = || vec!["/bin/sh".to_owned(), "-c".to_owned()];
        let mut argv = self.shell.clone().unwrap_or_else(default);
        argv.push(command);
        argv
    }

    /// The image's configuration document. `created` is RFC 3339; `layers` are the digests of the unpacked layers; `history` has
    /// one entry per instruction: its text, and whether it made a layer. `before` is the history of the base.
    pub(super) fn document(
        &self,
        created: &str,
        layers: Vec<String>,
        before: &[History],
        history: &[(String, bool)],
    ) -> Result<Vec<u8>> {
        let own = history.iter().map(|entry| past(created, entry));
        let history: Vec<History> = before.iter().cloned().chain(own).collect();
        let rootfs = RootFsBuilder::default().typ("layers").diff_ids(layers);
        let mut document = ImageConfigurationBuilder::default()
            .created(created)
            .os(Os::from(self.platform.os.as_str()))
            .architecture(Arch::from(self.platform.architecture.as_str()))
            .config(self.config().map_err(incomplete)?)
            .rootfs(rootfs.build().map_err(incomplete)?)
            .history(history);
        if let Some(variant) = &self.platform.variant {
            document = document.variant(variant.as_str());
        }
        if let Some(author) = &self.author {
            document = document.author(author.as_str());
        }
        let document = document.build().map_err(incomplete)?;
        let mut document = serde_json::to_value(document).map_err(incomplete)?;
        self.extend(&mut document["config"]);
        canonical(document)
    }

    fn config(&self) -> oci_spec::Result<Config> {
        let env: Vec<String> = self
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut config = ConfigBuilder::default().env(env);
        if !self.workdir.is_empty() {
            config = config.working_dir(self.workdir.as_str());
        }
        if !self.labels.is_empty() {
            config = config.labels(
                self.labels
                    .clone()
                    .into_iter()
                    .collect::<std::collections::HashMap<_, _>>(),
            );
        }
        if !self.ports.is_empty() {
            config = config.exposed_ports(self.ports.iter().cloned().collect::<Vec<_>>());
        }
        if !self.volumes.is_empty() {
            config = config.volumes(self.volumes.iter().cloned().collect::<Vec<_>>());
        }
        if let Some(entrypoint) = &self.entrypoint {
            config = config.entrypoint(entrypoint.clone());
        }
        if let Some(cmd) = &self.cmd {
            config = config.cmd(cmd.clone());
        }
        if let Some(user) = &self.user {
            config = config.user(user.as_str());
        }
        if let Some(signal) = &self.stop_signal {
            config = config.stop_signal(signal.as_str());
        }
        config.build()
    }

    /// Adds what Docker's image specification has beyond OCI's.
    fn extend(&self, config: &mut Value) {
        if let Some(healthcheck) = &self.healthcheck {
            config["Healthcheck"] = healthcheck.clone();
        }
        if let Some(shell) = &self.shell {
            config["Shell"] = json!(shell);
        }
    }
}

fn past(created: &str, (instruction, layer): &(String, bool)) -> History {
    let mut past = History::default();
    past.set_created(Some(created.to_owned()));
    past.set_created_by(Some(instruction.clone()));
    past.set_empty_layer((!layer).then_some(true));
    past
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms() {
        let arm = Platform::parse("linux/arm/v7").unwrap();
        assert_eq!(arm.to_string(), "linux/arm/v7");
        assert_eq!(arm.variant.as_deref(), Some("v7"));
        for (text, expected) in [
            ("linux/arm64/v8", "linux/arm64"),
            ("Linux/AArch64", "linux/arm64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/armhf", "linux/arm/v7"),
        ] {
            assert_eq!(Platform::parse(text).unwrap().to_string(), expected);
        }
        for bad in [
            "linux",
            "linux/",
            "a/b/c/d",
            "linux/am d64",
            "",
            "windows/amd64",
        ] {
            assert!(Platform::parse(bad).unwrap_err().contains(bad));
        }
    }

    #[test]
    fn documents_do_not_depend_on_hash_order() {
        let mut image = Image::scratch(Platform::parse("linux/amd64").unwrap());
        for i in 0..40 {
            image.labels.insert(format!("label{i}"), String::new());
            image.ports.insert(format!("{i}/tcp"));
        }
        let document = || {
            image
                .document("2024-01-02T03:04:05Z", vec![], &[], &[])
                .unwrap()
        };
        let first = document();
        assert!((0..10).all(|_| document() == first));
    }

    #[test]
    fn a_variable_keeps_its_place() {
        let mut image = Image::scratch(Platform::parse("linux/amd64").unwrap());
        image.set_env("A".into(), "1".into());
        image.set_env("PATH".into(), "/bin".into());
        assert_eq!(image.env[0], ("PATH".into(), "/bin".into()));
        assert_eq!(image.env.len(), 2);
    }
}
