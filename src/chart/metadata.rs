//! `Chart.yaml`: what Helm requires of it, and the two fields that packaging writes.
//!
//! The rules are Helm's own (`Validate` of its chart metadata) made strict where Helm tidies up silently: what reaches a
//! terminal or a path is refused rather than cleaned (GHSA-c38g-469g-cmgx, CVE-2025-53547, CVE-2026-35206).

use super::{
    helm,
    yaml::{
        self, NewValue, Node, YamlFault,
        edit::{Editor, Quoting},
    },
};

/// The longest name: Helm's limit for the charts it creates.
const NAME_LIMIT: usize = 250;

/// A `Chart.yaml` that Helm takes.
#[derive(Debug)]
pub(super) struct Metadata<'s> {
    source: &'s str,
    root: Node,
    /// The chart's name, which is also the folder in its archive.
    pub name: String,
    /// The version, SemVer 2; none if the file leaves it to flota.
    pub version: Option<String>,
}

impl<'s> Metadata<'s> {
    /// Reads and checks a `Chart.yaml`.
    ///
    /// # Errors
    /// The first place that breaks a rule.
    pub(super) fn read(source: &'s str) -> Result<Self, YamlFault> {
        let root = yaml::parse(source)?.root.ok_or_else(|| YamlFault {
            line: 1,
            column: 1,
            what: "the file is empty".into(),
        })?;
        check_characters(&root)?;
        let required = |key: &str| {
            string(&root, key)?.ok_or_else(|| root.fault(format!("`{key}` is missing")))
        };
        let api_version = required("apiVersion")?;
        check(
            &root,
            "apiVersion",
            ["v1", "v2"].contains(&&*api_version),
            "is neither v1 nor v2",
        )?;
        let name = required("name")?;
        check(
            &root,
            "name",
            is_name(&name),
            "is not a valid chart name: letters, digits, `.`, `_` and `-`, beginning with a letter or digit",
        )?;
        if let Some(kind) = string(&root, "type")? {
            let known = ["application", "library"].contains(&&*kind);
            check(&root, "type", known, "is neither application nor library")?;
        }
        let version = string(&root, "version")?;
        let semver = version
            .as_deref()
            .is_none_or(|text| semver::Version::parse(text).is_ok());
        check(
            &root,
            "version",
            semver,
            "is not a SemVer 2 version such as 1.2.3",
        )?;
        helm::check_metadata(source).map_err(|rejection| {
            let field = rejection.field.and_then(|field| root.get(field));
            field.unwrap_or(&root).fault(rejection.what)
        })?;
        Ok(Self {
            source,
            root,
            name,
            version,
        })
    }

    /// The text with these two versions in place, or added if they were missing.
    ///
    /// # Errors
    /// A place that cannot be edited.
    pub(super) fn write(
        &self,
        version: &str,
        app_version: Option<&str>,
    ) -> Result<String, YamlFault> {
        let mut editor = Editor::new(self.source);
        let mut root = self.root.clone();
        let mut after = "name";
        let mut missing = Vec::new();
        let app_version = app_version.map(|text| ("appVersion", text, Quoting::Always));
        for (name, text, quoting) in
            std::iter::once(("version", version, Quoting::Keep)).chain(app_version)
        {
            if let Some((key, value)) = root.entry_mut(name) {
                editor.set(key, value, text, quoting)?;
                after = name;
            } else {
                missing.push((name, NewValue::string(text)));
            }
        }
        if !missing.is_empty() {
            editor.insert_after(&mut root, after, missing)?;
        }
        editor.finish(Some(&root))
    }
}

/// A file name that is safe everywhere: no separator, no dot segment, nothing that looks like an option.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_LIMIT
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// The text of a scalar field; none where it is absent or null.
fn string(root: &Node, key: &str) -> Result<Option<String>, YamlFault> {
    match root.get(key) {
        None => Ok(None),
        Some(value) if value.is_null() => Ok(None),
        Some(value) => match value.text() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(value.fault(format!("`{key}` is not a string"))),
        },
    }
}

