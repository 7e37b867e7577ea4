//! How the log of a CI system is spoken to: groups that fold, and annotations.
//!
//! Whatever comes from outside passes [`text::escape`] or [`text::line`], which break up every command that a system would
//! find, and here the escapes of the command that it becomes a part of.

use super::{azure, github};
use crate::{model::place::FileLine, output::text};

/// The systems whose logs know groups or annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `::group::`, `::error::`
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).
    GitHub,
    /// `##[group]`, `##vso[task.logissue]`
    /// (<https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands>).
    Azure,
    /// `section_start:` (<https://docs.gitlab.com/ci/jobs/job_logs/>); it has no annotations in logs.
    GitLab,
    /// `---` and `+++` (<https://buildkite.com/docs/pipelines/configure/managing-log-output>); annotations are its agent's.
    Buildkite,
}

/// How grave an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gravity {
    /// A person should look at it.
    Warning,
    /// It failed.
    Error,
}

impl Dialect {
    /// A folded group: `title` is one line of flota's own or escaped already, `body` a child's text, `number` tells this
    /// group from the others of the run. Without a line break at its end.
    pub(crate) fn group(self, title: &str, body: &str, number: usize) -> String {
        let body = child(Some(self), body);
        match self {
            Self::GitHub => format!("::group::{}\n{body}\n::endgroup::", github::data(title)),
            Self::Azure => format!("##[group]{title}\n{body}\n##[endgroup]"),
            // The time would only tell how long printing takes.
            Self::GitLab => format!(
                "\x1b[0Ksection_start:0:flota_{number}[collapsed=true]\r\x1b[0K{title}\n{body}\n\
                 \x1b[0Ksection_end:0:flota_{number}\r\x1b[0K"
            ),
            Self::Buildkite => format!("--- {title}\n{body}"),
        }
    }

    /// What comes before something that must not be folded away; none where nothing folds by itself.
    pub(crate) fn open(self, title: &str) -> Option<String> {
        // Buildkite's groups end where the next one begins.
        (self == Self::Buildkite).then(|| format!("+++ {title}"))
    }

    /// The annotation; none where logs have none.
    pub(crate) fn annotation(
        self,
        gravity: Gravity,
        title: &str,
        place: Option<&FileLine>,
        message: &str,
    ) -> Option<String> {
        let (title, message) = (text::line(title), text::escape(message));
        let word = match gravity {
            Gravity::Warning => "warning",
            Gravity::Error => "error",
        };
        match self {
            Self::GitHub => {
                let mut at = String::new();
                if let Some(FileLine { file, line }) = place {
                    at = format!("file={},line={line},", github::property(&text::line(file)));
                }
                let (title, message) = (github::property(&title), github::data(&message));
                Some(format!("::{word} {at}title={title}::{message}"))
            }
            Self::Azure => {
                let mut at = String::new();
                if let Some(FileLine { file, line }) = place {
                    let file = azure::property(&text::line(file));
                    at = format!("sourcepath={file};linenumber={line};");
                }
                let message = azure::data(&format!("{title}: {message}"));
                Some(format!("##vso[task.logissue type={word};{at}]{message}"))
            }
            Self::GitLab | Self::Buildkite => None,
        }
    }
}

