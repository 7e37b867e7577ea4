//! Which values the templates of a chart read, as far as their text tells. Templates are programs: what is found here
//! chooses among places, and a render is what proves one.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

/// The folder of a chart's templates, and that of the charts inside it.
const TEMPLATES: &str = "templates/";
const CHARTS: &str = "charts/";

#[allow(clippy::expect_used, reason = "the patterns are constants")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is valid")
}

/// What stands between `{{` and `}}`, comments apart.
static ACTION: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)\{\{-?\s*(.*?)\s*-?\}\}"));
/// `.Values.a.b`, or `.Values` alone.
static VALUES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\.Values\)?((?:\.[A-Za-z_][A-Za-z0-9_]*\)?)*)"));
/// `index .Values "a" "b"`, also behind further fields.
static INDEX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\bindex\s+\(?\$?\.?[A-Za-z]*\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)*)\)?((?:\s+"[^"]*")+)"#,
    )
});
/// A field of whatever the dot or a variable is.
static FIELD: LazyLock<Regex> = LazyLock::new(|| pattern(r"\.([A-Za-z_][A-Za-z0-9_]*)"));
/// An action that writes one value as it is.
static PRINTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^\$?\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)(?:\s*\|\s*(?:s?quote|trim|toString))*$")
});

/// A field that is written behind a `/`, by itself or by `printf`.
static BEHIND_A_SLASH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\}\}/\{\{-?\s*[^{}]*?\.([A-Za-z_][A-Za-z0-9_]*)\s*(?:\|[^{}]*)?-?\}\}|"%s/%s[^"]*"\s+\S+\s+[^\s]*\.([A-Za-z_][A-Za-z0-9_]*)(?:\s+[^\s]*\.([A-Za-z_][A-Za-z0-9_]*))?"#,
    )
});

/// What a template writes behind an `@`: a digest's digits behind the name of their algorithm, or the whole digest.
static BEHIND_AN_AT: LazyLock<Regex> = LazyLock::new(|| pattern(r"@(sha256:)?(?:\{\{|%s)"));

/// How the templates of a chart write a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DigestForm {
    /// As values have it: `sha256:…`.
    Whole,
    /// With the `sha256:` in the template.
    Digits,
    /// In both ways.
    Unclear,
}

/// What templates read.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Paths in the values, from the root.
    paths: BTreeSet<Vec<String>>,
    /// Paths that a template writes as they are: strings.
    printed: BTreeSet<Vec<String>>,
    /// Names of fields, whatever they are fields of.
    fields: BTreeSet<String>,
    /// Names of fields that stand behind a `/`.
    behind_a_slash: BTreeSet<String>,
    /// Whether a template writes digits behind `@sha256:`, and whether one writes something behind an `@` alone.
    behind_an_at: (bool, bool),
    /// Whether the chart itself has templates that make objects.
    makes_objects: bool,
}

