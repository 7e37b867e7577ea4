//! What a packaged chart says of itself: whether it runs its image, and whether it still renders.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    files::Files,
    image_path::Found,
    render::{Rendered, Standing, standing},
    request::ImageCoordinates,
    yaml,
};
use crate::model::{
    error::Result,
    report::{ChartCheck, ImageCheck},
};

/// How many places are named.
const NAMED: usize = 5;

/// What was written into a chart, and what it was before.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The image; a chart of a service without code has none.
    pub image: Option<ImageCoordinates>,
    /// The `appVersion` that was written.
    pub app_version: Option<String>,
    /// Where the image was set, and whether a template reads that.
    pub place: Option<(Found, bool)>,
    /// Whether tokens brought the image in.
    pub by_tokens: bool,
    /// Places of aliases that keep what was there before.
    pub unshared: Vec<String>,
    /// The version in `Chart.yaml`.
    pub own_version: Option<String>,
    /// The two edited files without the image, and with the chart's own versions.
    pub before: [(String, Vec<u8>); 2],
}

impl Written {
    /// The result. `after` is what Helm made of the chart, where there is Helm; `before` is what it makes of the chart
    /// without the image, and is asked only where that matters.
    pub(super) fn check(
        &self,
        files: &Files,
        version: &str,
        after: Option<Rendered>,
        before: impl FnOnce() -> Result<Rendered>,
    ) -> Result<ChartCheck> {
        let mut warnings: Vec<_> = self.unshared.iter().map(|place| {
            format!("{place} was an alias of what holds the image: it keeps the image that was there; write it in full")
        }).collect();
        warnings.extend(self.comparisons_of_the_version(files, version));
        let mut check = ChartCheck {
            image: None,
            path: self.path(),
            reason: None,
            warnings,
        };
        let Some(image) = &self.image else {
            return Ok(check);
        };
        let (state, reason) = match after {
            Some(Rendered::Objects(objects)) => {
                check.warnings.extend(self.labels(&objects, version));
                self.standing(&objects, image)
            }
            Some(Rendered::Refused(said)) => match before()? {
                Rendered::Objects(_) => (
                    ImageCheck::NotFound,
                    Some(format!(
                        "with the image and the versions it does not render any more: {said}{}",
                        self.help(&said)
                    )),
                ),
                Rendered::Refused(_) => (
                    ImageCheck::Unchecked,
                    Some(format!(
                        "Helm cannot render it with its own values: {said}; name a file of the chart that has what they lack: [chart] check_values = \"ci/values.yaml\""
                    )),
                ),
            },
            None => self.without_helm(files, image),
        };
        check.image = Some(state);
        check.reason = reason;
        Ok(check)
    }

    /// Where the image was set.
    fn path(&self) -> Option<String> {
        match &self.place {
            Some((Found::At(path), _)) => Some(path.join(".")),
            _ => None,
        }
    }

    fn standing(&self, objects: &str, image: &ImageCoordinates) -> (ImageCheck, Option<String>) {
        let reference = image.reference();
        match standing(objects, image) {
            Standing::Stands => (ImageCheck::Found, None),
            Standing::Other(other) => (
                ImageCheck::NotFound,
                Some(format!(
                    "it renders {other}, not {reference}{}",
                    self.hint()
                )),
            ),
            Standing::Missing => (
                ImageCheck::NotFound,
                Some(format!(
                    "{reference} is not in what it renders to{}",
                    self.hint()
                )),
            ),
        }
    }

    /// What the text of the templates tells.
    fn without_helm(
        &self,
        files: &Files,
        image: &ImageCoordinates,
    ) -> (ImageCheck, Option<String>) {
        if let Some(place) = self.comparison_of_the_tag(files) {
            let tag = &image.tag;
            let said = format!(
                "{place} compares the image's tag or the appVersion by semverCompare, and `{tag}` is no version"
            );
            return (ImageCheck::NotFound, Some(said.clone() + self.help(&said)));
        }
        match &self.place {
            Some((Found::At(_), true)) => (
                ImageCheck::Unchecked,
                Some("there is no helm here to render it".into()),
            ),
            _ if self.by_tokens => (
                ImageCheck::Unchecked,
                Some("there is no helm here to render it".into()),
            ),
            _ => (
                ImageCheck::NotFound,
                Some(format!(
                    "no template reads {} from where it was set{}",
                    image.reference(),
                    self.hint()
                )),
            ),
        }
    }

