//! The version that a packaged chart gets.

use semver::{BuildMetadata, Prerelease, Version};

use crate::model::settings::{VersionField, VersionTemplate};

/// Fills the placeholders. Where the template begins with `{version}`, what it adds joins what `Chart.yaml` has there
/// already, and metadata becomes a part of the pre-release that is added: `{version}-g{id}` makes `1.0.0-rc.1.gID` of
/// `1.0.0-rc.1`, and `1.0.0-build.5.gID` of `1.0.0+build.5`. A `+` is in no label of Kubernetes and in no tag of a
/// registry, so nothing of a default version stands behind one.
///
/// # Errors
/// What came out, and why it is not SemVer 2: a placeholder that is unknown stays.
pub(super) fn render(
    template: &VersionTemplate,
    own: Option<&str>,
    id: &str,
    commit: &str,
) -> Result<String, (String, semver::Error)> {
    let with = |version: &str| {
        template.render(|field| match field {
            VersionField::Version => version,
            VersionField::Id => id,
            VersionField::Commit => commit,
        })
    };
    let parse = |text: String| match Version::parse(&text) {
        Ok(version) => Ok(version),
        Err(error) => Err((text, error)),
    };
    let own = own.unwrap_or_default();
    let joins = template.to_string().starts_with("{version}");
    let (Ok(chart), true) = (Version::parse(own), joins) else {
        return parse(with(own)).map(|version| version.to_string());
    };
    let core = Version::new(chart.major, chart.minor, chart.patch);
    let mut version = parse(with(&core.to_string()))?;
    let build = chart.build.as_str();
    let moves = version.build.is_empty() && !version.pre.is_empty();
    let moved = if moves {
        as_pre_release(build)
    } else {
        String::new()
    };
    let pre = joined(&[chart.pre.as_str(), &moved, version.pre.as_str()]);
    let build = joined(&[if moves { "" } else { build }, version.build.as_str()]);
    let whole = format!("{core}-{pre}+{build}");
    let refused = |error| (whole.clone(), error);
    version.pre = Prerelease::new(&pre).map_err(refused)?;
    version.build = BuildMetadata::new(&build).map_err(refused)?;
    Ok(version.to_string())
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .copied()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(".")
}

/// Numbers of a pre-release have no zeros in front (SemVer 2 §9), those of metadata may.
fn as_pre_release(build: &str) -> String {
    let part = |part: &str| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0".to_owned(),
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => number.to_owned(),
        _ => part.to_owned(),
    };
    let parts: Vec<_> = build.split('.').map(part).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_joins_what_the_version_has() {
        for (template, own, want) in [
            ("{version}-g{id}", "1.0.0", "1.0.0-g012345678901"),
            ("{version}-g{id}", "1.0.0-rc.1", "1.0.0-rc.1.g012345678901"),
            (
                "{version}-g{id}",
                "1.0.0+build.5",
                "1.0.0-build.5.g012345678901",
            ),
            (
                "{version}-g{id}",
                "104.0.0+up1.2.3",
                "104.0.0-up1.2.3.g012345678901",
            ),
            (
                "{version}-g{id}",
                "1.0.0-rc.1+007.0.00",
                "1.0.0-rc.1.7.0.0.g012345678901",
            ),
            ("{version}-g{id}", "1.0.0+0a.-", "1.0.0-0a.-.g012345678901"),
            ("{version}+{id}", "1.0.0", "1.0.0+012345678901"),
            ("{version}+{id}", "1.0.0-rc.1", "1.0.0-rc.1+012345678901"),
            (
                "{version}+{id}",
                "1.0.0+build.05",
                "1.0.0+build.05.012345678901",
            ),
            (
                "{version}-rc.1+{id}",
                "1.0.0-a+b",
                "1.0.0-a.rc.1+b.012345678901",
            ),
            ("{version}", "1.0.0-a+b", "1.0.0-a+b"),
            ("2.0.0-g{id}", "1.0.0-a+b", "2.0.0-g012345678901"),
            ("2.0.0-{version}", "1.0.0-a+b", "2.0.0-1.0.0-a+b"),
        ] {
            let template: VersionTemplate = template.parse().unwrap();
            let version = render(&template, Some(own), "012345678901", "c").unwrap();
            assert_eq!(version, want, "{template} of {own}");
        }
    }

    #[test]
    fn what_is_no_version_is_shown_as_it_comes_out() {
        let template: VersionTemplate = "2.0.0-{version}".parse().unwrap();
        let (text, _) = render(&template, Some("1.0.0_"), "1", "c").unwrap_err();
        assert_eq!(text, "2.0.0-1.0.0_");
    }
}
