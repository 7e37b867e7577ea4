//! The grammars of the names a configuration holds. All of it is hostile input: each check names what it refuses.

use crate::model::error::{Error, Result};

mod build;
mod duration;
mod gate;
mod oci;
mod text;

pub use build::{buildx, generator, secret_file, secret_id, variable};
pub use duration::duration;
pub use gate::gate_name;
pub use oci::{host_platform, platform, registry, repository, tag};
pub(crate) use text::shown;
use text::{LONGEST, is_plain_name, is_variable, only, refuse};

/// A branch's short name, as `git check-ref-format --branch` has it.
pub fn branch(text: &str) -> Result<()> {
    const HINT: &str = r#"write the branch's short name, as in base_branch = "main""#;
    if text.starts_with('-') || text.starts_with("refs/") || text.len() > LONGEST {
        return refuse("branch", text, "is not the short name of a branch", HINT);
    }
    let full = format!("refs/heads/{text}");
    match gix::validate::reference::branch_name(full.as_str().into()) {
        Ok(_) => Ok(()),
        Err(_) => refuse("branch", text, "is not a valid branch name", HINT),
    }
}

/// Where a release archive lies: over https, in characters that mean nothing to a shell, a YAML or a Groovy string.
pub fn archive(text: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?=&+%@".contains(c);
    let host = text.strip_prefix("https://").unwrap_or_default();
    let has_host = host.starts_with(|c: char| c.is_ascii_alphanumeric());
    if has_host && !host.contains('@') && text.len() <= 1024 && text.chars().all(plain) {
        return Ok(());
    }
    refuse(
        "archive",
        text,
        "is not a plain https URL",
        r#"write archive = "https://HOST/PATH.tar.gz", without credentials"#,
    )
}

/// A SHA-256 in hexadecimal.
pub fn sha256(text: &str) -> Result<()> {
    if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(());
    }
    refuse(
        "checksum",
        text,
        "is not 64 hexadecimal digits",
        "write what sha256sum prints",
    )
}

/// An environment's name. It is a part of names in Kubernetes, so it keeps to their grammar (RFC 1123 labels).
pub fn environment(text: &str) -> Result<()> {
    const HINT: &str = "use at most 63 of a-z, 0-9 and `-`, as in [environment.pre-prod]; the first and the last are no `-`";
    if text == "preview" {
        let hint = "call it otherwise: all previews together are called so";
        return refuse("environment", text, "has the name of the previews", hint);
    }
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends = text.starts_with('-') || text.ends_with('-');
    match (1..=63).contains(&text.len()) && !ends && only(text, allowed) {
        true => Ok(()),
        false => refuse(
            "environment",
            text,
            "has a name that Kubernetes does not accept",
            HINT,
        ),
    }
}

/// The image that jobs run in.
pub fn job_image(text: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:/@".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && text.len() <= LONGEST + 80 && text.chars().all(plain) {
        return Ok(());
    }
    refuse(
        "image",
        text,
        "is not an image reference with a digest",
        r#"write image = "registry.example.com/tools/flota@sha256:…""#,
    )
}

/// A service's name: a submodule's, without what git or a command line would trip over (CVE-2018-11235).
pub fn service_name(text: &str) -> Result<()> {
    let why = if text.is_empty() {
        "is empty"
    } else if text.len() > LONGEST {
        "is longer than 255 bytes"
    } else if text.starts_with('-') {
        "begins with `-`"
    } else if text.contains(char::is_control) {
        "has a control character"
    } else if text.split(['/', '\\']).any(|part| part == "..") {
        "has a `..` component"
    } else {
        return Ok(());
    };
    refuse(
        "service name",
        text,
        why,
        "a service is named as its submodule is: `git config -f .gitmodules --get-regexp path`",
    )
}

/// A Dockerfile's path: relative to the code folder, and inside it.
pub fn dockerfile(text: &str) -> Result<()> {
    if is_inside(text) {
        return Ok(());
    }
    refuse(
        "dockerfile",
        text,
        "is not a path inside the code directory",
        r#"write it relative to the code directory, without `.` and `..`, as in dockerfile = "docker/Dockerfile""#,
    )
}

/// A file of a chart.
pub fn chart_file(text: &str) -> Result<()> {
    if is_inside(text) {
        return Ok(());
    }
    refuse(
        "file",
        text,
        "is not a path inside the chart",
        r#"write it relative to the chart's directory, without `.` and `..`, as in check_values = "ci/values.yaml""#,
    )
}

/// Whether a path leads nowhere but below the folder it is relative to.
fn is_inside(text: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= LONGEST;
    text.len() <= 1024
        && !text.starts_with('-')
        && !text.contains(char::is_control)
        && !text.contains('\\')
        && text.split('/').all(is_plain)
}

/// The name of a Dockerfile's stage, or its number.
pub fn stage(text: &str) -> Result<()> {
    if is_plain_name(text, |c| c.is_ascii_alphanumeric()) {
        return Ok(());
    }
    refuse(
        "target",
        text,
        "is not a valid stage name",
        "write the name after `AS`, as in target = \"runtime\"",
    )
}