    /// How to say where the image is.
    fn hint(&self) -> String {
        let example = |path: &str| {
            format!("say where its values name the image: [service.NAME.chart] image = \"{path}\"")
        };
        match &self.place {
            Some((Found::At(path), _)) => format!(
                ", although it is set in `{}`; {}, or give values that turn it on: [chart] check_values = \"ci/values.yaml\"",
                path.join("."),
                example("controller.image")
            ),
            Some((Found::Unclear(paths), _)) if !paths.is_empty() => {
                let mut named: Vec<_> = paths
                    .iter()
                    .take(NAMED)
                    .map(|path| format!("`{}`", path.join(".")))
                    .collect();
                if paths.len() > NAMED {
                    named.push("others".into());
                }
                format!(
                    ": nothing was set, since it could be in {}; {}",
                    named.join(", "),
                    example(&paths[0].join("."))
                )
            }
            _ => format!(": nothing was set; {}", example("controller.image")),
        }
    }

    /// A way out for a chart that compares its `appVersion`.
    fn help(&self, said: &str) -> &'static str {
        if !said.contains("semver") {
            ""
        } else if self.app_version.is_some() && !said.contains("tag") {
            "; a chart that reads its own appVersion as a version keeps it: [chart] app_version = \"keep\""
        } else {
            "; let the template compare a version that is not the image's tag, such as .Chart.AppVersion with [chart] app_version = \"keep\""
        }
    }

    /// A template that compares what is no version any more.
    fn comparison_of_the_tag(&self, files: &Files) -> Option<String> {
        let tag = match &self.place {
            Some((Found::At(path), _)) => format!(".Values.{}", path.join(".")),
            _ => return None,
        };
        let app_version = self
            .app_version
            .as_deref()
            .is_some_and(|text| semver::Version::parse(text).is_err());
        let compares = |action: &str| {
            action.contains(&tag) || app_version && action.contains(".Chart.AppVersion")
        };
        comparisons(files)
            .find(|(_, action)| compares(action))
            .map(|(place, _)| place)
    }

    /// Templates whose comparison of the chart's version was true before, and is false for a pre-release.
    fn comparisons_of_the_version(&self, files: &Files, version: &str) -> Vec<String> {
        let is_pre_release = |version: &str| {
            semver::Version::parse(version).is_ok_and(|version| !version.pre.is_empty())
        };
        if !is_pre_release(version) || self.own_version.as_deref().is_some_and(is_pre_release) {
            return Vec::new();
        }
        let compares = |action: &str| {
            action.contains(".Chart.Version")
                && !CONSTRAINT
                    .captures(action)
                    .is_some_and(|text| text[1].contains('-'))
        };
        comparisons(files)
            .filter(|(_, action)| compares(action))
            .take(NAMED)
            .map(|(place, _)| format!("{place} compares the chart's version by semverCompare, which takes no pre-release such as {version}; write the constraint with `-0`, or use [chart] version = \"{{version}}+{{id}}\""))
            .collect()
    }

    /// Labels that Kubernetes refuses, because of a version or a tag that was written.
    fn labels(&self, objects: &str, version: &str) -> Vec<String> {
        let tag = self.image.as_ref().map(|image| image.tag.as_str());
        let mut found = Vec::new();
        for object in objects.split("\n---") {
            let source = object
                .lines()
                .find_map(|line| line.strip_prefix("# Source: "))
                .unwrap_or_default();
            let Some(root) = yaml::parse(object).ok().and_then(|document| document.root) else {
                continue;
            };
            root.walk(&mut |node| {
                for (key, labels) in node.entries() {
                    if !matches!(key.text(), Some("labels" | "matchLabels")) {
                        continue;
                    }
                    for (name, value) in labels.entries() {
                        let ours = |text: &&str| {
                            text.contains(version) || tag.is_some_and(|tag| text.contains(tag))
                        };
                        if let Some(text) = value.text().filter(ours).filter(|text| !is_label(text))
                        {
                            let name = name.text().unwrap_or_default();
                            found.push(format!(
                                "{source} has the label {name}: {text}, which Kubernetes refuses"
                            ));
                        }
                    }
                }
            });
        }
        found.dedup();
        found.truncate(NAMED);
        found
    }
}

/// Whether a text can be a label's value (Kubernetes, "Labels and Selectors").
fn is_label(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && ends(text.chars().next())
        && ends(text.chars().next_back())
}

#[allow(clippy::expect_used, reason = "the pattern is a constant")]
static ACTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\{\{[^{}]*\bsemverCompare\b[^{}]*\}\}").expect("the pattern is valid")
});
#[allow(clippy::expect_used, reason = "the pattern is a constant")]
static CONSTRAINT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("\"([^\"]*)\"").expect("the pattern is valid"));

/// The actions that compare versions: where they are, and their text.
fn comparisons(files: &Files) -> impl Iterator<Item = (String, &str)> {
    files
        .iter()
        .filter(|(file, _)| file.contains("templates/"))
        .filter_map(|(file, content)| Some((file, std::str::from_utf8(content).ok()?)))
        .flat_map(|(file, text)| {
            ACTION.find_iter(text).map(move |found| {
                let line = text[..found.start()].matches('\n').count() + 1;
                (format!("{file}:{line}"), found.as_str())
            })
        })
}
