//! A chart rendered by Helm, and the images in what came out.

use std::{path::Path, time::Duration};

use super::request::ImageCoordinates;
use crate::{
    files,
    model::error::{Error, Result},
    process::{Command, find},
};

/// The program.
const HELM: &str = "helm";
/// How long one chart may take: a template is a program.
const TIMEOUT: Duration = Duration::from_secs(60);
/// More than any chart renders to, in bytes.
const LIMIT: usize = 64 << 20;
/// The longest message of Helm that is repeated, in characters.
const MESSAGE: usize = 400;

/// What Helm made of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rendered {
    /// The objects.
    Objects(String),
    /// What it said.
    Refused(String),
}

/// Whether Helm is on this machine.
pub fn has_helm() -> bool {
    find(HELM).is_ok()
}

/// Renders a package with its values, and those of a file over them, as `helm template` does; values are then also held against
/// the chart's schema. Nothing of the user's Helm takes part, and no cluster is asked.
pub(super) fn render(package: &Path, values: Option<&Path>, home: &Path) -> Rendered {
    let mut command = Command::new(HELM)
        .args(["template", "release"])
        .arg(package)
        .arg("--skip-tests")
        .timeout(TIMEOUT)
        .stdout_as_data(LIMIT)
        .env("HOME", home)
        .env("KUBECONFIG", "/dev/null");
    for name in [
        "HELM_CACHE_HOME",
        "HELM_CONFIG_HOME",
        "HELM_DATA_HOME",
        "HELM_PLUGINS",
    ] {
        command = command.env(name, home);
    }
    for name in ["HELM_DEBUG", "HELM_NAMESPACE", "HELM_KUBECONTEXT"] {
        command = command.env_remove(name);
    }
    if let Some(values) = values {
        command = command.arg("--values").arg(values);
    }
    match command.run() {
        Ok(output) if output.success() => {
            Rendered::Objects(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Rendered::Refused(message(&output.text)),
        Err(error) => Rendered::Refused(error.to_string()),
    }
}

/// Writes what a package renders to into `file`, with its values and those of a file over them; `home` is a folder for Helm's own.
///
/// # Errors
/// Unavailable: Helm is not there, or cannot render the chart.
pub fn write_manifests(
    package: &Path,
    values: Option<&Path>,
    home: &Path,
    file: &Path,
) -> Result<()> {
    find(HELM)?;
    match render(package, values, home) {
        Rendered::Objects(text) => {
            files::write(file, text.as_bytes()).map_err(|error| files::cannot("write", file, error))
        }
        Rendered::Refused(said) => Err(Error::unavailable("helm cannot render the chart")
            .because(said)
            .hint("give it the values that it needs: [chart] check_values in flota.toml")),
    }
}

/// Helm's own words, in one line.
fn message(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<_> = lines
        .skip_while(|line| !line.starts_with("Error:"))
        .take(8)
        .collect();
    let joined = lines.join(" ");
    let said = joined.strip_prefix("Error:").unwrap_or(&joined).trim();
    // The way to enable more output is not the reader's.
    let said = said.split(" Use --debug flag").next().unwrap_or_default();
    match said.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None if said.is_empty() => "helm failed and said nothing".into(),
        None => said.to_owned(),
    }
}

/// Whether an image is in what was rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is.
    Stands,
    /// Its name is, with another tag or digest.
    Other(String),
    /// It is not.
    Missing,
}

/// Looks for the image's whole reference in the objects, comments apart: by its tag, by its digest, or by both, and with
/// no other of either.
pub(super) fn standing(objects: &str, image: &ImageCoordinates) -> Standing {
    let (registry, repository) = image.split_name();
    let names = [image.name(), format!("{registry}/{repository}")];
    let mut other = None;
    for line in objects.lines() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        for name in &names {
            for (at, _) in line.match_indices(name.as_str()) {
                let before = line[..at].chars().next_back();
                if before.is_some_and(is_part_of_a_name) {
                    continue;
                }
                let rest = &line[at + name.len()..];
                let end = rest.find(|c| !is_part_of_a_name(c)).unwrap_or(rest.len());
                let rest = &rest[..end];
                if is_content(rest, image) {
                    return Standing::Stands;
                }
                // A name alone may be that of anything.
                let is_bare = rest.is_empty() && image.registry.is_some();
                if is_bare || rest.starts_with([':', '@']) {
                    other = Some(format!("{name}{rest}"));
                }
            }
        }
    }
    other.map_or(Standing::Missing, Standing::Other)
}

