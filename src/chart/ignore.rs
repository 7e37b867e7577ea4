//! `.helmignore`, by Helm's rules (<https://helm.sh/docs/chart_template_guide/helm_ignore_file/>), which are not git's:
//! no `**`, and a `!` pattern drops whatever it does *not* match.

use globset::{GlobBuilder, GlobMatcher};

use super::yaml::YamlFault;

/// The file's name.
pub(super) const FILE: &str = ".helmignore";

/// What Helm leaves out whatever the file says: hidden files of the templates.
const DEFAULT: &str = "templates/.?*";

/// The rules of a chart, in order.
#[derive(Debug)]
pub(super) struct HelmIgnore(Vec<IgnoreRule>);

#[derive(Debug)]
struct IgnoreRule {
    matcher: GlobMatcher,
    negated: bool,
    only_folders: bool,
    whole_path: bool,
}

impl HelmIgnore {
    /// Reads the text of a `.helmignore`; an empty one for a chart that has none.
    ///
    /// # Errors
    /// A pattern that Helm does not take, or that it reads differently from other globs.
    pub(super) fn parse(text: &str) -> Result<Self, YamlFault> {
        let text = text.trim_start_matches('\u{feff}');
        let lines = text.lines().chain([DEFAULT]).map(str::trim).enumerate();
        let patterns = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let rules = patterns.map(|(index, line)| {
            IgnoreRule::parse(line).map_err(|what| YamlFault {
                line: index + 1,
                column: 1,
                what: format!("`{line}`: {what}"),
            })
        });
        Ok(Self(rules.collect::<Result<_, _>>()?))
    }

    /// Whether Helm leaves out what stands at this path below the chart, written with `/`. What is below a folder that
    /// is left out is not asked about.
    pub(super) fn ignores(&self, path: &str, is_folder: bool) -> bool {
        self.0
            .iter()
            .any(|rule| rule.matches(path, is_folder) != rule.negated)
    }
}

impl IgnoreRule {
    fn parse(line: &str) -> Result<Self, String> {
        if line.contains("**") {
            return Err("Helm does not support `**`".into());
        }
        let (negated, pattern) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (only_folders, pattern) = match pattern.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let whole_path = pattern.contains('/');
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        if pattern.contains("[!") {
            return Err("Helm reads `[!` as a set with `!` in it; put the `!` elsewhere in the set, or write `[^`".into());
        }
        let matcher = GlobBuilder::new(&pattern.replace('{', "\\{").replace('}', "\\}"))
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|error| error.kind().to_string())?
            .compile_matcher();
        Ok(Self {
            matcher,
            negated,
            only_folders,
            whole_path,
        })
    }

    fn matches(&self, path: &str, is_folder: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let subject = if self.whole_path { path } else { name };
        (is_folder || !self.only_folders) && self.matcher.is_match(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(rules: &str, path: &str) -> bool {
        let (path, is_folder) = match path.strip_suffix('/') {
            Some(folder) => (folder, true),
            None => (path, false),
        };
        HelmIgnore::parse(rules).unwrap().ignores(path, is_folder)
    }

    #[test]
    fn patterns_match_as_in_helm() {
        for (rules, path, expected) in [
            ("", "templates/.hidden", true),
            ("", "templates/sub/.hidden", false),
            ("", ".hidden", false),
            ("*.bak", "a/b/c.bak", true),
            ("*.bak", "c.bak.txt", false),
            ("a/*.txt", "a/x.txt", true),
            ("a/*.txt", "a/b/x.txt", false),
            ("/x.txt", "x.txt", true),
            ("/x.txt", "a/x.txt", false),
            ("docs/", "docs/", true),
            ("docs/", "docs", false),
            ("docs/", "a/docs/", true),
            ("[a-c]?.md", "b1.md", true),
            ("[^a-c]?.md", "b1.md", false),
            ("# comment\n\n  spaced  ", "spaced", true),
            ("\u{feff}first", "first", true),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("\\*x", "*x", true),
            ("\\*x", "yx", false),
            ("!keep", "keep", false),
            ("!keep", "other", true),
        ] {
            assert_eq!(ignored(rules, path), expected, "{rules:?} {path}");
        }
    }

    #[test]
    fn patterns_that_helm_refuses_or_reads_otherwise_are_refused() {
        let fault = |rules| HelmIgnore::parse(rules).unwrap_err().to_string();
        assert_eq!(
            fault("a\nb/**\n"),
            "2:1: `b/**`: Helm does not support `**`"
        );
        assert!(fault("[!a]").starts_with("1:1: `[!a]`: Helm reads `[!`"));
        assert!(fault("[a").contains("unclosed"));
    }
}
