//! Which images run on which platform (containerd's `platforms` package, `Normalize` and `Only`).

use crate::container::embedded::image::Platform;

/// How well an image for `found` serves the platform `asked`: 0 is best. None when it does not run there.
pub(super) fn rank(asked: &Platform, found: &Platform) -> Option<u32> {
    let (asked_on, found_on) = (normal(asked), normal(found));
    if asked.os != found.os || asked_on.0 != found_on.0 {
        return None;
    }
    match (asked_on.1, found_on.1) {
        (asked, found) if asked == found => Some(0),
        // A later processor runs what is for an earlier one of its kind.
        (Some(asked), Some(found)) if found < asked => Some(asked - found),
        _ => None,
    }
}

/// The architecture by its usual name, and which version of it; None where the architecture has none.
fn normal(platform: &Platform) -> (&str, Option<u32>) {
    let version = platform
        .variant
        .as_deref()
        .map(|variant| variant.strip_prefix('v').unwrap_or(variant));
    let version = version.and_then(|version| version.parse().ok());
    match &*platform.architecture {
        "amd64" | "x86_64" | "x86-64" => ("amd64", Some(version.unwrap_or(1))),
        "arm64" | "aarch64" => ("arm64", Some(version.unwrap_or(8))),
        "arm" => ("arm", Some(version.unwrap_or(7))),
        "armhf" => ("arm", Some(7)),
        "armel" => ("arm", Some(6)),
        "386" | "i386" => ("386", None),
        other => (other, version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_serves_its_own_platform_and_later_processors() {
        for (asked, found, rank_is) in [
            ("linux/amd64", "linux/amd64", Some(0)),
            ("linux/amd64", "linux/x86_64", Some(0)),
            ("linux/amd64/v3", "linux/amd64", Some(2)),
            ("linux/amd64", "linux/amd64/v2", None),
            ("linux/arm64", "linux/arm64/v8", Some(0)),
            ("linux/arm64/v8", "linux/aarch64", Some(0)),
            ("linux/arm/v7", "linux/arm", Some(0)),
            ("linux/arm", "linux/arm/v6", Some(1)),
            ("linux/arm/v6", "linux/arm/v7", None),
            ("linux/arm64", "linux/arm/v7", None),
            ("linux/386", "linux/i386", Some(0)),
            ("linux/s390x", "linux/ppc64le", None),
        ] {
            let parse = |text| Platform::parse(text).unwrap();
            assert_eq!(
                rank(&parse(asked), &parse(found)),
                rank_is,
                "{asked} {found}"
            );
        }
    }
}