impl Reads {
    /// Of the chart's own templates, and of those of the charts in `charts/`, whose values stand below the name of each:
    /// `inside` are the folders and those names.
    pub(super) fn of<'f>(
        files: impl IntoIterator<Item = (&'f String, &'f Vec<u8>)>,
        inside: &[(String, String)],
    ) -> Self {
        let mut reads = Self::default();
        for (file, content) in files {
            let Ok(text) = std::str::from_utf8(content) else {
                continue;
            };
            if let Some(name) = file.strip_prefix(TEMPLATES) {
                reads.makes_objects |=
                    !name.starts_with('_') && name != "NOTES.txt" && !text.trim().is_empty();
                reads.add(text, &[]);
                continue;
            }
            let Some((folder, path)) = file
                .strip_prefix(CHARTS)
                .and_then(|file| file.split_once('/'))
            else {
                continue;
            };
            let Some(template) = path.strip_prefix(TEMPLATES) else {
                continue;
            };
            for (_, name) in inside.iter().filter(|(of, _)| *of == folder) {
                reads.add(text, &[name]);
            }
            // A named template is also called by the chart outside, with the values of that.
            if template.starts_with('_') {
                reads.add(text, &[]);
            }
        }
        reads
    }

    fn add(&mut self, text: &str, prefix: &[&str]) {
        for found in BEHIND_A_SLASH.captures_iter(text) {
            let names = found.iter().skip(1).flatten();
            self.behind_a_slash
                .extend(names.map(|name| name.as_str().to_owned()));
        }
        for found in BEHIND_AN_AT.captures_iter(text) {
            match found.get(1) {
                Some(_) => self.behind_an_at.0 = true,
                None => self.behind_an_at.1 = true,
            }
        }
        for action in ACTION.captures_iter(text) {
            let action = &action[1];
            if action.starts_with("/*") {
                continue;
            }
            for found in VALUES.captures_iter(action) {
                self.paths.extend(path(prefix, &found[1], ""));
            }
            for found in INDEX.captures_iter(action) {
                self.paths.extend(path(prefix, &found[1], &found[2]));
            }
            if let Some(found) = PRINTED.captures(action) {
                self.printed.extend(path(prefix, &found[1], ""));
            }
            let fields = FIELD.captures_iter(action);
            self.fields.extend(fields.map(|found| found[1].to_owned()));
        }
    }

    /// Whether the chart itself has templates that make objects; one that has none is made of other charts.
    pub(super) fn makes_objects(&self) -> bool {
        self.makes_objects
    }

    /// Whether no template tells which values it reads.
    pub(super) fn is_empty(&self) -> bool {
        self.paths.iter().all(Vec::is_empty)
    }

    /// Whether a template takes all values at once.
    pub(super) fn reads_all(&self) -> bool {
        self.paths.iter().any(Vec::is_empty)
    }

    /// Whether a template reads this value, a part of it, or something that it is a part of; all values at once, as
    /// `toYaml .Values` reads them, say nothing.
    pub(super) fn read(&self, path: &[String]) -> bool {
        self.paths
            .iter()
            .any(|read| !read.is_empty() && (path.starts_with(read) || read.starts_with(path)))
    }

    /// Whether a template reads a part of this value.
    pub(super) fn read_a_part(&self, path: &[String]) -> bool {
        self.paths
            .iter()
            .any(|read| read.len() > path.len() && read.starts_with(path))
    }

    /// Whether a template writes this value as it is, so that it is a string.
    pub(super) fn prints(&self, path: &[String]) -> bool {
        self.printed.contains(path)
    }

    /// How a digest is written.
    pub(super) fn digest_form(&self) -> DigestForm {
        match self.behind_an_at {
            (false, _) => DigestForm::Whole,
            (true, false) => DigestForm::Digits,
            (true, true) => DigestForm::Unclear,
        }
    }

    /// Whether a template writes a field of this name behind a `/`.
    pub(super) fn follows_a_slash(&self, key: &str) -> bool {
        self.behind_a_slash.contains(key)
    }

    /// Whether a template names `key` of the value at `path` in full.
    pub(super) fn reads_exactly(&self, path: &[String], key: &str) -> bool {
        self.paths.contains(&[path, &[key.to_owned()]].concat())
    }

    /// Whether a template reads `key` of the value at `path`: by its path, or as a field of something that holds it.
    pub(super) fn read_key(&self, path: &[String], key: &str) -> bool {
        let holds = |read: &Vec<String>| path.starts_with(read);
        self.reads_exactly(path, key) || self.fields.contains(key) && self.paths.iter().any(holds)
    }
}

