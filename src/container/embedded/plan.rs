//! What a Dockerfile asks for, worked out from its text alone: which stages, and in each which steps and which configuration.

use std::collections::{BTreeMap, BTreeSet};

use parse_dockerfile::{Dockerfile, Instruction};

use super::{
    copy::Copy,
    dockerfile::{self, Place, Places},
    expand::Expander,
    image::{Image, Platform},
    instructions, options,
    tree::Owner,
};
use crate::{
    container::{ImageRequest, layout::incomplete},
    model::error::{Error, Result},
};

/// A Dockerfile with more stages than this is refused.
const STAGES: usize = 64;

/// Stages that are to be built, in order: a stage needs only those before it.
#[derive(Debug)]
pub struct Plan {
    /// All stages of the Dockerfile, `None` where the target does not need one.
    pub stages: Vec<Option<Stage>>,
    /// The stage that becomes the image.
    pub target: usize,
}

/// One stage.
#[derive(Debug)]
pub struct Stage {
    /// The stage that `FROM` names; `None` is `FROM scratch`.
    pub base: Option<usize>,
    /// What is done, one step for each instruction.
    pub steps: Vec<Step>,
    /// The configuration at the end.
    pub image: Image,
}

/// One instruction.
#[derive(Debug)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// What it does to the file system.
    pub action: Action,
}

/// What an instruction does to the file system.
#[derive(Debug)]
pub enum Action {
    /// Nothing: it is about the configuration alone.
    Describe,
    /// Makes a directory, unless it is there.
    MakeDirectory(std::path::PathBuf, Owner),
    /// Copies files.
    Copy(Copy),
}

/// Values that the whole Dockerfile shares.
pub struct Shared<'a> {
    /// Where instructions stand.
    pub places: Places<'a>,
    /// Replaces variables.
    pub expander: Expander,
    /// `--build-arg`.
    pub build_args: &'a BTreeMap<String, String>,
    /// The arguments declared before the first `FROM`, and the platform's.
    pub globals: BTreeMap<String, String>,
    /// Each stage's name, in lower case.
    pub stages: Vec<Option<String>>,
}

impl Plan {
    /// Works out what `request` asks for, from `text`, its Dockerfile.
    pub fn new(request: &ImageRequest, text: &str) -> Result<Self> {
        let parsed = dockerfile::parse(&request.dockerfile, text)?;
        let platform = Platform::parse(&request.platform).map_err(|why| {
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

impl<'a> Shared<'a> {
    fn new(
        request: &'a ImageRequest,
        parsed: &Dockerfile,
        text: &'a str,
        platform: &Platform,
    ) -> Result<Self> {
        let escape = parsed.parser_directives.escape.as_ref();
        let escape = escape.map_or('\\', |escape| escape.value.value);
        let mut shared = Self {
            places: Places::new(&request.dockerfile, text, escape),
            expander: Expander::new(escape),
            build_args: &request.build_args,
            globals: platform_arguments(platform, &request.build_args),
            stages: Vec::new(),
        };
        for arg in parsed.global_args() {
            let place = shared.places.at(arg.arg.span.start);
            for word in shared.expander.split(&arg.arguments.value) {
                let known = |name: &str| shared.globals.get(name).cloned();
                let (name, value) = instructions::argument(&shared, &place, &word, &known)?;
                if let Some(value) = value {
                    shared.globals.insert(name, value);
                }
            }
        }
        shared.stages = names(&shared.places, parsed)?;
        Ok(shared)
    }

    /// The stage that `COPY --from=value` in stage `current` names; the error says what is wrong with `value`.
    pub fn stage_before(&self, place: &Place, value: &str, current: usize) -> Result<usize> {
        if value.contains('$') {
            let why = "`--from` takes no variables";
            return Err(place
                .misuse(why)
                .hint("put the variable into a `FROM … AS name` and copy from that name"));
        }
        let found = self.stage_named(value).or_else(|| value.parse().ok());
        match found {
            Some(index) if index < current => Ok(index),
            Some(index) => {
                let error = place.misuse(format!("there is no stage `{value}` above this one"));
                Err(match index < self.stages.len() {
                    true => error.hint("move that stage above this one"),
                    false => error,
                })
            }
            None => {
                let error = place.needs_engine(format!("`{value}` is not a stage above"));
                Err(match self.similar(value) {
                    Some(name) => {
                        error.hint(format!("a stage with a similar name exists: `{name}`"))
                    }
                    None => error,
                })
            }
        }
    }

    fn stage_named(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.stages
            .iter()
            .position(|stage| stage.as_ref() == Some(&name))
    }

    fn similar(&self, name: &str) -> Option<&String> {
        let names = self.stages.iter().flatten();
        names
            .filter(|stage| strsim::jaro(stage, name) > 0.8)
            .max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)))
    }
}

/// The arguments that every Dockerfile may ask for. Nothing is run, so the platform that builds is taken to be the one built for: the
/// image must not depend on the machine.
fn platform_arguments(
    platform: &Platform,
    build_args: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut arguments = BTreeMap::new();
    for side in ["TARGET", "BUILD"] {
        arguments.insert(format!("{side}PLATFORM"), platform.to_string());
        arguments.insert(format!("{side}OS"), platform.os.clone());
        arguments.insert(format!("{side}ARCH"), platform.architecture.clone());
        arguments.insert(
            format!("{side}VARIANT"),
            platform.variant.clone().unwrap_or_default(),
        );
    }
    for (name, value) in &mut arguments {
        if let Some(given) = build_args.get(name) {
            value.clone_from(given);
        }
    }
    arguments
}

/// The stages' names. A name is compared without regard to case, begins with a letter, and is no path.
fn names(places: &Places, parsed: &Dockerfile) -> Result<Vec<Option<String>>> {
    let mut names = Vec::new();
    for stage in parsed.stages() {
        let place = places.at(stage.from.from.span.start);
        if names.len() == STAGES {
            return Err(place.misuse(format!("there are more than {STAGES} stages")));
        }
        let name = stage
            .from
            .as_
            .as_ref()
            .map(|(_, name)| name.value.to_lowercase());
        if let Some(name) = &name {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
            if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(plain) {
                return Err(place.misuse(format!("`{name}` cannot name a stage")));
            }
            if names.contains(&Some(name.clone())) {
                return Err(place.misuse(format!("there is a stage `{name}` already")));
            }
        }
        names.push(name);
    }
    Ok(names)
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
    place: &Place,
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
