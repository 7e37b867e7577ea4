//! A request, checked before any of it becomes an argument or a variable of a builder.

use std::{
    ffi::OsString,
    net::IpAddr,
    path::{Path, PathBuf},
};

use super::{client::flag, mounts};
use crate::{
    container::image::ImageRequest,
    model::{
        bake::{BakeSecret, BakeTarget},
        error::{Error, Result},
        settings::SecretSource,
    },
    process::Command,
};

/// Where containers/image would write an image that is named `dir:…` (containers-transports(5)).
const TRANSPORTS: [&str; 10] = [
    "containers-storage",
    "dir",
    "docker",
    "docker-archive",
    "docker-daemon",
    "oci",
    "oci-archive",
    "ostree",
    "sif",
    "tarball",
];

/// Variables that steer the builder's client, its language's runtime or the dynamic linker.
const RESERVED: [&str; 12] = [
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "GODEBUG",
    "GOCOVERDIR",
    "HOME",
    "PATH",
    "REGISTRIES_CONFIG_PATH",
    "REGISTRY_AUTH_FILE",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
];
const RESERVED_PREFIXES: [&str; 11] = [
    "BUILDAH_",
    "BUILDX_",
    "CONTAINERS_",
    "CONTAINER_",
    "DOCKER_",
    "DYLD_",
    "LD_",
    "OTEL_",
    "PODMAN_",
    "STORAGE_",
    "XDG_",
];

/// A request whose parts are safe to hand to a program.
pub(super) struct Checked<'a> {
    request: &'a ImageRequest,
    context: PathBuf,
    dockerfile: PathBuf,
    secrets: Vec<(String, SecretSource)>,
}

impl<'a> Checked<'a> {
    /// # Errors
    /// Misuse, naming the part.
    pub(super) fn new(request: &'a ImageRequest) -> Result<Self> {
        if request.references.is_empty() {
            return Err(Error::misuse("the image has no name"));
        }
        request
            .references
            .iter()
            .try_for_each(|reference| check_reference(reference))?;
        request
            .build_args
            .keys()
            .try_for_each(|name| check_build_arg(name))?;
        request.labels.keys().try_for_each(|key| check_label(key))?;
        let (context, dockerfile) = locate(&request.context, &request.dockerfile)?;
        let in_use = request.dockerfile_in_use.clone();
        Ok(Self {
            request,
            context,
            dockerfile: in_use.unwrap_or(dockerfile),
            secrets: mounts::ready(&request.mounts)?,
        })
    }

    /// The request as `docker buildx bake` reads it, without names and what becomes of the image.
    pub(super) fn target(&self) -> BakeTarget {
        let request = self.request;
        let dockerfile = self.dockerfile.strip_prefix(&self.context);
        let dockerfile = dockerfile.unwrap_or(&self.dockerfile).display().to_string();
        let mut args = request.build_args.clone();
        // BuildKit takes the image's dates from it.
        args.entry("SOURCE_DATE_EPOCH".to_owned())
            .or_insert_with(|| self.epoch());
        let secrets = self.secrets.iter();
        BakeTarget {
            context: self.context.display().to_string(),
            dockerfile,
            target: request.target.clone(),
            args,
            labels: request.labels.clone(),
            platforms: request.platforms.clone(),
            secrets: secrets
                .map(|(id, source)| BakeSecret::new(id, source))
                .collect(),
            ssh: request
                .mounts
                .ssh
                .then(|| "default".to_owned())
                .into_iter()
                .collect(),
            ..BakeTarget::default()
        }
    }

    /// Whether the image is an index of images for several platforms.
    pub(super) fn is_index(&self) -> bool {
        self.request.platforms.len() > 1
    }

    /// All names but the first.
    pub(super) fn further_names(&self) -> &[String] {
        &self.request.references[1..]
    }

    /// The image's first name.
    pub(super) fn name(&self) -> &str {
        &self.request.references[0]
    }

    pub(super) fn dockerfile(&self) -> &Path {
        &self.dockerfile
    }

    /// The image's date in the form of SOURCE_DATE_EPOCH: seconds, never before the epoch.
    pub(super) fn epoch(&self) -> String {
        self.request.created.max(0).to_string()
    }

