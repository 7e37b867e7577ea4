//! The images of other repositories that a Dockerfile names: in `FROM`, `COPY --from`, `RUN --mount=…,from=` and as the
//! value of an `ARG`; of each stage that the target needs. Which of them is an image of the fleet, the caller knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
};

use parse_dockerfile::{ArgInstruction, Dockerfile, Flag, Instruction, Stage};

use super::embedded::{dockerfile, expand::Expander};
use crate::model::error::Result;

/// What decides which images a Dockerfile names, beside its text.
#[derive(Clone, Copy, Debug)]
pub struct NamingInputs<'a> {
    /// The stage to stop at; the last one when absent.
    pub target: Option<&'a str>,
    /// Build arguments by name.
    pub build_args: &'a BTreeMap<String, String>,
    /// The platforms in OCI's notation.
    pub platforms: &'a [String],
}

/// An image that a Dockerfile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedImage {
    /// The reference, its variables replaced.
    pub reference: String,
    /// Where it stands.
    pub place: ImagePlace,
}

/// Where an image is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImagePlace {
    /// The builder takes the image from there: these bytes of the text.
    Source(Range<usize>),
    /// The default of an `ARG`: these bytes of the text.
    Default(Range<usize>),
    /// The build argument of this name, which an `ARG` declares.
    BuildArg(String),
}

/// Every image that the Dockerfile `text` names, in its order; in one place it may name another for each platform. Messages call
/// the text `name`.
///
/// A word that flota cannot replace variables in names none: the builder says what is wrong with it.
///
/// # Errors
/// Misuse: the text is no Dockerfile; names the line.
pub fn named_images(name: &Path, text: &str, inputs: NamingInputs<'_>) -> Result<Vec<NamedImage>> {
    // All places stay.
    let readable = dockerfile::with_resets(text.to_owned());
    let parsed = dockerfile::parse_for_any(name, &readable)?;
    let escape = parsed.parser_directives.escape.as_ref();
    let expander = Expander::new(escape.map_or('\\', |escape| escape.value.value));
    let mut found = Vec::new();
    for platform in inputs.platforms {
        let mut reader = Reader {
            text: &readable,
            inputs,
            platform,
            expander: &expander,
            stages: parsed.stages().collect(),
            found: Vec::new(),
        };
        reader.all(&parsed);
        let new = reader.found.into_iter();
        let new: Vec<_> = new.filter(|image| !found.contains(image)).collect();
        found.extend(new);
    }
    // In a stage that is needed by one above it, and in the order of the text.
    let start = |image: &NamedImage| match &image.place {
        ImagePlace::Source(span) | ImagePlace::Default(span) => span.start,
        ImagePlace::BuildArg(_) => 0,
    };
    found.sort_by_key(start);
    Ok(found)
}

/// `text` with other words at these places, given from its beginning to its end.
pub fn with_words(text: &str, words: impl IntoIterator<Item = (Range<usize>, String)>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (place, word) in words {
        result.push_str(&text[at..place.start]);
        result.push_str(&word);
        at = place.end;
    }
    result.push_str(&text[at..]);
    result
}

/// The text of the Dockerfile `dockerfile`, a path inside the build context `context`.
///
/// # Errors
/// Misuse: it is not there, or not a file inside the context.
pub fn text(context: &Path, dockerfile: &Path) -> Result<String> {
    dockerfile::read(context, dockerfile)
}

struct Reader<'a, 'b> {
    text: &'a str,
    inputs: NamingInputs<'a>,
    platform: &'a str,
    expander: &'b Expander,
    stages: Vec<Stage<'a, 'b>>,
    found: Vec<NamedImage>,
}

type Variables = BTreeMap<String, String>;

