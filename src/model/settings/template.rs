//! Text with placeholders: tags and chart versions.

use std::{fmt, str::FromStr};

use super::{
    gate::subject::GateSubject,
    valid::{self, shown},
};
use crate::model::error::{Error, Result};

/// The longest name's template, in bytes: a tag has at most 128 characters, and its placeholders are not longer than that.
const LONGEST: usize = 256;

/// Text with `{placeholders}` out of `F`; shown as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct NameTemplate<F> {
    source: String,
    parts: Vec<Part<F>>,
}

/// A tag's template; the placeholders are those of [`TagField`].
pub type TagTemplate = NameTemplate<TagField>;

/// The template of an argument of a gate's program; the placeholders are those of [`GateField`].
pub type ArgumentTemplate = NameTemplate<GateField>;

/// A chart version's template; the placeholders are those of [`VersionField`].
pub type VersionTemplate = NameTemplate<VersionField>;

#[derive(Clone, PartialEq, Eq)]
enum Part<F> {
    Text(String),
    Field(F),
}

/// The placeholders of one kind of template.
pub trait Field: Copy + 'static {
    /// Every placeholder by the word between its braces.
    const NAMES: &'static [(&'static str, Self)];
    /// The longest template, in bytes.
    const LONGEST: usize = LONGEST;
}

/// What a tag can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagField {
    /// The branch's name, made fit for a tag.
    Branch,
    /// The first 7 hexadecimal digits of the service's commit.
    Sha,
    /// The service's commit.
    Commit,
    /// The service's name, made fit for a tag.
    Service,
}

impl Field for TagField {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("branch", Self::Branch),
        ("sha", Self::Sha),
        ("commit", Self::Commit),
        ("service", Self::Service),
    ];
}

/// What a chart's version can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionField {
    /// The version in `Chart.yaml`.
    Version,
    /// The chart's identity in hexadecimal digits.
    Id,
    /// The service's commit.
    Commit,
}

impl Field for VersionField {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("version", Self::Version),
        ("id", Self::Id),
        ("commit", Self::Commit),
    ];
}

/// What an argument of a gate's program can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateField {
    /// What the image's builder knows it by: a name in its store, or the folder of [`GateField::Layout`].
    Image,
    /// A folder that is an OCI image layout with this image alone.
    Layout,
    /// A file as `docker save` writes it, with this image alone.
    Archive,
    /// The packaged chart, a file.
    Chart,
    /// A file with what the chart renders to.
    Manifests,
    /// The service's name.
    Service,
    /// A file for what the program makes, which is kept with its result.
    Output,
}

impl Field for GateField {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("image", Self::Image),
        ("layout", Self::Layout),
        ("archive", Self::Archive),
        ("chart", Self::Chart),
        ("manifests", Self::Manifests),
        ("service", Self::Service),
        ("output", Self::Output),
    ];
    const LONGEST: usize = 4096;
}

impl GateField {
    /// What the content has to be that it stands for; none: whatever is judged.
    pub fn subject(self) -> Option<GateSubject> {
        match self {
            Self::Image | Self::Layout | Self::Archive => Some(GateSubject::Image),
            Self::Chart | Self::Manifests => Some(GateSubject::Chart),
            Self::Service | Self::Output => None,
        }
    }
}

impl<F: Field> NameTemplate<F> {
    /// The placeholders, in their order.
    pub fn fields(&self) -> impl Iterator<Item = F> + '_ {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Field(field) => Some(*field),
        })
    }

    /// The text, each placeholder replaced by what `value` gives for it.
    pub fn render<'v>(&self, value: impl Fn(F) -> &'v str) -> String {
        let parts = self.parts.iter();
        parts
            .map(|part| match part {
                Part::Text(text) => text,
                Part::Field(field) => value(*field),
            })
            .collect()
    }

    fn parse(source: &str) -> Result<Self> {
        if source.len() > F::LONGEST {
            return Err(Error::misuse(format!(
                "`{}` is longer than {} bytes",
                shown(source),
                F::LONGEST
            )));
        }
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some((text, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| {
                Error::misuse(format!("`{}` has a `{{` without its `}}`", shown(source)))
                    .hint(placeholders::<F>())
            })?;
            parts.extend(text_part(text));
            parts.push(Part::Field(field(name)?));
            rest = after;
        }
        parts.extend(text_part(rest));
        Ok(Self {
            source: source.to_owned(),
            parts,
        })
    }
}

fn text_part<F>(text: &str) -> Option<Part<F>> {
    (!text.is_empty()).then(|| Part::Text(text.to_owned()))
}

