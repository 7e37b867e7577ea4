//! `.dockerignore`: the files of the context that a build does not see.

use std::path::Path;

use super::{paths, pattern::Pattern};
use crate::model::error::{Error, Result};

/// Rules in order; the last one that matches a path, or a directory above it, decides.
///
/// Source: <https://docs.docker.com/build/concepts/context/#dockerignore-files> and moby/patternmatcher.
#[derive(Clone, Debug, Default)]
pub(super) struct DockerIgnore {
    file: String,
    rules: Vec<DockerIgnoreRule>,
}

#[derive(Clone, Debug)]
struct DockerIgnoreRule {
    line: usize,
    text: String,
    exception: bool,
    pattern: Pattern,
}

impl DockerIgnore {
    /// The rules of a `.dockerignore` named `file` in messages. A malformed pattern is misuse.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().enumerate();
        let mut rules = Vec::new();
        for (index, line) in lines.filter(|(_, line)| !line.starts_with('#')) {
            let rule = DockerIgnoreRule::parse(index + 1, line).map_err(|why| {
                Error::misuse(format!("{file}:{}: {why}", index + 1))
                    .hint("a `\\` before a special character matches it literally")
            })?;
            rules.extend(rule);
        }
        let file = file.to_owned();
        Ok(Self { file, rules })
    }

    /// The rules of `--exclude` flags.
    pub(super) fn excludes<'a>(
        patterns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let mut rules = Vec::new();
        for pattern in patterns {
            rules.extend(DockerIgnoreRule::parse(0, pattern)?);
        }
        let file = String::new();
        Ok(Self { file, rules })
    }

    /// Whether the build does not see `path`.
    pub(super) fn hide(&self, path: &Path) -> bool {
        self.deciding(path).is_some_and(|rule| !rule.exception)
    }

    /// Whether nothing below a hidden directory can be visible again, so that it need not be entered.
    pub(super) fn prune(&self, path: &Path) -> bool {
        self.hide(path) && !self.rules.iter().any(|rule| rule.exception)
    }

    /// The rule that hides `path`, as `.dockerignore:3 (*.log)`.
    pub(super) fn reason(&self, path: &Path) -> Option<String> {
        let rule = self.deciding(path).filter(|rule| !rule.exception)?;
        Some(format!("{}:{} ({})", self.file, rule.line, rule.text))
    }

    /// As moby/patternmatcher decides from the top down: what matches a directory matches what is in it, and an exception only counts
    /// where it changes something. So `!dir` brings back what is in `dir` only where `dir` itself was hidden.
    fn deciding(&self, path: &Path) -> Option<&DockerIgnoreRule> {
        let mut ancestors: Vec<&Path> = path.ancestors().collect();
        ancestors.pop();
        let mut above = vec![false; self.rules.len()];
        let mut deciding = None;
        for path in ancestors.into_iter().rev() {
            deciding = None;
            for (rule, matches) in self.rules.iter().zip(&mut above) {
                let hidden = deciding.is_some_and(|rule: &DockerIgnoreRule| !rule.exception);
                *matches |= rule.exception == hidden && rule.pattern.matches(path);
                if *matches {
                    deciding = Some(rule);
                }
            }
        }
        deciding
    }
}

impl DockerIgnoreRule {
    /// `None` for a blank line and for a pattern that leaves the context, which can match nothing.
    fn parse(line: usize, text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        let (exception, pattern) = match text.strip_prefix('!') {
            Some(pattern) => (true, pattern.trim()),
            None => (false, text),
        };
        if exception && pattern.is_empty() {
            return Err("`!` needs a pattern after it".into());
        }
        let clean = paths::beneath(pattern).filter(|path| !path.as_os_str().is_empty());
        let Some(clean) = clean else { return Ok(None) };
        Ok(Some(Self {
            line,
            text: text.to_owned(),
            exception,
            pattern: Pattern::deep(&clean.to_string_lossy())?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str, path: &str) -> bool {
        DockerIgnore::parse(".dockerignore", text)
            .unwrap()
            .hide(Path::new(path))
    }

    #[test]
    fn the_last_matching_rule_decides() {
        assert!(hidden("*.md\n", "README.md"));
        assert!(!hidden("*.md\n!README.md\n", "README.md"));
        assert!(hidden(
            "*.md\n!README*.md\nREADME-secret.md\n",
            "README-secret.md"
        ));
        assert!(hidden("!README.md\n*.md\n", "README.md"));
    }

    #[test]
    fn a_directory_takes_its_children_along_and_exceptions_bring_some_back() {
        assert!(hidden("target\n", "target/debug/x"));
        assert!(!hidden("target\n", "src/target"));
        assert!(hidden("**/target\n", "src/target/x"));
        assert!(!hidden("target\n!target/keep\n", "target/keep/x"));
        assert!(hidden("target\n!target/keep\n", "target/other"));
        // An exception for a directory that is not hidden itself brings nothing back.
        assert!(hidden("**/*.md\n!dir\n", "dir/sub/a.md"));
        assert!(!hidden("*\n!dir\n", "dir/sub/a.md"));
    }

    #[test]
    fn comments_blank_lines_spaces_slashes_and_the_byte_order_mark() {
        assert!(!hidden("#a\n\n   \n", "#a"));
        assert!(
            hidden(" #a\n", "#a"),
            "a comment starts in the first column"
        );
        assert!(hidden("  /a/b/../c/  \r\n", "a/c"));
        assert!(hidden("\u{feff}a\n", "a"));
        assert!(hidden("! a\n!a\na\n", "a"));
        assert!(!hidden("../a\n.\n/\n", "a"), "these match nothing");
    }

    #[test]
    fn faults_name_file_and_line() {
        let error = DockerIgnore::parse("api/.dockerignore", "a\n[\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "api/.dockerignore:2: `[` is not a valid pattern"
        );
        let error = DockerIgnore::parse(".dockerignore", "!\n").unwrap_err();
        assert!(error.to_string().starts_with(".dockerignore:1: "));
    }

    #[test]
    fn the_reason_names_the_rule() {
        let rules = DockerIgnore::parse(".dockerignore", "# no logs\n*.log\n").unwrap();
        let reason = rules.reason(Path::new("a.log"));
        assert_eq!(reason.as_deref(), Some(".dockerignore:2 (*.log)"));
        assert_eq!(rules.reason(Path::new("a.txt")), None);
    }
}