impl<'a> Reader<'a, '_> {
    fn all(&mut self, parsed: &Dockerfile<'a>) {
        let mut globals = self.of_platform();
        for arg in parsed.global_args() {
            self.argument(arg, &mut globals, &Variables::new());
        }
        let bases: Vec<Option<String>> = self
            .stages
            .iter()
            .map(|stage| self.word(&stage.from.image.value, &globals))
            .collect();
        for index in self.needed(&bases) {
            let image = &self.stages[index].from.image;
            if let Some(base) = &bases[index]
                && base != "scratch"
                && self.stage_above(base, index).is_none()
            {
                let place = ImagePlace::Source(image.span.clone());
                self.find(base.clone(), place);
            }
            let mut arguments = self.of_platform();
            for instruction in self.stages[index].instructions {
                match instruction {
                    Instruction::Arg(arg) => self.argument(arg, &mut arguments, &globals),
                    other => {
                        for (reference, span) in sources(other, self.text) {
                            if self.stage_above(&reference, index).is_none() {
                                self.find(reference, ImagePlace::Source(span));
                            }
                        }
                    }
                }
            }
        }
    }

    fn find(&mut self, reference: String, place: ImagePlace) {
        self.found.push(NamedImage { reference, place });
    }

    fn word(&self, word: &str, variables: &Variables) -> Option<String> {
        let word = self
            .expander
            .word(word, &|name| variables.get(name).cloned());
        word.ok().filter(|word| !word.is_empty())
    }

    /// What one `ARG` declares: a build argument goes before its default, and that before the argument of the same name above
    /// the first `FROM`.
    fn argument(
        &mut self,
        arg: &ArgInstruction<'_>,
        variables: &mut Variables,
        globals: &Variables,
    ) {
        for word in self.expander.split(&arg.arguments.value) {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name, Some(default)),
                None => (word.as_str(), None),
            };
            let (value, place) = match (self.inputs.build_args.get(name), default) {
                (Some(given), _) => (
                    Some(given.clone()),
                    Some(ImagePlace::BuildArg(name.to_owned())),
                ),
                (None, Some(default)) => {
                    let span = span_of(self.text, &arg.arguments.span, &word, name);
                    let value = self.word(default, variables);
                    (value, span.map(ImagePlace::Default))
                }
                // The one above the first `FROM` was looked at there.
                (None, None) => (globals.get(name).cloned(), None),
            };
            let Some(value) = value else { continue };
            if let Some(place) = place {
                self.find(value.clone(), place);
            }
            variables.insert(name.to_owned(), value);
        }
    }

    /// The arguments that every Dockerfile may ask for.
    fn of_platform(&self) -> Variables {
        let mut parts = self.platform.split('/');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let [os, arch, variant] = [part(), part(), part()];
        let all = ["TARGET", "BUILD"].into_iter().flat_map(|side| {
            [
                ("PLATFORM", self.platform),
                ("OS", os.as_str()),
                ("ARCH", arch.as_str()),
                ("VARIANT", variant.as_str()),
            ]
            .map(|(name, value)| (format!("{side}{name}"), value.to_owned()))
        });
        all.collect()
    }

    /// The stage above `index` that is called so, or has this number.
    fn stage_above(&self, name: &str, index: usize) -> Option<usize> {
        let above = &self.stages[..index];
        let is_it = |stage: &Stage<'_, '_>| {
            let own = stage.from.as_.as_ref();
            own.is_some_and(|(_, own)| own.value.eq_ignore_ascii_case(name))
        };
        above
            .iter()
            .position(is_it)
            .or_else(|| name.parse().ok().filter(|number| *number < index))
    }

    /// The target and the stages that it needs: no builder looks at the others.
    fn needed(&self, bases: &[Option<String>]) -> BTreeSet<usize> {
        let Some(last) = self.stages.len().checked_sub(1) else {
            return BTreeSet::new();
        };
        let named = self.inputs.target;
        let target = named.and_then(|name| self.stage_above(name, self.stages.len()));
        let mut open = vec![target.unwrap_or(last)];
        let mut needed = BTreeSet::new();
        while let Some(index) = open.pop() {
            if !needed.insert(index) {
                continue;
            }
            let base = bases[index].as_deref();
            open.extend(base.and_then(|base| self.stage_above(base, index)));
            for instruction in self.stages[index].instructions {
                let sources = sources(instruction, self.text);
                open.extend(
                    sources
                        .iter()
                        .filter_map(|(name, _)| self.stage_above(name, index)),
                );
            }
        }
        needed
    }
}

