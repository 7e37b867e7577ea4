//! Content identity: what is the same is never built twice (design: an image is known by what it is built from).

use std::collections::BTreeMap;

use gix::ObjectId;

use super::digest;

/// Raised whenever a change of flota itself makes builders produce something else from the same input.
const BUILDER_EPOCH: u32 = 1;

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
    format!("code-{}", short_hash(&fields))
}

/// A chart's identity, 12 hex digits: its configuration, and the image it deploys (its digest where known, else its
/// identity tag; nothing for a chart without an image).
pub fn chart_id(config: ObjectId, image: Option<&str>) -> String {
    let fields = [
        format!("config {config}"),
        format!("image {}", image.unwrap_or_default()),
    ];
    short_hash(&fields)
}

fn short_hash(fields: &[String]) -> String {
    digest::of_fields(fields, 6)
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
        ];
        let tags: std::collections::BTreeSet<_> = variants.iter().map(image_tag).collect();
        assert_eq!(tags.len(), variants.len());
        assert!(tags.iter().all(|tag| tag.len() == "code-".len() + 12));
        assert_eq!(image_tag(&base), image_tag(&base.clone()));
    }

    #[test]
    fn a_chart_is_known_by_its_configuration_and_its_image() {
        let config = |n| ObjectId::from_bytes_or_panic(&[n; 20]);
        assert_ne!(chart_id(config(1), None), chart_id(config(2), None));
        assert_ne!(
            chart_id(config(1), Some("sha256:a")),
            chart_id(config(1), Some("sha256:b"))
        );
    }
}
