//! The plan of a Dockerfile, from its text alone: which stages, and in each which steps and which configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use parse_dockerfile::{Dockerfile, Instruction};

use super::{
    base::{Base, Bases},
    dockerfile::{self, InstructionPlace},
    form,
    image::{Image, Platform},
    instructions, options,
    shared::Shared,
    step::Step,
};
use crate::{
    container::{image::ImageRequest, layout::incomplete},
    model::error::{Error, Result},
};

/// Stages that are to be built, in order: a stage needs only those before it.
#[derive(Debug)]
pub(super) struct DockerfilePlan {
    /// All stages of the Dockerfile, `None` where the target does not need one.
    pub stages: Vec<Option<Stage>>,
    /// The stage that becomes the image.
    pub target: usize,
}

/// One stage.
#[derive(Debug)]
pub(super) struct Stage {
    /// Where its `FROM` stands.
    pub place: InstructionPlace,
    /// What `FROM` names.
    pub base: StageBase,
    /// What is done, one step for each instruction.
    pub steps: Vec<Step>,
    /// The configuration at the end.
    pub image: Image,
    /// The variables at the end, which stages that start from this one inherit.
    variables: BTreeMap<String, String>,
}

/// What a stage starts from.
#[derive(Clone, Debug)]
pub(super) enum StageBase {
    /// Nothing.
    Scratch,
    /// A stage above.
    Stage(usize),
    /// An image of a registry.
    Image(Arc<Base>),
}

impl DockerfilePlan {
    /// Works out what `request` asks for on one of its platforms, from `text`, its Dockerfile, which may name `images`.
    pub(super) fn new(
        request: &ImageRequest,
        platform: &str,
        text: &str,
        images: &Bases,
    ) -> Result<Self> {
        let parsed = dockerfile::parse(&request.dockerfile, text)?;
        let platform = Platform::parse(platform).map_err(|why| {
            Error::misuse(why).hint("name one that the embedded builder knows, as `linux/amd64`")
        })?;
        let shared = Shared::new(request, &parsed, text, &platform, images)?;
        for instruction in parsed.stages().flat_map(|stage| stage.instructions) {
            form::check(&shared.places, &shared.places.of(instruction), instruction)?;
        }
        let bases = bases(&shared, &parsed)?;
        let target = target(request, &shared)?;
        let needed = needed(&shared, &parsed, &bases, target);
        refuse_what_runs(&shared, &parsed, &needed)?;

        let mut stages: Vec<Option<Stage>> = Vec::new();
        for (index, stage) in parsed.stages().enumerate() {
            if !needed.contains(&index) {
                stages.push(None);
                continue;
            }
            let place = shared.places.at(stage.from.from.span.start);
            let own = own_platform(&shared, &place, stage.from)?;
            let (base, image) = match &bases[index] {
                NamedBase::Scratch => (StageBase::Scratch, Image::scratch(platform.clone())),
                NamedBase::Stage(base) => (StageBase::Stage(*base), image_of(&stages, *base)?),
                NamedBase::Image(name) => {
                    let platform = own.as_ref().unwrap_or(&platform);
                    let base = shared.base(&place, name, platform)?;
                    let image = base.image.clone();
                    (StageBase::Image(base), image)
                }
            };
            let inherited = match &base {
                StageBase::Stage(base) => stages[*base].as_ref().map(|base| base.variables.clone()),
                _ => None,
            };
            let inherited = inherited.unwrap_or_default();
            let end = instructions::read(&shared, index, stage.instructions, image, inherited)?;
            stages.push(Some(Stage {
                place,
                base,
                steps: end.steps,
                image: end.image,
                variables: end.variables,
            }));
        }
        Ok(Self { stages, target })
    }

    /// The target and the stages below it, whose layers the image has, from the target down.
    pub(super) fn chain(&self) -> impl Iterator<Item = usize> {
        let below = |&index: &usize| match self.stages[index].as_ref()?.base {
            StageBase::Stage(base) => Some(base),
            _ => None,
        };
        std::iter::successors(Some(self.target), below)
    }

    /// The image of a registry that the target stands on, if it stands on one, and where it is named.
    pub(super) fn base(&self) -> Option<(&Base, &InstructionPlace)> {
        let lowest = self.stages[self.chain().last()?].as_ref()?;
        match &lowest.base {
            StageBase::Image(base) => Some((base, &lowest.place)),
            _ => None,
        }
    }
}

