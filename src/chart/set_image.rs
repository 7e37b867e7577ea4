//! The image's coordinates in `values.yaml`, in the form in which the chart has them.

use super::{
    coordinates::{Keys, digits, is_hex, names_content},
    merges,
    reads::{DigestForm, Reads},
    request::ImageCoordinates,
    schema::Schema,
    yaml::{
        Kind, NewValue, Node, YamlDocument, YamlFault,
        edit::{Editor, Quoting},
    },
};

/// The keys of a mapping that is made.
const REGISTRY: &str = "registry";
const REPOSITORY: &str = "repository";
const TAG: &str = "tag";
const DIGEST: &str = "digest";

/// An image, and where it goes.
#[derive(Clone, Copy)]
pub(super) struct ImagePlace<'a> {
    /// The image.
    pub image: &'a ImageCoordinates,
    /// The keys that lead to it, from the root.
    pub path: &'a [String],
    /// What a chart inside has there, over which the chart's own values are laid.
    pub inside: Option<&'a Node>,
    /// What the templates read.
    pub reads: &'a Reads,
    /// Which keys values may have.
    pub schema: &'a Schema,
}

/// Sets the image's coordinates:
/// - a mapping: `registry` and `repository` apart if it has a `registry`, else `repository` with the registry in it; `tag`;
///   `digest` if it is known, else an old one is emptied, because it belongs to another image; so is `sha`;
/// - a string with neighbours such as `imageTag`: the name, and they are set as in a mapping;
/// - a string: the whole reference, `registry/repository:tag@digest`;
/// - null or nothing: a mapping is made, or a string where a template writes it as it is.
///
/// # Errors
/// A place that cannot be set without changing something else, or that is neither a mapping nor a string.
pub(super) fn set_image(
    editor: &mut Editor<'_>,
    document: &mut YamlDocument,
    place: ImagePlace<'_>,
) -> Result<(), YamlFault> {
    let keys: Vec<_> = place.path.iter().map(String::as_str).collect();
    let Some((last, parents)) = keys.split_last() else {
        return Ok(());
    };
    let root = document.root.as_mut();
    let Some(root) = root.filter(|root| !root.span.is_empty() || !root.is_null()) else {
        return place.append(editor, document, parents, last);
    };
    merges::check(root, place.path)?;
    let depth = place.depth(root);
    if depth == 0 && matches!(root.kind, Kind::Mapping { flow: false, .. }) {
        return place.append(editor, document, parents, last);
    }
    place.set_below(editor, root, depth)
}

