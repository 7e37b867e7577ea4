//! The line of a file that a failure is about.

use std::sync::LazyLock;

use bstr::{BStr, ByteSlice};
use regex::Regex;

/// `config/values.yaml:3`, `Dockerfile:2`: as flota's own messages begin, and as BuildKit, Helm and most compilers say it.
#[allow(clippy::expect_used, reason = "a constant pattern compiles")]
static MENTIONED: LazyLock<Regex> = LazyLock::new(|| {
    let file = r"(?:[\w.-]+/)*[\w.-]*(?:[Dd]ockerfile|[Cc]ontainerfile|\.ya?ml|\.tpl)[\w.-]*";
    Regex::new(&format!(r"(?m)(?:^|[\s`(\[])({file}):([0-9]{{1,6}})\b"))
        .expect("a constant pattern compiles")
});

/// How much of a child's output is searched, from its end.
const SEARCHED: usize = 64 << 10;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLine {
    /// From the fleet's root.
    pub file: String,
    /// From 1.
    pub line: usize,
}

impl FileLine {
    /// The line of the service at `path` that the error speaks of, else the last one that `log` does.
    pub fn of_failure(path: &BStr, error: &str, log: &str) -> Option<Self> {
        let from = log.len().saturating_sub(SEARCHED);
        let from = (from..=log.len()).find(|at| log.is_char_boundary(*at))?;
        let found = MENTIONED.captures_iter(error).next();
        let found = found.or_else(|| MENTIONED.captures_iter(&log[from..]).last())?;
        let file = &found[1];
        if file.split('/').any(|part| part == "..") {
            return None;
        }
        // Dockerfiles are called as in their build context, which is the code.
        let is_dockerfile = !file.ends_with("ml") && !file.ends_with(".tpl");
        let file = match is_dockerfile && !file.starts_with("code/") {
            true => format!("code/{file}"),
            false => file.to_owned(),
        };
        let file = match path.to_str_lossy().as_ref() {
            "." => file,
            path => format!("{path}/{file}"),
        };
        let line = found[2].parse().ok()?;
        Some(Self { file, line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_that_the_message_names() {
        let place = |error, log| {
            let place = FileLine::of_failure("repos/api".into(), error, log)?;
            Some(format!("{}:{}", place.file, place.line))
        };
        for (error, log, want) in [
            (
                "Dockerfile:2: RUN make: needs an engine",
                "",
                Some("repos/api/code/Dockerfile:2"),
            ),
            (
                "api: config/Chart.yaml:2:7: unclosed",
                "",
                Some("repos/api/config/Chart.yaml:2"),
            ),
            (
                "docker could not build api",
                "Dockerfile:1\nx\n#9 ERROR: exit code 1\n------\nDockerfile:12\n-----",
                Some("repos/api/code/Dockerfile:12"),
            ),
            (
                "docker could not build",
                "docker/api.Dockerfile:3",
                Some("repos/api/code/docker/api.Dockerfile:3"),
            ),
            ("../../Dockerfile:3: x", "", None),
            ("it failed at 12:30", "http://host:80/x", None),
        ] {
            assert_eq!(place(error, log).as_deref(), want, "{error} {log}");
        }
        let own = FileLine::of_failure(".".into(), "Dockerfile:2: x", "").unwrap();
        assert_eq!(own.file, "code/Dockerfile");
    }
}
