//! Where in its values a chart says which image it runs: told by the configuration, else by the shape of the values and by what
//! the templates read. What is not clear is left alone, and said.

use super::{
    coordinates::Keys,
    reads::Reads,
    yaml::{Kind, Node, scalar::MERGE_KEY},
};

/// Where charts have it by custom (`helm create`).
const USUAL: &str = "image";
/// How deep images are looked for.
const DEPTH: usize = 6;
/// Parts of a path that stand for other programs than the service's own.
const OTHERS: [&str; 14] = [
    "metrics",
    "exporter",
    "init",
    "sidecar",
    "test",
    "tests",
    "hook",
    "hooks",
    "kubectl",
    "busybox",
    "curl",
    "wait",
    "permissions",
    "proxy",
];

/// The values of a chart as its templates see them: its own file, and those of the charts inside it below their names.
#[derive(Debug, Default)]
pub(super) struct Shapes<'v> {
    /// `values.yaml`.
    pub own: Option<&'v Node>,
    /// The values of charts inside it, by the key below which this chart gives them others.
    pub inside: &'v [(String, Node)],
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// At this path.
    At(Vec<String>),
    /// Nowhere, or at one of several paths.
    Unclear(Vec<Vec<String>>),
}

impl<'v> Shapes<'v> {
    /// The value at a path: in the chart's own file, else in that of the chart inside it.
    pub(super) fn get(&self, path: &[String]) -> Option<&'v Node> {
        let own = self.own.and_then(|root| descend(root, path));
        own.or_else(|| {
            let (first, rest) = path.split_first()?;
            let mut inside = self.inside.iter();
            let (_, values) = inside.find(|(name, _)| name == first)?;
            descend(values, rest)
        })
    }

    /// Where the image is. `names` are those of the service and of the chart.
    pub(super) fn find(&self, reads: &Reads, names: &[&str]) -> Found {
        let usual = vec![USUAL.to_owned()];
        let there = self.own.is_some_and(|root| root.get(USUAL).is_some());
        let is_usual = if there {
            // Without templates that tell, the custom counts.
            (reads.read(&usual) || reads.is_empty()) && self.is_image(&usual, reads)
        } else {
            let merges = self.own.is_some_and(|root| root.get(MERGE_KEY).is_some());
            reads.read_a_part(&usual) || reads.prints(&usual) || merges && reads.is_empty()
        };
        if is_usual {
            return Found::At(usual);
        }
        let mut own = Vec::new();
        if let Some(root) = self.own {
            candidates(root, &mut Vec::new(), &mut own);
        }
        let mut all = own.clone();
        for (name, values) in self.inside {
            candidates(values, &mut vec![name.clone()], &mut all);
        }
        all.sort();
        all.dedup();
        all.retain(|path| reads.read(path));
        let named: Vec<_> = all
            .iter()
            .filter(|path| self.is_named(path, names))
            .collect();
        if let [only] = named[..] {
            return Found::At(only.clone());
        }
        // A chart inside is another program, unless this one has none of its own.
        let is_own = |path: &&Vec<String>| {
            let inside = self
                .inside
                .iter()
                .any(|(name, _)| Some(name) == path.first());
            own.contains(path) && (!inside || !reads.makes_objects())
        };
        let told: Vec<_> = all
            .iter()
            .filter(is_own)
            .filter(|path| !is_other(path))
            .collect();
        match told[..] {
            [only] if named.is_empty() => Found::At(only.clone()),
            _ => Found::Unclear(all),
        }
    }

    /// Whether what is under the usual key can be an image: not a folder of several.
    fn is_image(&self, path: &[String], reads: &Reads) -> bool {
        let Some(Node {
            kind: Kind::Mapping { entries, .. },
            ..
        }) = self.get(path)
        else {
            return true;
        };
        let part = |key: &str| reads.read_key(path, key);
        let map = self.get(path);
        let keys = map
            .map(|map| Keys::of_mapping(map, |_| false))
            .unwrap_or_default();
        let has = keys.repository.is_some() || keys.names_content();
        let nested = entries
            .iter()
            .any(|(_, value)| matches!(value.kind, Kind::Mapping { .. }));
        has || part("repository") || part("tag") || !nested
    }

    /// Whether a path, or the repository that stands there, has the name of the service or of the chart.
    fn is_named(&self, path: &[String], names: &[&str]) -> bool {
        let same = |text: &str| names.iter().any(|name| letters(name) == letters(text));
        if path
            .iter()
            .any(|key| same(key) || same(key.trim_end_matches("Image")))
        {
            return true;
        }
        let repository = self.get(path).and_then(|value| match value.kind {
            Kind::Mapping { .. } => {
                let keys = Keys::of_mapping(value, |_| false);
                value.get(&keys.repository?)?.text()
            }
            _ => value.text(),
        });
        repository.is_some_and(|text| {
            let name = text
                .split('@')
                .next()
                .unwrap_or_default()
                .rsplit('/')
                .next()
                .unwrap_or_default();
            same(name.split(':').next().unwrap_or_default())
        })
    }
}

fn descend<'v>(node: &'v Node, path: &[String]) -> Option<&'v Node> {
    path.iter().try_fold(node, |node, key| node.get(key))
}

/// A name without what is written one way here and another there.
fn letters(name: &str) -> String {
    let plain = name.chars().filter(char::is_ascii_alphanumeric);
    plain.map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a path is that of a helper's image.
fn is_other(path: &[String]) -> bool {
    let words = |key: &String| -> Vec<String> {
        let mut spaced = String::new();
        for c in key.chars() {
            if c.is_ascii_uppercase() || !c.is_ascii_alphanumeric() {
                spaced.push(' ');
            }
            spaced.push(c.to_ascii_lowercase());
        }
        spaced
            .split(|c: char| !c.is_ascii_alphanumeric())
            .map(str::to_owned)
            .collect()
    };
    path.iter()
        .flat_map(words)
        .any(|word| OTHERS.contains(&&*word))
}

/// Every path below `node` that has the shape of an image.
fn candidates(node: &Node, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    if path.len() > DEPTH {
        return;
    }
    let is_called_image = |key: &str| letters(key).ends_with("image");
    let here = path.last().is_some_and(|key| is_called_image(key));
    let keys = Keys::of_mapping(node, |_| false);
    let full = keys.repository.as_deref().is_some_and(|key| key != "name");
    let has_name = keys.repository.is_some() || keys.registry.is_some();
    let is_image = !path.is_empty()
        && (full && keys.names_content() || here && (has_name || keys.names_content()));
    if is_image {
        // `{image: name, tag: …}` is one image, and so is what stands in it under `repository`.
        found.push(path.clone());
    }
    for (key, value) in node.entries() {
        let Some(key) = key.text() else { continue };
        match &value.kind {
            Kind::Mapping { .. } => {
                path.push(key.to_owned());
                candidates(value, path, found);
                path.pop();
            }
            Kind::Scalar { .. } if !is_image => {
                let flat = letters(key).ends_with("imagerepository")
                    || letters(key).ends_with("imagename");
                let text = value.string().is_some() || value.is_null();
                if text && (flat || is_called_image(key)) {
                    found.push([path.as_slice(), &[key.to_owned()]].concat());
                }
            }
            _ => {}
        }
    }
}
