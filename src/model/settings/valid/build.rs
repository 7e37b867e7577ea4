//! What a build is told beside its Dockerfile: builders, secrets, scanners.

use std::path::Path;

use super::text::{LONGEST, is_plain_name, is_variable, only, refuse};
use crate::model::error::Result;

/// The name of a builder, as `docker buildx create --name` takes it.
pub fn buildx(text: &str) -> Result<()> {
    if is_plain_name(text, |c| c.is_ascii_alphabetic()) {
        return Ok(());
    }
    refuse(
        "builder",
        text,
        "is not a name that buildx accepts",
        r#"write one that `docker buildx ls` shows, as in buildx = "remote""#,
    )
}

/// The image that makes a bill of materials.
pub fn generator(text: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@".contains(&byte);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && text.len() <= LONGEST + 80 && only(text, plain) {
        return Ok(());
    }
    refuse(
        "generator",
        text,
        "is not an image reference",
        r#"write sbom = true, or the image, as in sbom = "docker/buildkit-syft-scanner""#,
    )
}

/// A secret's id, as `RUN --mount=type=secret,id=…` names it.
pub fn secret_id(text: &str) -> Result<()> {
    if is_plain_name(text, |c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    refuse(
        "secret",
        text,
        "has an id that is not plain",
        r#"use A-Z, a-z, 0-9, `_`, `.` and `-`, as in secrets = { npm = { env = "NPM_TOKEN" } }"#,
    )
}

/// The name of an environment variable.
pub fn variable(text: &str) -> Result<()> {
    if is_variable(text) {
        return Ok(());
    }
    refuse(
        "variable",
        text,
        "is not a name of an environment variable",
        r#"write the name alone, as in { env = "NPM_TOKEN" }: the value does not belong into the file"#,
    )
}

/// A file outside of the fleet, whose files are in Git for everyone to read. No commas: builders part a list at them.
pub fn secret_file(text: &str) -> Result<()> {
    let is_absolute = text.starts_with("~/") || Path::new(text).is_absolute();
    let is_plain = !text.contains(|c: char| c.is_control() || matches!(c, ',' | '"'));
    if is_absolute && is_plain && text.len() <= 1024 {
        return Ok(());
    }
    refuse(
        "secret's file",
        text,
        "is not an absolute path without commas and quotes",
        r#"write it from the root or from the home directory, as in { file = "~/.netrc" }"#,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::valid::text::check;

    #[test]
    fn builders() {
        check(
            buildx,
            &["b", "kube-1", "a.b_c"],
            &["", "-x", "1a", "a b", "a/b", "é"],
        );
    }

    #[test]
    fn generators() {
        check(
            generator,
            &[
                "docker/buildkit-syft-scanner:stable-1",
                "127.0.0.1:5000/scan",
            ],
            &["", "-x", "a,b", "a b", "a=b"],
        );
    }

    #[test]
    fn secrets() {
        check(
            secret_id,
            &["npm", "_a", "a.b-c"],
            &["", "-x", "a,b", "a b", "a/b"],
        );
        check(
            variable,
            &["NPM_TOKEN", "_x"],
            &["", "1A", "A-B", "A=B", "$A"],
        );
        check(
            secret_file,
            &["/run/secrets/npm", "~/.netrc", "/a b"],
            &["", "netrc", "../netrc", "~me/x", "/a,b", "/a\nb", "/a\"b"],
        );
    }
}