fn field<F: Field>(name: &str) -> Result<F> {
    let known = F::NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, field)| *field).ok_or_else(|| {
        Error::misuse(format!("unknown placeholder `{{{}}}`", shown(name)))
            .hint(placeholders::<F>())
    })
}

fn placeholders<F: Field>() -> String {
    let names: Vec<String> = F::NAMES
        .iter()
        .map(|(name, _)| format!("{{{name}}}"))
        .collect();
    format!("the placeholders are {}", names.join(", "))
}

impl<F> fmt::Display for NameTemplate<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl<F> fmt::Debug for NameTemplate<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameTemplate({:?})", self.source)
    }
}

impl FromStr for TagTemplate {
    type Err = Error;

    /// Refuses a template whose own text no tag can hold.
    fn from_str(source: &str) -> Result<Self> {
        let template = Self::parse(source)?;
        let sample = template.render(|field| match field {
            TagField::Branch | TagField::Service => "main",
            TagField::Sha => "0123456",
            TagField::Commit => "0123456789012345678901234567890123456789",
        });
        valid::tag(&sample)
            .map_err(|error| error.hint(format!("that is what `{}` comes to", shown(source))))?;
        Ok(template)
    }
}

impl FromStr for ArgumentTemplate {
    type Err = Error;

    /// Refuses what no argument can hold.
    fn from_str(source: &str) -> Result<Self> {
        valid::value(source)?;
        Self::parse(source)
    }
}

impl FromStr for VersionTemplate {
    type Err = Error;

    /// Refuses a template that does not make a SemVer 2 version, which Helm asks for, out of every identity.
    fn from_str(source: &str) -> Result<Self> {
        let template = Self::parse(source)?;
        // Hexadecimal digits may all be decimal and begin with 0: that is no number a pre-release may hold (SemVer 2 §9).
        let sample = template.render(|field| match field {
            VersionField::Version => "1.2.3",
            VersionField::Id => "012345678901",
            VersionField::Commit => "0123456789012345678901234567890123456789",
        });
        semver::Version::parse(&sample).map_err(|error| {
            Error::misuse(format!("`{}` does not give a SemVer version (`{}`: {error})", shown(source), shown(&sample)))
                .hint(r#"as build metadata: version = "{version}+{id}"; as a pre-release: version = "{version}-g{id}""#)
        })?;
        Ok(template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_renders_and_shows_itself() {
        let template: TagTemplate = "pr-{branch}.{sha}_{service}-{commit}".parse().unwrap();
        assert_eq!(template.to_string(), "pr-{branch}.{sha}_{service}-{commit}");
        let tag = template.render(|field| match field {
            TagField::Branch => "main",
            TagField::Sha => "1234567",
            TagField::Commit => "12345678",
            TagField::Service => "cart",
        });
        assert_eq!(tag, "pr-main.1234567_cart-12345678");
    }

    #[test]
    fn a_template_has_a_longest_length() {
        let template = |length: usize| "{sha}".repeat(length / 5) + &"a".repeat(length % 5);
        assert!(NameTemplate::<TagField>::parse(&template(LONGEST)).is_ok());
        assert!(NameTemplate::<TagField>::parse(&template(LONGEST + 1)).is_err());
    }

    #[test]
    fn a_tag_template_keeps_to_the_tag_grammar() {
        for fine in ["latest", "{sha}", "v1_{branch}", "{service}-{commit}"] {
            assert!(fine.parse::<TagTemplate>().is_ok(), "{fine}");
        }
        let long = "a".repeat(129);
        for bad in [
            "",
            "-{sha}",
            ".x",
            "a/b",
            "{branch}:{sha}",
            "a b",
            "{id}",
            "{sha",
            "sha}",
            "{}",
            "{{sha}}",
            "é",
            &long,
        ] {
            assert!(bad.parse::<TagTemplate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_version_template_makes_semver_of_every_identity() {
        for fine in [
            "{version}",
            "{version}+{id}",
            "{version}-g{id}",
            "{version}-rc.1+{id}.{commit}",
            "1.0.0+{id}",
        ] {
            assert!(fine.parse::<VersionTemplate>().is_ok(), "{fine}");
        }
        for bad in [
            "",
            "v{version}",
            "{id}",
            "{version}_{id}",
            "{version}-{id}",
            "{version}+{sha}",
            "{version}+é",
        ] {
            assert!(bad.parse::<VersionTemplate>().is_err(), "{bad}");
        }
    }
}
