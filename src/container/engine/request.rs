//! A request, checked before any of it becomes an argument or a variable of a builder.

use std::{
    ffi::OsString,
    net::IpAddr,
    path::{Path, PathBuf},
};

use super::client::flag;
use crate::{
    container::image::ImageRequest,
    model::error::{Error, Result},
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
        })
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
    /// environment.
    pub(super) fn give_to(&self, command: Command, id_file: &Path) -> Command {
        let request = self.request;
        let mut flags: Vec<OsString> = vec![
            flag("--iidfile", id_file),
            flag("--file", &self.dockerfile),
            flag("--platform", &request.platform),
        ];
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
        flags.extend(request.references.iter().map(|name| flag("--tag", name)));
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
mod tests {
    use super::*;
    use crate::model::exit::Exit;
    use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

    fn request(context: &Path) -> ImageRequest {
        ImageRequest {
            context: context.to_owned(),
            dockerfile: "Dockerfile".into(),
            dockerfile_in_use: None,
            target: None,
            build_args: BTreeMap::new(),
            labels: BTreeMap::new(),
            platform: "linux/amd64".into(),
            created: -5,
            references: vec!["ghcr.io/acme/orders:1".into()],
        }
    }

    #[test]
    fn references_are_names_and_nothing_else() {
        for good in [
            "orders",
            "ghcr.io/acme/orders:1.2",
            "127.0.0.1:5000/o:t",
            "localhost/o",
            "[::1]:5000/o:t",
            "r/o@sha256:00",
        ] {
            check_reference(good).unwrap();
        }
        for bad in [
            "",
            "-t",
            "--help",
            "a b",
            "a\n",
            "a,b",
            "a=b",
            "/abs",
            "../up",
            "ä",
            "dir:/tmp/x",
            "oci-archive:x:y",
            "docker://x",
        ] {
            let error = check_reference(bad).unwrap_err();
            assert_eq!(error.exit(), Exit::Misuse, "{bad}");
        }
    }

    #[test]
    fn build_arguments_cannot_steer_the_builder() {
        for good in [
            "VERSION",
            "_x1",
            "GO_VERSION",
            "HTTP_PROXY",
            "GITHUB_TOKEN",
            "BUILDKIT_INLINE_CACHE",
        ] {
            check_build_arg(good).unwrap();
        }
        for bad in [
            "",
            "1A",
            "A=B",
            "A B",
            "-f",
            "LD_PRELOAD",
            "PATH",
            "DOCKER_HOST",
            "BUILDX_BUILDER",
            "CONTAINERS_CONF",
            "GODEBUG",
        ] {
            let error = check_build_arg(bad).unwrap_err();
            assert_eq!(error.exit(), Exit::Misuse, "{bad}");
            assert!(!error.hints().is_empty());
        }
    }

    #[test]
    fn a_label_key_ends_where_its_value_begins() {
        check_label("org.opencontainers.image.revision").unwrap();
        for bad in ["", "a=b", "a b", "a\n"] {
            check_label(bad).unwrap_err();
        }
    }

    #[test]
    fn the_dockerfile_stays_in_the_context() {
        let dir = tempfile::tempdir().unwrap();
        let context = dir.path().join("context");
        fs::create_dir(&context).unwrap();
        fs::write(dir.path().join("secret"), "").unwrap();
        let mut request = request(&context);
        assert!(Checked::new(&request).is_err(), "there is none yet");
        fs::write(context.join("Dockerfile"), "FROM scratch").unwrap();
        let checked = Checked::new(&request).unwrap();
        assert!(checked.dockerfile().is_absolute());
        assert_eq!(checked.epoch(), "0");
        request.dockerfile = "../secret".into();
        let error = Checked::new(&request).err().unwrap();
        assert_eq!(
            error.to_string(),
            "../secret leads out of the build context"
        );
        symlink("../secret", context.join("link")).unwrap();
        request.dockerfile = "link".into();
        assert!(Checked::new(&request).is_err());
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for local in [
            "127.0.0.1:5000/a",
            "127.9.9.9/a",
            "localhost:5000/a",
            "localhost/a",
            "[::1]:5000/a",
        ] {
            assert!(is_loopback(local), "{local}");
        }
        for far in [
            "127.0.0.1.example.org/a",
            "localhost.example.org/a",
            "ghcr.io/a",
            "10.0.0.1:5000/a",
            "localhost",
            "[::2]/a",
        ] {
            assert!(!is_loopback(far), "{far}");
        }
    }
}