fn check(root: &Node, key: &str, holds: bool, what: &str) -> Result<(), YamlFault> {
    if holds {
        return Ok(());
    }
    let value = root.get(key).unwrap_or(root);
    let text = value.text().unwrap_or_default();
    Err(value.fault(format!("`{key}: {text}` {what}")))
}

fn check_characters(root: &Node) -> Result<(), YamlFault> {
    let mut found = None;
    root.walk(&mut |node| {
        let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if found.is_none() && node.text().is_some_and(|text| text.contains(control)) {
            found = Some(node.fault("there is a control character in this value"));
        }
    });
    found.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(source: &str) -> String {
        Metadata::read(source).unwrap_err().to_string()
    }

    #[test]
    fn versions_are_written_in_place() {
        let source = "# é\r\napiVersion: v2 # why\r\nversion:   '0.1.0'   # ours\r\nname: a\r\nappVersion: 1.0\r\n";
        let chart = Metadata::read(source).unwrap();
        assert_eq!(chart.version.as_deref(), Some("0.1.0"));
        assert_eq!(
            chart.write("0.1.0+abc", Some("code-1")).unwrap(),
            "# é\r\napiVersion: v2 # why\r\nversion:   '0.1.0+abc'   # ours\r\nname: a\r\nappVersion: \"code-1\"\r\n"
        );
    }

    #[test]
    fn missing_versions_are_added_behind_the_name() {
        let write = |source| {
            Metadata::read(source)
                .unwrap()
                .write("1.0.0", Some("1e5"))
                .unwrap()
        };
        assert_eq!(
            write("name: a # chart\napiVersion: v2"),
            "name: a # chart\nversion: \"1.0.0\"\nappVersion: \"1e5\"\napiVersion: v2"
        );
        assert_eq!(
            write("{apiVersion: v1, name: a, version: }\n"),
            "{apiVersion: v1, name: a, version: 1.0.0, appVersion: \"1e5\" }\n"
        );
    }

    #[test]
    fn what_helm_or_a_path_cannot_take_is_refused() {
        let with = |line: &str| {
            fault(&format!(
                "apiVersion: v2\nname: a\nversion: 1.0.0\n{line}\n"
            ))
        };
        assert_eq!(fault("name: a\n"), "1:1: `apiVersion` is missing");
        assert_eq!(
            fault("apiVersion: v3\n"),
            "1:13: `apiVersion: v3` is neither v1 nor v2"
        );
        assert_eq!(fault("apiVersion: v2\n"), "1:1: `name` is missing");
        for name in [".", "..", "../x", "a/b", "a\\b", "-rf", "a b", "é"] {
            let fault = fault(&format!("apiVersion: v2\nname: '{name}'\n"));
            assert!(
                fault.starts_with("2:7: ") && fault.contains("not a valid chart name"),
                "{fault}"
            );
        }
        assert!(
            fault(&format!("apiVersion: v2\nname: {}\n", "a".repeat(251)))
                .contains("not a valid chart name")
        );
        for version in ["1.0", "v1.0.0", "1.0.0/../x", "01.0.0", "latest", "[1]"] {
            let fault = fault(&format!("apiVersion: v2\nname: a\nversion: {version}\n"));
            assert!(fault.starts_with("3:10: "), "{fault}");
        }
        assert_eq!(
            with("type: operator"),
            "4:7: `type: operator` is neither application nor library"
        );
        assert_eq!(
            with("appVersion: \"\\e[31mred\""),
            "4:13: there is a control character in this value"
        );
        assert_eq!(
            with("name: b"),
            "4:1: the key `name` appears twice in this mapping"
        );
        assert_eq!(fault("# nothing\n"), "1:1: the file is empty");
    }
}
