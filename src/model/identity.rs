//! Content identity: what is the same is never built twice (design: an image is known by what it is built from).

use std::collections::BTreeMap;

use gix::ObjectId;

use super::digest;

/// How many hexadecimal digits name a content.
const DIGITS: usize = 12;

/// Raised whenever a change of flota itself makes builders produce something else from the same input.
const BUILDER_EPOCH: u32 = 2;

/// Raised whenever the same files are packed into other bytes, or pushed with another manifest: an identity's tag is never moved.
const CHART_EPOCH: u32 = 2;

/// Everything that an image follows from.
#[derive(Clone, Debug)]
pub struct ImageInputs<'a> {
    /// The OID of the code's Git tree.
    pub code: ObjectId,
    /// The Dockerfile, relative to the code.
    pub dockerfile: &'a str,
    /// The stage, when one is named.
    pub target: Option<&'a str>,
    /// The platforms in OCI's notation.
    pub platforms: &'a [String],
    /// Build arguments by name.
    pub build_args: &'a BTreeMap<String, String>,
    /// What is attached to the image: an image that lacks it is another one.
    pub attached: &'a [String],
    /// The base images that count by their content, each with its digest. A base that its digest names is part of the code; one that
    /// a tag names counts by that name alone, unless the service wants it refreshed.
    pub bases: &'a [String],
    /// The images of the fleet that it is built on, by their references with identity tags, sorted by their services' paths.
    pub parents: &'a [String],
}

/// The tag that names an image by what it is built from: `code-` and 12 hex digits.
pub fn image_tag(inputs: &ImageInputs<'_>) -> String {
    let mut fields = vec![
        format!("epoch {BUILDER_EPOCH}"),
        format!("code {}", inputs.code),
        format!("dockerfile {}", inputs.dockerfile),
        format!("target {}", inputs.target.unwrap_or_default()),
        format!("platform {}", inputs.platforms.join(",")),
    ];
    fields.extend(
        inputs
            .build_args
            .iter()
            .map(|(name, value)| format!("arg {name}={value}")),
    );
    fields.extend(inputs.attached.iter().map(|it| format!("attached {it}")));
    fields.extend(inputs.bases.iter().map(|base| format!("base {base}")));
    let parents = inputs.parents.iter();
    fields.extend(parents.map(|parent| format!("parent {parent}")));
    format!("code-{}", digest::of_fields(&fields, DIGITS / 2))
}

/// A chart's identity, 12 hex digits: the template of its version, and every file as it is packed, by name and content.
pub fn chart_id<'f>(version: &str, files: impl Iterator<Item = (&'f str, &'f [u8])>) -> String {
    let epoch = format!("epoch {CHART_EPOCH}");
    let head = [epoch.as_bytes(), version.as_bytes()];
    let files = files.flat_map(|(name, content)| [name.as_bytes(), content]);
    digest::of_fields(head.into_iter().chain(files), DIGITS / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_of_an_image_shows_in_its_tag() {
        let code = |n| ObjectId::from_bytes_or_panic(&[n; 20]);
        let args = |value: &str| BTreeMap::from([("A".to_owned(), value.to_owned())]);
        let (one, two) = (args("1"), args("2"));
        let [amd64, both] = [&["linux/amd64"][..], &["linux/amd64", "linux/arm64"]]
            .map(|names| names.iter().copied().map(str::to_owned).collect::<Vec<_>>());
        let base = ImageInputs {
            code: code(1),
            dockerfile: "Dockerfile",
            target: None,
            platforms: &amd64,
            build_args: &one,
            attached: &[],
            bases: &[],
            parents: &[],
        };
        let variants = [
            base.clone(),
            ImageInputs {
                code: code(2),
                ..base.clone()
            },
            ImageInputs {
                dockerfile: "Other",
                ..base.clone()
            },
            ImageInputs {
                target: Some("test"),
                ..base.clone()
            },
            ImageInputs {
                platforms: &both[1..],
                ..base.clone()
            },
            ImageInputs {
                platforms: &both,
                ..base.clone()
            },
            ImageInputs {
                attached: &["type=sbom".to_owned()],
                ..base.clone()
            },
            ImageInputs {
                build_args: &two,
                ..base.clone()
            },
            ImageInputs {
                bases: &["r/base:1 sha256:1".to_owned()],
                ..base.clone()
            },
            ImageInputs {
                bases: &["r/base:1 sha256:2".to_owned()],
                ..base.clone()
            },
            ImageInputs {
                parents: &["r/base:code-1".to_owned()],
                ..base.clone()
            },
            ImageInputs {
                parents: &["r/base:code-2".to_owned()],
                ..base.clone()
            },
        ];
        let tags: std::collections::BTreeSet<_> = variants.iter().map(image_tag).collect();
        assert_eq!(tags.len(), variants.len());
        assert!(tags.iter().all(|tag| tag.len() == "code-".len() + 12));
        assert_eq!(image_tag(&base), image_tag(&base.clone()));
    }

    #[test]
    fn a_chart_is_known_by_its_files_and_the_form_of_its_version() {
        let id = |version: &str, files: &[(&str, &str)]| {
            chart_id(
                version,
                files
                    .iter()
                    .map(|(name, content)| (*name, content.as_bytes())),
            )
        };
        let base = id("{version}+{id}", &[("a", "1"), ("b", "2")]);
        assert_eq!(base.len(), DIGITS);
        for other in [
            id("{version}-{id}", &[("a", "1"), ("b", "2")]),
            id("{version}+{id}", &[("a", "1"), ("b", "3")]),
            id("{version}+{id}", &[("a", "1"), ("c", "2")]),
            id("{version}+{id}", &[("a", "1b"), ("", "2")]),
            id("{version}+{id}", &[("a", "1")]),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn an_image_of_the_release_before_is_not_taken_for_one_of_today() {
        let none = BTreeMap::new();
        let tag = image_tag(&ImageInputs {
            code: ObjectId::from_bytes_or_panic(&[1; 20]),
            dockerfile: "Dockerfile",
            target: None,
            platforms: &["linux/amd64".to_owned()],
            build_args: &none,
            attached: &[],
            bases: &[],
            parents: &[],
        });
        // What the first epoch made of it.
        assert_ne!(tag, "code-25106f48eeea");
    }
}