/// Whether what follows the name, `:tag`, `@digest` or both, is this image's.
fn is_content(rest: &str, image: &ImageCoordinates) -> bool {
    let (tag, digest) = match rest.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None => (rest, None),
    };
    let tag_fits = tag.strip_prefix(':').is_some_and(|tag| tag == image.tag);
    match digest {
        None => tag_fits,
        Some(digest) => (tag.is_empty() || tag_fits) && image.digest.as_deref() == Some(digest),
    }
}

fn is_part_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(digest: Option<&str>) -> ImageCoordinates {
        ImageCoordinates {
            registry: Some("reg.example:5000".into()),
            repository: "team/color".into(),
            tag: "code-1".into(),
            digest: digest.map(str::to_owned),
        }
    }

    #[test]
    fn an_image_stands_by_its_tag_or_its_digest_and_by_no_other() {
        let with = image(Some("sha256:new"));
        for line in [
            "image: reg.example:5000/team/color:code-1",
            "image: \"reg.example:5000/team/color:code-1\"",
            "image: 'reg.example:5000/team/color@sha256:new'",
            "  - --image=reg.example:5000/team/color:code-1@sha256:new",
            "{\"image\":\"reg.example:5000/team/color:code-1\"}",
            "reg.example:5000/team/color:old\nreg.example:5000/team/color:code-1",
        ] {
            assert_eq!(standing(line, &with), Standing::Stands, "{line}");
        }
        for (line, other) in [
            (
                "image: reg.example:5000/team/color:code-1@sha256:old",
                "reg.example:5000/team/color:code-1@sha256:old",
            ),
            (
                "image: reg.example:5000/team/color:code-12",
                "reg.example:5000/team/color:code-12",
            ),
            (
                "image: reg.example:5000/team/color:",
                "reg.example:5000/team/color:",
            ),
            (
                "image: reg.example:5000/team/color",
                "reg.example:5000/team/color",
            ),
        ] {
            assert_eq!(
                standing(line, &with),
                Standing::Other(other.into()),
                "{line}"
            );
        }
        for line in [
            "# image: reg.example:5000/team/color:code-1",
            "image: docker.io/reg.example:5000/team/color:code-1",
            "image: reg.example:5000/team/color-web:code-1",
            "image: team/color:code-1",
            "",
        ] {
            assert_eq!(standing(line, &with), Standing::Missing, "{line}");
        }
        let unknown = image(None);
        assert!(matches!(
            standing("reg.example:5000/team/color:code-1@sha256:old", &unknown),
            Standing::Other(_)
        ));
    }

    #[test]
    fn a_short_name_stands_in_both_of_its_forms() {
        let image = ImageCoordinates {
            repository: "color".into(),
            tag: "dev".into(),
            ..Default::default()
        };
        for line in ["image: color:dev", "image: docker.io/library/color:dev"] {
            assert_eq!(standing(line, &image), Standing::Stands);
        }
        for line in ["image: example/color:dev", "name: color"] {
            assert_eq!(standing(line, &image), Standing::Missing);
        }
    }

    #[test]
    fn helm_s_words_are_one_line() {
        let text = b"WARNING: x\nError: values don't meet\n the schema\n\nUse --debug flag to render out invalid YAML\n";
        assert_eq!(message(text), "values don't meet the schema");
        assert_eq!(message(b""), "helm failed and said nothing");
        assert!(message(format!("Error: {}", "é".repeat(900)).as_bytes()).ends_with('…'));
    }
}