impl ImagePlace<'_> {
    /// The path, as it is written.
    fn shown(&self) -> String {
        self.path.join(".")
    }

    /// How many keys of the path are there.
    fn depth(&self, root: &Node) -> usize {
        let mut node = root;
        for (depth, key) in self.path.iter().enumerate() {
            match node.get(key) {
                Some(value) => node = value,
                None => return depth,
            }
        }
        self.path.len()
    }

    /// Goes down to the last key that is there, and sets the image there or adds what is missing.
    fn set_below(
        &self,
        editor: &mut Editor<'_>,
        root: &mut Node,
        depth: usize,
    ) -> Result<(), YamlFault> {
        let is_whole = depth == self.path.len();
        let keys: Vec<_> = self.path.iter().map(String::as_str).collect();
        let mut owner = None;
        let mut map = root;
        for key in &keys[..depth - usize::from(is_whole)] {
            let (key, value) = map.entry_mut(key).ok_or_else(no_place)?;
            owner = Some(key.clone());
            map = value;
        }
        let shown = self.shown();
        if is_whole {
            return self.set_value(editor, map, owner.as_ref());
        }
        let (path, strings) = self.new_value(keys[depth]);
        let rest: Vec<_> = keys[depth..]
            .iter()
            .copied()
            .take(keys.len() - depth - usize::from(!path))
            .collect();
        let strings: Vec<_> = strings
            .iter()
            .map(|(key, text)| (key.as_str(), text.as_str()))
            .collect();
        match (&map.kind, owner) {
            (Kind::Mapping { .. }, owner) => {
                let new = match rest.split_first() {
                    Some((first, rest)) => vec![(*first, NewValue::flow_mapping(rest, &strings))],
                    None => strings.iter().map(|(key, text)| (*key, NewValue::string(text))).collect(),
                };
                editor.insert_first(owner.as_ref(), map, new)
            }
            (_, Some(owner)) if map.is_null() => {
                editor.set_null(&owner, map, NewValue::flow_mapping(&rest, &strings))
            }
            (Kind::Alias(_), _) => Err(map.fault(format!(
                "`{shown}` lies behind an alias and cannot be set without changing what it refers to; write the mapping in full",
            ))),
            _ => Err(map.fault(format!("`{shown}` cannot be here: a mapping is expected"))),
        }
    }

    /// Sets what stands under the last key of the path in `map`.
    fn set_value(
        &self,
        editor: &mut Editor<'_>,
        map: &mut Node,
        owner: Option<&Node>,
    ) -> Result<(), YamlFault> {
        let last = self.path.last().map(String::as_str).unwrap_or_default();
        let parent = &self.path[..self.path.len() - 1];
        let shown = self.shown();
        let mut beside = Keys::beside(map, last);
        let old = map.get(last).and_then(Node::text).unwrap_or_default();
        if names_content(old) {
            // A tag that stands beside a whole reference is that of something else; a digest is not.
            beside.tag = None;
        }
        let is_name = beside.names_content();
        let (key, value) = map.entry_mut(last).ok_or_else(no_place)?;
        let is_null = value.is_null();
        match &value.kind {
            Kind::Mapping { .. } => {
                let follows = |key: &str| self.reads.follows_a_slash(key);
                let mut keys = Keys::of_mapping(value, follows);
                if let Some(inside) = self.inside {
                    keys = keys.or(Keys::of_mapping(inside, follows));
                }
                // What is called so may be something else.
                if keys.tag.as_deref() == Some("version") && self.reads.read_key(self.path, TAG) {
                    keys.tag = None;
                }
                let key = key.clone();
                self.set_keys(editor, Some(&key), value, &keys, self.path, true)
            }
            Kind::Scalar { .. } if is_name => self.set_keys(editor, owner, map, &beside, parent, false),
            Kind::Scalar { .. } if is_null && !self.is_string() => {
                let (_, strings) = self.new_value(last);
                let strings: Vec<_> = strings.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
                editor.set_null(key, value, NewValue::flow_mapping(&[], &strings))
            }
            Kind::Scalar { .. } => editor.set(key, value, &self.image.reference(), Quoting::Keep),
            Kind::Sequence(_) => Err(value.fault(format!(
                "`{shown}` is a list, where a mapping or a string is expected"
            ))),
            Kind::Alias(_) => Err(value.fault(format!(
                "`{shown}` is an alias and cannot be set without changing what it refers to; write the mapping in full",
            ))),
        }
    }

    /// Sets the keys that are there, and adds the ones that are needed where `grows`.
    fn set_keys(
        &self,
        editor: &mut Editor<'_>,
        owner: Option<&Node>,
        map: &mut Node,
        keys: &Keys,
        path: &[String],
        grows: bool,
    ) -> Result<(), YamlFault> {
        let old = |key: &Option<String>| {
            let value = key.as_ref().and_then(|key| map.get(key));
            value
                .filter(|value| !value.is_null())
                .map(|value| value.text().unwrap_or_default().to_owned())
        };
        let (registry, mut repository) = match keys.registry {
            Some(_) => self.image.split_name(),
            None => (String::new(), self.image.name()),
        };
        let mut name = String::new();
        if keys.name.is_some() {
            let whole = if repository.contains('/') {
                repository
            } else {
                self.image.split_name().1
            };
            let (first, rest) = whole.rsplit_once('/').unwrap_or(("library", &whole));
            (repository, name) = (first.to_owned(), rest.to_owned());
        } else if keys.tag.is_none()
            && (!grows || old(&keys.repository).is_some_and(|old| names_content(&old)))
        {
            // Nothing else says which of the images of this name it is.
            repository = format!("{repository}:{}", self.image.tag);
        }
        // An old digest would still name the old image.
        let adds = keys.digest.is_some()
            || grows && self.may_add(path, DIGEST) && self.reads_key(path, DIGEST);
        let digest = match (&self.image.digest, old(&keys.digest)) {
            (None, Some(_)) => Some(String::new()),
            (Some(new), old) if adds => Some(self.in_form(new, &old.unwrap_or_default())),
            _ => None,
        };
        let has_whole = repository.ends_with(&format!(":{}", self.image.tag));
        let tag = (keys.tag.is_some() || grows && !has_whole && self.may_add(path, TAG))
            .then(|| self.image.tag.clone());
        let add_name = keys.repository.is_some() || self.may_add(path, REPOSITORY);
        let wanted = [
            (
                keys.registry.as_deref(),
                REGISTRY,
                keys.registry.is_some().then_some(registry),
                Quoting::Keep,
            ),
            (
                keys.repository.as_deref(),
                REPOSITORY,
                add_name.then_some(repository),
                Quoting::Keep,
            ),
            (
                keys.name.as_deref(),
                "name",
                keys.name.is_some().then_some(name),
                Quoting::Keep,
            ),
            (keys.tag.as_deref(), TAG, tag, Quoting::Always),
            (keys.digest.as_deref(), DIGEST, digest, Quoting::Always),
        ];
        let hex: Vec<_> = keys
            .hex
            .iter()
            .filter_map(|key| Some((key, self.new_hex(map.get(key))?)))
            .collect();
        let mut missing = Vec::new();
        let mut last = None;
        for (name, usual, text, quoting) in wanted {
            let Some(text) = text else { continue };
            match name.and_then(|name| map.entry_mut(name)) {
                Some((key, value)) => {
                    editor.set(key, value, &text, quoting)?;
                    if usual != DIGEST {
                        last = name;
                    }
                }
                None => missing.push((name.unwrap_or(usual), NewValue::string(&text))),
            }
        }
        for (name, text) in hex {
            match map.entry_mut(name) {
                Some((key, value)) => editor.set(key, value, &text, Quoting::Always)?,
                None => missing.push((name, NewValue::string(&text))),
            }
        }
        match last {
            _ if missing.is_empty() => Ok(()),
            Some(last) => editor.insert_after(map, last, missing),
            None => editor.insert_first(owner, map, missing),
        }
    }

    /// A digest as the old one is written, else as the templates need it.
    fn in_form(&self, digest: &str, old: &str) -> String {
        let form = match old {
            "" => self.reads.digest_form(),
            old if is_hex(old) => DigestForm::Digits,
            _ => DigestForm::Whole,
        };
        match form {
            DigestForm::Whole => digest.to_owned(),
            DigestForm::Digits => digits(digest).to_owned(),
            // The tag says as much.
            DigestForm::Unclear => String::new(),
        }
    }

    /// What a key with the digits of a digest becomes; none where it says nothing.
    fn new_hex(&self, old: Option<&Node>) -> Option<String> {
        let Some(old) = old else {
            // A chart inside has it, perhaps with a value.
            return Some(String::new());
        };
        let text = old.text().unwrap_or("an alias");
        if old.is_null() || text.is_empty() {
            return None;
        }
        Some(match &self.image.digest {
            Some(new) if is_hex(text) => digits(new).to_owned(),
            Some(new) if text.starts_with("sha256:") => new.clone(),
            _ => String::new(),
        })
    }

    /// The strings of a value that is not there yet; whether they are a mapping, or one string under the path's last key.
    fn new_value(&self, last: &str) -> (bool, Vec<(String, String)>) {
        if self.is_string() {
            return (
                false,
                vec![(
                    self.path.last().map_or(last, |last| last).to_owned(),
                    self.image.reference(),
                )],
            );
        }
        let keys = self
            .inside
            .map(|inside| Keys::of_mapping(inside, |key| self.reads.follows_a_slash(key)));
        let keys = keys.unwrap_or_default();
        let named = |key: Option<String>, usual: &str| key.unwrap_or_else(|| usual.to_owned());
        let reads_registry =
            self.reads.reads_exactly(self.path, REGISTRY) && keys == Keys::default();
        let mut strings = Vec::new();
        let mut repository = self.image.name();
        if keys.registry.is_some() || reads_registry {
            let (registry, rest) = self.image.split_name();
            strings.push((named(keys.registry, REGISTRY), registry));
            repository = rest;
        }
        strings.push((named(keys.repository, REPOSITORY), repository));
        strings.push((named(keys.tag, TAG), self.image.tag.clone()));
        let reads_digest = self.reads_key(self.path, DIGEST);
        if keys.digest.is_some() || reads_digest && self.may_add(self.path, DIGEST) {
            let digest = self.image.digest.as_deref();
            let digest = digest.map(|digest| self.in_form(digest, ""));
            // Without one, that of the chart inside must not stay.
            let digest = digest.or(keys.digest.is_some().then(String::new));
            strings.extend(digest.map(|digest| (named(keys.digest, DIGEST), digest)));
        }
        strings.extend(keys.hex.into_iter().map(|key| (key, String::new())));
        (true, strings)
    }

    /// Whether the image is one string.
    fn is_string(&self) -> bool {
        match self.inside {
            Some(inside) => matches!(inside.kind, Kind::Scalar { .. }),
            None => self.reads.prints(self.path) && !self.reads.read_a_part(self.path),
        }
    }

    fn reads_key(&self, path: &[String], key: &str) -> bool {
        self.reads.read_key(path, key) || self.reads.is_empty()
    }

    fn may_add(&self, path: &[String], key: &str) -> bool {
        self.schema.allows(path, key)
    }

    fn append(
        &self,
        editor: &mut Editor<'_>,
        document: &mut YamlDocument,
        parents: &[&str],
        last: &str,
    ) -> Result<(), YamlFault> {
        let (is_mapping, strings) = self.new_value(last);
        let strings: Vec<_> = strings
            .iter()
            .map(|(key, text)| (key.as_str(), text.as_str()))
            .collect();
        let path = if is_mapping {
            [parents, &[last]].concat()
        } else {
            parents.to_vec()
        };
        editor.append(document, &path, &strings)
    }
}

fn no_place() -> YamlFault {
    YamlFault {
        line: 1,
        column: 1,
        what: "the image has no place here".into(),
    }
}
