//! The names of images and charts.

use std::collections::BTreeSet;

use super::options::BuildOptions;
use crate::model::{
    error::{Error, Result},
    plan::Step,
    settings::{ServiceSettings, TagField, valid},
};

/// The longest tag a registry takes (OCI distribution specification, "pulling manifests").
const TAG_LIMIT: usize = 128;

/// An image's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageNames {
    /// The registry with its path, where one is configured.
    pub registry: Option<String>,
    /// The repository below it.
    pub repository: String,
    /// The identity tag.
    pub identity: String,
    /// The tags for people.
    pub tags: Vec<String>,
}

impl ImageNames {
    /// The names of a service's image: its identity, and a tag for each template and each `--tag`.
    pub(super) fn new(
        own: &ServiceSettings,
        step: &Step,
        identity: String,
        options: &BuildOptions,
    ) -> Result<Self> {
        let commit = step
            .commit
            .map(|commit| commit.to_string())
            .unwrap_or_default();
        let service = fit(&step.name.to_string());
        let branch = options.branch.as_deref().map(fit);
        let mut tags = Vec::new();
        for template in own.image.tags.iter() {
            let needs_branch = template.to_string().contains("{branch}");
            if needs_branch && branch.is_none() {
                continue;
            }
            tags.push(fit(&template.render(|field| match field {
                TagField::Branch => branch.as_deref().unwrap_or_default(),
                TagField::Sha => commit.get(..7).unwrap_or_default(),
                TagField::Commit => &commit,
                TagField::Service => &service,
            })));
        }
        tags.extend(options.tags.iter().cloned());
        for tag in &tags {
            valid::tag(tag)?;
            refuse_identity(tag)?;
        }
        let mut seen = BTreeSet::new();
        tags.retain(|tag| seen.insert(tag.clone()));
        let repository = own.repository()?.to_owned();
        Ok(Self {
            registry: own.image.registry.clone(),
            repository,
            identity,
            tags,
        })
    }

    /// `registry/repository`.
    pub(super) fn name(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.clone(),
        }
    }

    /// The full name that says what the image is built from.
    pub(super) fn identity_reference(&self) -> String {
        format!("{}:{}", self.name(), self.identity)
    }

    /// Every full name, the identity first.
    pub(super) fn references(&self) -> Vec<String> {
        let tags = std::iter::once(&self.identity).chain(&self.tags);
        tags.map(|tag| format!("{}:{tag}", self.name())).collect()
    }
}

/// A branch's or a service's name as a part of a tag: what a tag cannot hold becomes `-`.
fn fit(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let mapped: String = name
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .collect();
    let trimmed = mapped.trim_start_matches(['.', '-']);
    trimmed.chars().take(TAG_LIMIT).collect()
}

/// A tag for people in the form of an identity would pass for other content: whoever may name a branch could plant an
/// image that a later build takes for its own.
fn refuse_identity(tag: &str) -> Result<()> {
    let is_hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    if tag
        .strip_prefix("code-")
        .is_some_and(|rest| rest.len() == 12 && rest.bytes().all(is_hex))
    {
        return Err(Error::misuse(format!(
            "the tag `{tag}` has the form of an identity (`code-` and 12 hexadecimal digits)"
        ))
        .hint("such tags are derived from content: choose another, such as `--tag v1.2`, or add more to [image] tags in flota.toml"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tag_for_people_passes_for_an_identity() {
        assert!(refuse_identity("code-0123456789ab").is_err());
        for tag in [
            "code-0123456789a",
            "code-0123456789abc",
            "code-0123456789AB",
            "code-review-1234",
            "pr-12",
        ] {
            assert!(refuse_identity(tag).is_ok(), "{tag}");
        }
    }

    #[test]
    fn any_name_becomes_a_tag() {
        assert_eq!(fit("feature/x y"), "feature-x-y");
        assert_eq!(fit("-.x"), "x");
        assert_eq!(fit(&"a".repeat(200)).len(), TAG_LIMIT);
    }
}