/// What only an engine can do is said before any registry is asked.
fn refuse_what_runs(shared: &Shared, parsed: &Dockerfile, needed: &BTreeSet<usize>) -> Result<()> {
    let stages = parsed.stages().enumerate();
    let needed = stages.filter(|(index, _)| needed.contains(index));
    for instruction in needed.flat_map(|(_, stage)| stage.instructions) {
        instructions::refuse_what_runs(&shared.places.of(instruction), instruction)?;
    }
    Ok(())
}

/// What a stage has become: those that others need are read before them.
fn image_of(stages: &[Option<Stage>], index: usize) -> Result<Image> {
    let stage = stages[index].as_ref();
    let image = stage.map(|stage| stage.image.clone());
    image.ok_or_else(|| incomplete("a stage was not read before another that needs it"))
}

/// What a `FROM` names.
enum NamedBase {
    Scratch,
    Stage(usize),
    Image(String),
}

fn bases(shared: &Shared, parsed: &Dockerfile) -> Result<Vec<NamedBase>> {
    let mut bases = Vec::new();
    for (index, stage) in parsed.stages().enumerate() {
        let place = shared.places.at(stage.from.from.span.start);
        let variables = |name: &str| shared.globals.get(name).cloned();
        let image = shared.expander.word(&stage.from.image.value, &variables);
        let image = image.map_err(|fault| place.fault(fault))?;
        own_platform(shared, &place, stage.from)?;
        bases.push(match shared.stage_named(&image) {
            _ if image == "scratch" => NamedBase::Scratch,
            Some(base) if base < index => NamedBase::Stage(base),
            _ if image.is_empty() => {
                let why = "the image's name is empty";
                return Err(place
                    .misuse(why)
                    .hint("give the variable a default in an `ARG` above the first `FROM`"));
            }
            _ => NamedBase::Image(image),
        });
    }
    Ok(bases)
}

fn target(request: &ImageRequest, shared: &Shared) -> Result<usize> {
    let last = shared.stages.len() - 1;
    let Some(name) = &request.target else {
        return Ok(last);
    };
    let by_index = || name.parse().ok().filter(|&index: &usize| index <= last);
    shared.stage_named(name).or_else(by_index).ok_or_else(|| {
        let known: Vec<&str> = shared.stages.iter().flatten().map(String::as_str).collect();
        let error = Error::misuse(format!(
            "{} has no stage `{name}`",
            request.dockerfile.display()
        ));
        match known.is_empty() {
            true => error.hint("name a stage: FROM … AS name"),
            false => error.hint(format!("its stages: {}", known.join(", "))),
        }
    })
}

/// The target and the stages that it needs, however indirectly: as BuildKit does, the others are not looked at.
fn needed(
    shared: &Shared,
    parsed: &Dockerfile,
    bases: &[NamedBase],
    target: usize,
) -> BTreeSet<usize> {
    let stages: Vec<_> = parsed.stages().collect();
    let mut needed = BTreeSet::from([target]);
    for index in (0..=target).rev() {
        if !needed.contains(&index) {
            continue;
        }
        if let NamedBase::Stage(base) = bases[index] {
            needed.insert(base);
        }
        for instruction in stages[index].instructions {
            let Instruction::Copy(copy) = instruction else {
                continue;
            };
            let from = copy.options.iter().filter(|flag| flag.name.value == "from");
            for value in from.filter_map(|flag| flag.value.as_ref()) {
                // A value that names no stage is reported when its instruction is read.
                let place = shared.places.of(instruction);
                let stage = shared.stage_before(&place, &value.value, index);
                needed.extend(stage.ok().flatten());
            }
        }
    }
    needed
}

/// `FROM --platform` chooses one image of several; where there are none, it has to be a platform and means nothing.
fn own_platform(
    shared: &Shared,
    place: &InstructionPlace,
    from: &parse_dockerfile::FromInstruction,
) -> Result<Option<Platform>> {
    let flags = options::read(place, &from.options, &["platform"])?;
    let Some(platform) = flags.value(place, "platform")? else {
        return Ok(None);
    };
    let variables = |name: &str| shared.globals.get(name).cloned();
    let platform = shared
        .expander
        .word(platform, &variables)
        .map_err(|fault| place.fault(fault))?;
    let platform = Platform::parse(&platform).map_err(|why| place.misuse(why))?;
    Ok(Some(platform))
}