/// Fields as in `.a.b`, then keys in quotes.
fn path(prefix: &[&str], fields: &str, keys: &str) -> Option<Vec<String>> {
    let fields = fields
        .split('.')
        .map(|field| field.trim_end_matches(')'))
        .filter(|field| !field.is_empty());
    let keys = keys.split('"').skip(1).step_by(2);
    let mut inner: Vec<_> = fields.chain(keys).map(str::to_owned).collect();
    if prefix.is_empty() {
        return Some(inner);
    }
    // The global values are those of the chart outside.
    if inner.first().is_some_and(|first| first == "global") {
        return Some(inner);
    }
    inner.splice(0..0, prefix.iter().map(|name| (*name).to_owned()));
    Some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::files::Files;

    fn reads(template: &str) -> Reads {
        let files = [("templates/a.yaml".to_owned(), template.as_bytes().to_vec())];
        Reads::of(&Files::from(files), &[])
    }

    fn keys(path: &str) -> Vec<String> {
        path.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn each_way_to_read_a_value_is_known() {
        for template in [
            "{{ .Values.a.image.tag }}",
            "{{- $.Values.a.image.tag | quote -}}",
            "{{ printf \"%s:%s\" $root.Values.a.image.repository .x }}",
            "{{ with .Values.a.image }}{{ .tag }}{{ end }}",
            "{{ (.Values.a).image.tag }}",
            "{{ ((.Values.a).image).tag }}",
            "{{ index .Values \"a\" \"image\" \"tag\" }}",
            "{{ index .Values.a \"image\" }}",
            "{{ include \"lib.image\" (dict \"imageRoot\" .Values.a.image\n \"global\" .Values.global) }}",
            "{{ toYaml .Values.a | indent 2 }}",
        ] {
            assert!(reads(template).read(&keys("a.image")), "{template}");
            assert!(!reads(template).read(&keys("image")), "{template}");
        }
        for template in [
            "{{ .Values.b }}",
            "{{/* .Values.a.image */}}",
            ".Values.a.image",
            "{{ toYaml .Values }}",
        ] {
            assert!(!reads(template).read(&keys("a.image")), "{template}");
        }
    }

    #[test]
    fn a_string_is_printed_as_it_is() {
        assert!(reads("{{ .Values.image | quote }}").prints(&keys("image")));
        assert!(!reads("{{ .Values.image.tag }}").prints(&keys("image")));
        assert!(!reads("{{ with .Values.image }}").prints(&keys("image")));
    }

    #[test]
    fn a_field_behind_a_slash_is_known() {
        let name = |template: &str| reads(template).follows_a_slash("name");
        assert!(name(
            "{{ .Values.image.repository }}/{{ .Values.image.name }}:{{ .Values.image.tag }}"
        ));
        assert!(name("{{ printf \"%s/%s:%s\" .repository .name .tag }}"));
        assert!(name(
            "{{ printf \"%s/%s/%s\" $i.registry $i.repository $i.name }}"
        ));
        assert!(!name(
            "{{ .Values.image.name }}/{{ .Values.image.repository }}"
        ));
    }

    #[test]
    fn a_key_is_read_by_its_path_or_as_a_field() {
        let digest = |template: &str| reads(template).read_key(&keys("image"), "digest");
        assert!(digest("{{ .Values.image.digest }}"));
        assert!(digest("{{ with .Values.image }}{{ .digest }}{{ end }}"));
        assert!(!digest("{{ .Values.image.tag }}{{ .Values.other.digest }}"));
    }

    #[test]
    fn charts_inside_read_below_their_names_and_the_global_values() {
        let template = |text: &str| text.as_bytes().to_vec();
        let files = Files::from([
            (
                "charts/x/templates/a.yaml".to_owned(),
                template("{{ .Values.image.tag }}{{ .Values.global.reg }}"),
            ),
            (
                "charts/lib/templates/_a.tpl".to_owned(),
                template("{{ .Values.own.tag }}"),
            ),
        ]);
        let inside =
            [("x", "web"), ("lib", "lib")].map(|(folder, key)| (folder.to_owned(), key.to_owned()));
        let reads = Reads::of(&files, &inside);
        assert!(reads.read(&keys("web.image")) && reads.read(&keys("global.reg")));
        assert!(reads.read(&keys("own")) && reads.read(&keys("lib.own")));
        assert!(!reads.read(&keys("image")) && !reads.makes_objects());
    }
}