/// A build argument's name, as `ARG` takes it.
pub fn build_arg(text: &str) -> Result<()> {
    if is_variable(text) {
        return Ok(());
    }
    refuse(
        "build argument",
        text,
        "has a name that `ARG` does not accept",
        "use A-Z, a-z, 0-9 and `_`, a digit not first, as in build_args = { VERSION = \"1.2\" }",
    )
}

/// A token's name: `[A-Z0-9]+(_[A-Z0-9]+)*`.
pub fn token(text: &str) -> Result<()> {
    let is_word = |word: &str| {
        !word.is_empty()
            && only(word, |byte| {
                byte.is_ascii_uppercase() || byte.is_ascii_digit()
            })
    };
    if text.len() <= LONGEST && text.split('_').all(is_word) {
        return Ok(());
    }
    refuse(
        "token",
        text,
        "is not a valid token name",
        "use A-Z and 0-9 in words joined by one `_`, as in tokens = { CLUSTER_HOST = \"…\" }",
    )
}

/// A value that goes into a command's arguments or a YAML file, neither of which holds control characters.
pub fn value(text: &str) -> Result<()> {
    if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        // Not shown: it may be a secret.
        return Err(Error::misuse("the value has a control character")
            .hint("only line feeds and tabs are allowed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{text::check, *};

    #[test]
    fn branches() {
        check(
            branch,
            &["main", "release/1.x", "größe"],
            &[
                "",
                "-x",
                "HEAD",
                "a..b",
                "a b",
                "a.lock",
                "refs/heads/main",
                "a/",
                "a~1",
                "a\n",
                &"a".repeat(256),
            ],
        );
    }

    #[test]
    fn service_names() {
        check(
            service_name,
            &["cart", "services/cart", "a b", "größe", "..a"],
            &[
                "",
                "-x",
                "..",
                "a/../b",
                "a\\..\\b",
                "a\nb",
                &"a".repeat(256),
            ],
        );
    }

    #[test]
    fn dockerfiles() {
        check(
            dockerfile,
            &["Dockerfile", "docker/Dockerfile.prod", "..d", "a/-"],
            &[
                "",
                "/Dockerfile",
                "../Dockerfile",
                "a/../b",
                "./Dockerfile",
                "a/",
                "a//b",
                "-f",
                "a\\b",
                "a\nb",
                &"a/".repeat(512).replacen("a/", "a/aa", 1),
                "..\\x",
                "a\0",
                "C:\\x",
            ],
        );
    }

    #[test]
    fn environments() {
        check(
            environment,
            &["prod", "pre-prod", "eu2", "7", &"a".repeat(63)],
            &[
                "",
                "preview",
                "Prod",
                "größe",
                "-a",
                "a-",
                "a.b",
                "a_b",
                "a b",
                "a/b",
                "..",
                &"a".repeat(64),
            ],
        );
    }

    #[test]
    fn words() {
        check(
            stage,
            &["runtime", "0", "Build-1.x"],
            &["", "-x", "a b", ".a", "a$b"],
        );
        check(
            build_arg,
            &["VERSION", "_x", "http_proxy"],
            &["", "1A", "A-B", "A=B", "A B", "é"],
        );
        check(
            token,
            &["CLUSTERHOST", "A_B2", "3"],
            &["", "a", "A__B", "_A", "A_", "A-B", "É"],
        );
        check(
            value,
            &["", "a\nb\tc", "é"],
            &["a\0", "\u{1b}[31m", "\u{9b}"],
        );
    }

    #[test]
    fn long_text_is_cut_in_messages() {
        assert_eq!(shown(&"é".repeat(81)).chars().count(), 81);
        assert_eq!(shown(&"é".repeat(80)), "é".repeat(80));
    }

    #[test]
    fn archives() {
        let long = format!("https://host/{}", "a".repeat(1012));
        check(
            archive,
            &[
                "https://host/flota.tar.gz",
                "https://host:8443/~a/flota%2B1.tar.gz?x=1&y=2",
                &long[..1024],
            ],
            &[
                "",
                "host/flota.tar.gz",
                "http://host/flota.tar.gz",
                "https://",
                "https:///flota.tar.gz",
                "https://-host/flota.tar.gz",
                "https://me:secret@host/flota.tar.gz",
                "https://host/a b",
                "https://host/$(id)",
                "https://host/a'b",
                "https://host/a\nb",
                &long,
            ],
        );
    }

    #[test]
    fn checksums() {
        check(
            sha256,
            &[&"0123456789abcdef".repeat(4)],
            &[
                "",
                &"a".repeat(63),
                &"a".repeat(65),
                &"A".repeat(64),
                &"g".repeat(64),
            ],
        );
    }

    #[test]
    fn job_images() {
        let digest = format!("registry.example.com/tools/flota@sha256:{}", "a".repeat(64));
        let (most, more) = ("a".repeat(LONGEST + 80), "a".repeat(LONGEST + 81));
        check(
            job_image,
            &["flota", "localhost:5000/flota:1.0", &digest, &most],
            &["", "-x", "/flota", "a b", "a$b", "a'b", "a\nb", &more],
        );
    }
}