/// What an instruction takes files from beside the context, with its place in the text. Neither form replaces variables.
fn sources(instruction: &Instruction<'_>, text: &str) -> Vec<(String, Range<usize>)> {
    let plain = |flag: &Flag<'_>| {
        let value = flag.value.as_ref()?;
        Some((value.value.clone().into_owned(), value.span.clone()))
    };
    match instruction {
        Instruction::Copy(copy) => {
            let from = copy.options.iter().filter(|flag| flag.name.value == "from");
            from.filter_map(plain).collect()
        }
        Instruction::Run(run) => {
            let mounts = run.options.iter().filter(|flag| flag.name.value == "mount");
            mounts
                .filter_map(|flag| flag.value.as_ref())
                .flat_map(|value| mount_sources(text, &value.span))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The `from` of a mount: `type=bind,from=base,source=/a,target=/b`.
fn mount_sources(text: &str, span: &Range<usize>) -> Vec<(String, Range<usize>)> {
    let mut at = span.start;
    let mut found = Vec::new();
    for field in text[span.clone()].split(',') {
        if let Some(value) = field.strip_prefix("from=") {
            let start = at + "from=".len();
            found.push((value.to_owned(), start..start + value.len()));
        }
        at += field.len() + 1;
    }
    found
}

/// Where the default of the argument that `word` declares stands; none where the word goes on over several lines.
fn span_of(text: &str, within: &Range<usize>, word: &str, name: &str) -> Option<Range<usize>> {
    let start = within.start + text[within.clone()].find(word)?;
    Some(start + name.len() + 1..start + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, target: Option<&str>, build_args: &[(&str, &str)]) -> Vec<String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let build_args = build_args.iter().map(own).collect();
        let inputs = NamingInputs {
            target,
            build_args: &build_args,
            platforms: &["linux/arm64/v8".to_owned()],
        };
        let images = named_images(Path::new("Dockerfile"), text, inputs).unwrap();
        let shown = |image: NamedImage| {
            let place = match image.place {
                ImagePlace::Source(span) => format!("source {}", &text[span]),
                ImagePlace::Default(span) => format!("default {}", &text[span]),
                ImagePlace::BuildArg(name) => format!("build argument {name}"),
            };
            format!("{} ({place})", image.reference)
        };
        images.into_iter().map(shown).collect()
    }

    #[test]
    fn every_place_that_names_an_image_is_found() {
        for (text, want) in [
            ("FROM r/base:1\n", &["r/base:1 (source r/base:1)"][..]),
            ("FROM scratch\nCOPY a /a\n", &[]),
            (
                "FROM --platform=linux/arm64 r/base AS x\nFROM x\n",
                &["r/base (source r/base)"],
            ),
            (
                "FROM scratch AS one\nFROM scratch\nCOPY --from=one a /\nCOPY --from=0 a /\n",
                &[],
            ),
            (
                "FROM scratch\nCOPY --chown=1 --from=r/base /a /a\n",
                &["r/base (source r/base)"],
            ),
            (
                "FROM scratch\nRUN --mount=type=bind,from=r/base,target=/b true\n",
                &["r/base (source r/base)"],
            ),
            (
                "ARG BASE=r/base\nFROM ${BASE}\n",
                &["r/base (default r/base)", "r/base (source ${BASE})"],
            ),
            (
                "ARG R=r/team V=\"1\"\nFROM $R/base:$V-$TARGETARCH\n",
                &[
                    "r/team (default r/team)",
                    "1 (default \"1\")",
                    "r/team/base:1-arm64 (source $R/base:$V-$TARGETARCH)",
                ],
            ),
            (
                "ARG G=r/g\nFROM scratch\nARG G\nARG L=${G}x\n",
                &["r/g (default r/g)", "r/gx (default ${G}x)"],
            ),
            // What the target does not need is not built.
            (
                "FROM r/unused AS test\nFROM r/base\n",
                &["r/base (source r/base)"],
            ),
            // parse-dockerfile refuses the reset.
            (
                "FROM r/base\nENTRYPOINT []\nCOPY --from=r/x a /\n",
                &["r/base (source r/base)", "r/x (source r/x)"],
            ),
            ("FROM a\\\n/b\n", &["a/b (source a\\\n/b)"]),
            ("# escape=`\nFROM `\n r/base\n", &["r/base (source r/base)"]),
        ] {
            assert_eq!(named(text, None, &[]), want, "{text}");
        }
    }

    #[test]
    fn a_build_argument_goes_before_the_default() {
        let text = "ARG BASE=r/base\nFROM $BASE AS a\nFROM r/other AS b\n";
        assert_eq!(
            named(
                text,
                Some("A"),
                &[("BASE", "r/mine"), ("UNUSED", "r/unused")]
            ),
            ["r/mine (build argument BASE)", "r/mine (source $BASE)"]
        );
        assert_eq!(
            named(text, Some("b"), &[]),
            ["r/base (default r/base)", "r/other (source r/other)"]
        );
    }

    #[test]
    fn words_are_put_in_their_places() {
        let text = "FROM a AS b\nCOPY --from=c / /\n";
        let words = [(5..6, "x@y".to_owned()), (24..25, "long".to_owned())];
        assert_eq!(
            with_words(text, words),
            "FROM x@y AS b\nCOPY --from=long / /\n"
        );
    }
}
