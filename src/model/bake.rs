//! The file that `docker buildx bake` reads: every image of a run, built in one call.
//!
//! Source: <https://docs.docker.com/build/bake/reference/>

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::settings::SecretSource;

/// What is built when nothing is named. No target can have its name.
const GROUP: &str = "default";

/// With this begin the steps that belong to no target.
const INTERNAL: &str = "internal";

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BakeFile {
    /// The images by the name of their target, which [`target_names`] gives.
    pub targets: BTreeMap<String, BakeTarget>,
}

/// One image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BakeTarget {
    /// A folder of this machine, or a URL of a Git repository (`URL#COMMIT:FOLDER`).
    pub context: String,
    /// What images that the Dockerfile names stand for, by their references there: `target:NAME` of the same file,
    /// `docker-image://…`, `oci-layout://…`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub contexts: BTreeMap<String, String>,
    /// The Dockerfile, relative to the context.
    pub dockerfile: String,
    /// The stage to stop at; the last one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Build arguments by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// Labels by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The names that the image gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The platforms in OCI's notation.
    pub platforms: Vec<String>,
    /// What a `RUN --mount=type=secret` may read.
    #[serde(rename = "secret", skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<BakeSecret>,
    /// The SSH agents that a `RUN --mount=type=ssh` may use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ssh: Vec<String>,
    /// Where steps that were built before may be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cache_from: Vec<String>,
    /// Where the steps that are built now go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cache_to: Vec<String>,
    /// What is attached to the image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attest: Vec<String>,
    /// What becomes of the image; whoever calls bake decides when it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// A secret by its source, never by its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BakeSecret {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src: Option<String>,
}

impl BakeSecret {
    /// The secret called `id`.
    pub fn new(id: &str, source: &SecretSource) -> Self {
        let (env, src) = match source {
            SecretSource::Env(name) => (Some(name.clone()), None),
            SecretSource::File(path) => (None, Some(path.display().to_string())),
        };
        let id = id.to_owned();
        Self { id, env, src }
    }
}

impl BakeFile {
    /// The file as JSON. bake expands `${…}` and `%{…}` in every string of it: here they are written so that they stay what they
    /// are.
    #[allow(clippy::expect_used, reason = "targets are plain data")]
    pub fn json(&self) -> Value {
        let targets: Vec<_> = self.targets.keys().collect();
        // Strings, and maps from strings: making values of them cannot fail.
        let file = serde_json::json!({
            "group": { GROUP: { "targets": targets } },
            "target": serde_json::to_value(&self.targets).expect("targets are plain data"),
        });
        literal(file)
    }
}

/// `value` with every string in it, keys too, as one that has no templates
/// (<https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-literals>).
fn literal(value: Value) -> Value {
    let text = |text: String| text.replace("${", "$${").replace("%{", "%%{");
    match value {
        Value::String(string) => Value::String(text(string)),
        Value::Array(items) => Value::Array(items.into_iter().map(literal).collect()),
        Value::Object(entries) => {
            let entries = entries.into_iter();
            let entries: Map<_, _> = entries.map(|(key, it)| (text(key), literal(it))).collect();
            Value::Object(entries)
        }
        plain => plain,
    }
}

/// A name for the target of each service, in their order: bake takes letters, digits, `_` and `-`, and each name once.
pub fn target_names<'a>(services: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::from([GROUP.to_owned(), INTERNAL.to_owned()]);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name = |service: &str| {
        let plain: String = service
            .chars()
            .map(|c| if fits(c) { c } else { '-' })
            .collect();
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let mut names = std::iter::once(plain.clone()).chain(numbered);
        // There is always a further number.
        let free = names.find(|name| !taken.contains(name)).unwrap_or(plain);
        taken.insert(free.clone());
        free
    };
    services.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_a_target_of_its_own() {
        let names = target_names([
            "shop/cart",
            "shop-cart",
            "shop cart",
            "default",
            "ä",
            "internal",
        ]);
        assert_eq!(
            names,
            [
                "shop-cart",
                "shop-cart-2",
                "shop-cart-3",
                "default-2",
                "-",
                "internal-2"
            ]
        );
    }

    #[test]
    fn nothing_is_expanded() {
        let target = BakeTarget {
            context: "/a/${HOME}".to_owned(),
            args: BTreeMap::from([("A".to_owned(), "%{if} $x ${y} $${z}".to_owned())]),
            labels: BTreeMap::from([("k${x}".to_owned(), String::new())]),
            ..BakeTarget::default()
        };
        let file = BakeFile {
            targets: BTreeMap::from([("a".to_owned(), target)]),
        };
        let json = file.json();
        assert_eq!(json["target"]["a"]["context"], "/a/$${HOME}");
        assert_eq!(json["target"]["a"]["args"]["A"], "%%{if} $x $${y} $$${z}");
        assert_eq!(json["target"]["a"]["labels"]["k$${x}"], "");
        assert_eq!(json["group"]["default"]["targets"][0], "a");
    }

    #[test]
    fn secrets_are_named_and_not_told() {
        let env = BakeSecret::new("npm", &SecretSource::Env("NPM_TOKEN".into()));
        let file = BakeSecret::new("rc", &SecretSource::File("/run/rc".into()));
        let json = serde_json::to_string(&[env, file]).unwrap();
        assert_eq!(
            json,
            r#"[{"id":"npm","env":"NPM_TOKEN"},{"id":"rc","src":"/run/rc"}]"#
        );
    }
}
