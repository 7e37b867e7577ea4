//! The plan of a Dockerfile, from its text alone: which stages, and in each which steps and which configuration.

use std::collections::BTreeSet;

use parse_dockerfile::{Dockerfile, Instruction};

use super::{
    dockerfile::{self, InstructionPlace},
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
    /// The stage that `FROM` names; `None` is `FROM scratch`.
    pub base: Option<usize>,
    /// What is done, one step for each instruction.
    pub steps: Vec<Step>,
    /// The configuration at the end.
    pub image: Image,
}

impl DockerfilePlan {
    /// Works out what `request` asks for on one of its platforms, from `text`, its Dockerfile.
    pub(super) fn new(request: &ImageRequest, platform: &str, text: &str) -> Result<Self> {
        let parsed = dockerfile::parse(&request.dockerfile, text)?;
        let platform = Platform::parse(platform).map_err(|why| {
            Error::misuse(why).hint("name one that the embedded builder knows, as `linux/amd64`")
        })?;
        let shared = Shared::new(request, &parsed, text, &platform)?;
        let bases = bases(&shared, &parsed)?;
        let target = target(request, &shared)?;
        let needed = needed(&shared, &parsed, &bases, target);

        let mut stages: Vec<Option<Stage>> = Vec::new();
        for (index, stage) in parsed.stages().enumerate() {
            if !needed.contains(&index) {
                stages.push(None);
                continue;
            }
            let place = shared.places.at(stage.from.from.span.start);
            let (base, image) = match &bases[index] {
                Base::Scratch => (None, Image::scratch(platform.clone())),
                Base::Stage(base) => (Some(*base), image_of(&stages, *base)?),
                Base::Remote(image) => {
                    let why = format!("`{image}` is neither `scratch` nor a stage above");
                    return Err(place.needs_engine(why));
                }
            };
            let image = with_platform(&shared, &place, stage.from, image)?;
            let (steps, image) = instructions::read(&shared, index, stage.instructions, image)?;
            stages.push(Some(Stage { base, steps, image }));
        }
        Ok(Self { stages, target })
    }
}

/// What a stage has become: those that others need are read before them.
fn image_of(stages: &[Option<Stage>], index: usize) -> Result<Image> {
    let stage = stages[index].as_ref();
    let image = stage.map(|stage| stage.image.clone());
    image.ok_or_else(|| incomplete("a stage was not read before another that needs it"))
}

/// What a `FROM` names.
enum Base {
    Scratch,
    Stage(usize),
    Remote(String),
}

fn bases(shared: &Shared, parsed: &Dockerfile) -> Result<Vec<Base>> {
    let mut bases = Vec::new();
    for (index, stage) in parsed.stages().enumerate() {
        let place = shared.places.at(stage.from.from.span.start);
        let variables = |name: &str| shared.globals.get(name).cloned();
        let image = shared.expander.word(&stage.from.image.value, &variables);
        let image = image.map_err(|fault| place.fault(fault))?;
        bases.push(match shared.stage_named(&image) {
            _ if image == "scratch" => Base::Scratch,
            Some(base) if base < index => Base::Stage(base),
            _ if image.is_empty() => {
                let why = "the image's name is empty";
                return Err(place
                    .misuse(why)
                    .hint("give the variable a default in an `ARG` above the first `FROM`"));
            }
            _ => Base::Remote(image),
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
fn needed(shared: &Shared, parsed: &Dockerfile, bases: &[Base], target: usize) -> BTreeSet<usize> {
    let stages: Vec<_> = parsed.stages().collect();
    let mut needed = BTreeSet::from([target]);
    for index in (0..=target).rev() {
        if !needed.contains(&index) {
            continue;
        }
        if let Base::Stage(base) = bases[index] {
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
                needed.extend(shared.stage_before(&place, &value.value, index).ok());
            }
        }
    }
    needed
}

fn with_platform(
    shared: &Shared,
    place: &InstructionPlace,
    from: &parse_dockerfile::FromInstruction,
    mut image: Image,
) -> Result<Image> {
    let flags = options::read(place, &from.options, &["platform"])?;
    if let Some(platform) = flags.value(place, "platform")? {
        let variables = |name: &str| shared.globals.get(name).cloned();
        let platform = shared
            .expander
            .word(platform, &variables)
            .map_err(|fault| place.fault(fault))?;
        image.platform = Platform::parse(&platform).map_err(|why| place.misuse(why))?;
    }
    Ok(image)
}