    /// Adds what all builders understand alike: flags, the context at the end, and the values of build arguments in the
    /// environment. An index gets its first name only, and its id is in no file.
    pub(super) fn give_to(&self, command: Command, id_file: &Path) -> Command {
        let request = self.request;
        let mut flags: Vec<OsString> = Vec::new();
        if !self.is_index() {
            flags.push(flag("--iidfile", id_file));
        }
        flags.push(flag("--file", &self.dockerfile));
        flags.push(flag("--platform", request.platforms.join(",")));
        flags.extend(request.target.iter().map(|stage| flag("--target", stage)));
        flags.extend(
            request
                .labels
                .iter()
                .map(|(key, value)| flag("--label", format!("{key}={value}"))),
        );
        flags.extend(
            request
                .build_args
                .keys()
                .map(|name| flag("--build-arg", name)),
        );
        flags.extend(self.secrets.iter().map(|(id, source)| match source {
            SecretSource::Env(name) => flag("--secret", format!("id={id},env={name}")),
            SecretSource::File(path) => flag("--secret", format!("id={id},src={}", path.display())),
        }));
        if request.mounts.ssh {
            flags.push(flag("--ssh", "default"));
        }
        match self.is_index() {
            true => flags.push(flag("--manifest", self.name())),
            false => flags.extend(request.references.iter().map(|name| flag("--tag", name))),
        }
        let command = command.args(flags).arg("--").arg(&self.context);
        request
            .build_args
            .iter()
            .fold(command, |command, (name, value)| command.env(name, value))
    }

    /// Whether the request sets this build argument itself.
    pub(super) fn has_build_arg(&self, name: &str) -> bool {
        self.request.build_args.contains_key(name)
    }
}

/// Refuses a name that is none, or one that an engine takes for a place in the file system.
pub(super) fn check_reference(reference: &str) -> Result<()> {
    let begins_well = reference.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@[]".contains(c);
    let transport = reference.split_once(':').map(|(before, _)| before);
    if !begins_well || !reference.chars().all(is_plain) {
        let error = Error::misuse(format!("{reference:?} is not an image reference"));
        return Err(error
            .hint("it has the form registry/repository:tag, as in `ghcr.io/acme/orders:1.2.0`"));
    }
    match transport.filter(|name| TRANSPORTS.contains(name)) {
        Some(name) => Err(Error::misuse(format!(
            "the image reference {reference:?} begins with {name}:"
        ))
        .hint("Podman and Buildah would read it as a place other than a registry")),
        None => Ok(()),
    }
}

/// A build argument's name is one of a variable, and not of one that the builder itself would obey.
fn check_build_arg(name: &str) -> Result<()> {
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(
            Error::misuse(format!("{name:?} cannot be a build argument"))
                .hint("its name consists of letters, digits and underscores"),
        );
    }
    if RESERVED.contains(&name)
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
    {
        return Err(Error::misuse(format!(
            "the build argument {name} has the name of a variable that steers the builder itself"
        ))
        .hint(format!(
            "call it otherwise in the Dockerfile and in flota.toml, as in APP_{name}"
        )));
    }
    Ok(())
}

fn check_label(key: &str) -> Result<()> {
    match key.is_empty() || key.contains(|c: char| c == '=' || c.is_control() || c.is_whitespace())
    {
        true => Err(Error::misuse(format!(
            "{key:?} cannot be the key of a label"
        ))),
        false => Ok(()),
    }
}

/// The context and its Dockerfile with links resolved: a link must not show the builder a file outside the context.
fn locate(context: &Path, dockerfile: &Path) -> Result<(PathBuf, PathBuf)> {
    let resolve = |path: &Path| {
        path.canonicalize().map_err(|error| {
            Error::misuse(format!("there is no {}", path.display())).because(error)
        })
    };
    let context = resolve(context)?;
    let resolved = resolve(&context.join(dockerfile))?;
    match resolved.starts_with(&context) {
        true => Ok((context, resolved)),
        false => Err(Error::misuse(format!(
            "{} leads out of the build context",
            dockerfile.display()
        ))),
    }
}

/// Whether the registry of a reference is on this machine, where plain HTTP harms nobody.
pub(super) fn is_loopback(reference: &str) -> bool {
    let Some((registry, _)) = reference.split_once('/') else {
        return false;
    };
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
