//! OCI's names: registries, repositories, tags, platforms.

use std::net::Ipv6Addr;

use oci_spec::image::{Arch, Os};

use super::text::{LONGEST, only, refuse, shown};
use crate::model::error::{Error, Result};

/// A registry: `host[:port][/path]`, without a scheme.
///
/// The first part must look like a host (a dot, a port, or `localhost`): otherwise Docker's tools take it for a folder on
/// Docker Hub (<https://pkg.go.dev/github.com/distribution/reference>).
pub fn registry(text: &str) -> Result<()> {
    if text.contains('@') {
        // Not shown: what stands before the `@` is a credential.
        return Err(
            Error::misuse("the registry contains a user name or a password")
                .hint("remove everything up to the `@`, and log in with `docker login HOST`"),
        );
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return refuse(
            "registry",
            text,
            &format!("has a scheme, `{}`", shown(scheme)),
            format!("write registry = {:?}", shown(rest.trim_end_matches('/'))),
        );
    }
    let (authority, path) = match text.split_once('/') {
        Some((authority, path)) => (authority, Some(path)),
        None => (text, None),
    };
    if !is_authority(authority) {
        return refuse(
            "registry",
            text,
            "does not begin with a host",
            r#"write host[:port][/path], as in registry = "registry.example.com/shop""#,
        );
    }
    if !authority.contains(['.', ':']) && authority != "localhost" {
        return refuse(
            "registry",
            text,
            "has no host: container tools read a first part without a dot or a port as a path on Docker Hub",
            format!(
                "for Docker Hub write registry = {:?}",
                shown(&format!("docker.io/{text}"))
            ),
        );
    }
    path.map_or(Ok(()), repository)
}

fn is_authority(text: &str) -> bool {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = rest.strip_prefix(':');
        return address.parse::<Ipv6Addr>().is_ok() && port.map_or(rest.is_empty(), is_port);
    }
    match text.split_once(':') {
        Some((host, port)) => is_dns_name(host) && is_port(port),
        None => is_dns_name(text),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port != 0)
}

/// RFC 1123 §2.1, with the lengths of RFC 1035 §2.3.4.
fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && only(label, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// A repository's name in a registry, by OCI's grammar
/// (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>).
pub fn repository(text: &str) -> Result<()> {
    if text.len() <= LONGEST && text.split('/').all(is_repository_component) {
        return Ok(());
    }
    refuse(
        "repository",
        text,
        "is not one that a registry accepts",
        "use a-z and 0-9, joined by `.`, `_`, `__`, `-` or `/`, as in `shop/cart-api`",
    )
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_repository_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut joints = text.split(is_word).filter(|joint| !joint.is_empty());
    text.starts_with(is_word)
        && text.ends_with(is_word)
        && joints.all(|joint| matches!(joint, "." | "_" | "__") || only(joint, |byte| byte == b'-'))
}

/// A tag, by OCI's grammar: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
pub fn tag(text: &str) -> Result<()> {
    let fits = (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && only(text, |byte| {
            byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
        });
    if fits {
        return Ok(());
    }
    refuse(
        "tag",
        text,
        "is not one that a registry accepts",
        "use at most 128 of A-Z, a-z, 0-9, `_`, `.` and `-`, the last two not first",
    )
}

/// A platform in OCI's notation, `os/architecture[/variant]`.
pub fn platform(text: &str) -> Result<()> {
    const FORM: &str =
        r#"write os/architecture[/variant], as in platform = "linux/amd64" or "linux/arm/v7""#;
    if text.contains(',') {
        return refuse(
            "platform",
            text,
            "names more than one",
            r#"an image is built for one platform, as in platform = "linux/amd64""#,
        );
    }
    let parts: Vec<&str> = text.splitn(4, '/').collect();
    let (os, architecture) = match parts[..] {
        [os, architecture] => (os, architecture),
        [os, architecture, variant] if is_variant(variant) => (os, architecture),
        _ => return refuse("platform", text, "is not in OCI's notation", FORM),
    };
    if matches!(Os::from(os), Os::Other(_)) {
        return refuse("platform", text, "has an unknown operating system", FORM);
    }
    if matches!(Arch::from(architecture), Arch::Other(_)) {
        let alias = oci_architecture(architecture);
        let hint = if alias == architecture {
            FORM.to_owned()
        } else {
            format!("write platform = {:?}", format!("{os}/{alias}"))
        };
        return refuse("platform", text, "has an unknown architecture", hint);
    }
    Ok(())
}

fn is_variant(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && only(text, |byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.'
        })
}

/// The platform images are built for by default: Linux, on this machine's processor.
pub fn host_platform() -> String {
    format!("linux/{}", oci_architecture(std::env::consts::ARCH))
}

/// OCI's word (that is Go's `GOARCH`) for an architecture that Rust or the kernel call otherwise.
fn oci_architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" | "i386" | "i686" => "386",
        "powerpc64" | "powerpc64le" => "ppc64le",
        "loongarch64" => "loong64",
        "mips64" if cfg!(target_endian = "little") => "mips64le",
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::valid::text::check;

    #[test]
    fn registries() {
        check(
            registry,
            &[
                "registry.example.com",
                "registry.example.com/shop",
                "localhost",
                "localhost:5000/a/b",
                "127.0.0.1:5000",
                "[::1]:5000/x",
                "[::1]",
                "ghcr.io/my-org",
                "r:5000",
                "docker.io/shop",
            ],
            &[
                "",
                "shop",
                "shop/cart",
                "https://r.example.com",
                "r.example.com/",
                "/shop",
                "r.example.com/Shop",
                "r.example.com//a",
                "r.example.com:0",
                "r.example.com:99999",
                "r.example.com:+80",
                "r.example.com:",
                "-r.example.com",
                "r..com",
                "u:p@r.example.com",
                "[::1",
                "[x]:1",
                "[::1]5000",
                "r.example.com/a:tag",
                "r.example.com/../a",
                "r.ex ample.com",
                "r.example.com\n",
            ],
        );
        assert!(
            !registry("user:secret@r.example.com")
                .unwrap_err()
                .to_string()
                .contains("secret")
        );
        assert!(
            registry("https://r.example.com/").unwrap_err().hints()[0]
                .ends_with(r#"registry = "r.example.com""#)
        );
    }

    #[test]
    fn repositories() {
        check(
            repository,
            &["cart", "a/b/c", "a.b_c__d---e", "0"],
            &[
                "",
                "Cart",
                "a..b",
                "a___b",
                "-a",
                "a-",
                "a/",
                "a._b",
                "é",
                &"a".repeat(256),
            ],
        );
    }

    #[test]
    fn tags() {
        check(
            tag,
            &["a", "_x", "1.2-3", &"a".repeat(128)],
            &["", ".a", "-a", "a/b", "a+b", &"a".repeat(129)],
        );
    }

    #[test]
    fn platforms() {
        check(
            platform,
            &[
                "linux/amd64",
                "linux/arm64/v8",
                "linux/arm/v7",
                "windows/amd64",
                &host_platform(),
            ],
            &[
                "",
                "linux",
                "linux/",
                "amd64",
                "linux/amd64,linux/arm64",
                "linux/x86_64",
                "Linux/amd64",
                "linux/arm/v7/x",
                "linux/arm/",
                "linux/arm/V 7",
            ],
        );
        assert_eq!(
            platform("linux/aarch64").unwrap_err().hints(),
            [r#"write platform = "linux/arm64""#]
        );
    }
}