/// A child's text, in which neither a terminal nor the system that is spoken to finds anything to obey.
pub(crate) fn child(dialect: Option<Dialect>, said: &str) -> String {
    let said = text::escape(said.trim_end());
    if dialect != Some(Dialect::Buildkite) {
        return said;
    }
    let is_header = |line: &str| {
        ["---", "+++", "~~~", "^^^"]
            .iter()
            .any(|mark| line.starts_with(mark))
    };
    let lines = said.lines().map(|line| match is_header(line) {
        true => format!(" {line}"),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const ALL: [Dialect; 4] = [
        Dialect::GitHub,
        Dialect::Azure,
        Dialect::GitLab,
        Dialect::Buildkite,
    ];

    /// What people can call a branch, a file or a service, or let a build print.
    pub(crate) const HOSTILE: [&str; 20] = [
        "::add-path::/tmp/x",
        "  ::set-env name=PATH::/tmp/x",
        "a\n::add-mask::x",
        "a\r::error::x",
        "##[add-path]/tmp/x",
        "x ##[group]y",
        "##vso[task.setvariable variable=PATH]/tmp/x",
        "a;b]c,d:e%0A::add-path::x",
        "%0D%0A::stop-commands::x",
        "\x1b[0Ksection_start:0:x\r\x1b[0Kx",
        "section_end:0:flota_0\r\x1b[0K",
        "--- a/file",
        "+++ b/file",
        "~~~ x",
        "^^^ +++",
        "\x1b]1339;url='javascript:alert(1)'\x07",
        "\u{202e}gnp.exe",
        "a | b | c",
        "</code><script>alert(1)</script>",
        "![x](https://evil.example/y) @someone #1",
    ];

    /// The commands that a system finds in what was printed, as its own reader does: GitHub's and Azure's runners look at
    /// each line, GitLab's at its escape sequences, Buildkite's at where a line begins.
    fn obeyed(dialect: Dialect, printed: &str) -> Vec<String> {
        let lines = printed.split(['\n', '\r']);
        match dialect {
            Dialect::GitHub | Dialect::Azure => lines
                .filter(|line| {
                    let v2 = dialect == Dialect::GitHub && line.trim_start().starts_with("::");
                    v2 || line.contains("##[") || line.contains("##vso[")
                })
                .map(str::to_owned)
                .collect(),
            Dialect::GitLab => lines
                .filter(|line| line.contains('\x1b'))
                .map(str::to_owned)
                .collect(),
            Dialect::Buildkite => lines
                .filter(|line| {
                    let marks = ["---", "+++", "~~~", "^^^"];
                    marks.iter().any(|mark| line.starts_with(mark)) || line.contains('\x1b')
                })
                .map(str::to_owned)
                .collect(),
        }
    }

    #[test]
    fn what_a_child_prints_is_obeyed_by_nobody() {
        for dialect in ALL {
            for said in HOSTILE {
                let found = obeyed(dialect, &child(Some(dialect), said));
                assert!(found.is_empty(), "{dialect:?}: {found:?}");
            }
            let all = HOSTILE.join("\n");
            let group = dialect.group(&text::line(HOSTILE[7]), &all, 3);
            let own = match dialect {
                Dialect::GitHub | Dialect::Azure | Dialect::GitLab => 2,
                Dialect::Buildkite => 1,
            };
            let lines = match dialect {
                // Each of its markers is two escapes around a carriage return.
                Dialect::GitLab => obeyed(dialect, &group).len() / 2,
                _ => obeyed(dialect, &group).len(),
            };
            assert_eq!(lines, own, "{dialect:?}: {group:?}");
        }
    }

    #[test]
    fn an_annotation_is_one_command_whatever_it_says() {
        for dialect in [Dialect::GitHub, Dialect::Azure] {
            for said in HOSTILE {
                let place = FileLine {
                    file: said.to_owned(),
                    line: 7,
                };
                let gravity = Gravity::Error;
                let annotation = dialect
                    .annotation(gravity, said, Some(&place), said)
                    .unwrap();
                assert_eq!(annotation.lines().count(), 1, "{annotation}");
                let rest = match dialect {
                    Dialect::GitHub => {
                        let rest = annotation.strip_prefix("::error file=").unwrap();
                        let (properties, message) = rest.split_once("::").unwrap();
                        // Each property ends at a comma: there are those of flota's and no other.
                        assert_eq!(properties.split(',').count(), 3, "{annotation}");
                        assert!(properties.contains(",line=7,title="), "{annotation}");
                        message.to_owned()
                    }
                    _ => {
                        let rest = annotation.strip_prefix("##vso[task.logissue type=error;");
                        let (properties, message) = rest.unwrap().split_once(']').unwrap();
                        assert_eq!(properties.matches(';').count(), 2, "{annotation}");
                        message.to_owned()
                    }
                };
                let found = obeyed(Dialect::Azure, &rest);
                assert!(found.is_empty(), "{found:?}");
            }
        }
    }

    #[test]
    fn each_system_has_its_own_form() {
        let place = FileLine {
            file: "repos/api/code/Dockerfile".to_owned(),
            line: 2,
        };
        let said = ALL.map(|dialect| {
            let annotation = dialect.annotation(Gravity::Error, "api", Some(&place), "100% failed");
            (dialect.group("✓ api", "built\n", 1), annotation)
        });
        let want = [
            (
                "::group::✓ api\nbuilt\n::endgroup::",
                Some("::error file=repos/api/code/Dockerfile,line=2,title=api::100%25 failed"),
            ),
            (
                "##[group]✓ api\nbuilt\n##[endgroup]",
                Some(
                    "##vso[task.logissue type=error;sourcepath=repos/api/code/Dockerfile;linenumber=2;]\
                     api: 100%AZP25 failed",
                ),
            ),
            (
                "\x1b[0Ksection_start:0:flota_1[collapsed=true]\r\x1b[0K✓ api\nbuilt\n\
                 \x1b[0Ksection_end:0:flota_1\r\x1b[0K",
                None,
            ),
            ("--- ✓ api\nbuilt", None),
        ];
        for (said, want) in said.iter().zip(want) {
            assert_eq!((said.0.as_str(), said.1.as_deref()), want);
        }
    }
}
