//! What all stages of a Dockerfile share: the arguments before the first `FROM`, and the stages' names.

use std::{collections::BTreeMap, sync::Arc};

use parse_dockerfile::Dockerfile;

use super::{
    base::{Base, Bases},
    dockerfile::{InstructionPlace, Places},
    expand::{Expander, Variables},
    image::Platform,
};
use crate::{
    container::image::ImageRequest,
    model::{error::Result, nearest::nearest, reference::Reference},
};

/// A Dockerfile with more stages than this is refused.
const STAGES: usize = 64;

/// Values that the whole Dockerfile shares.
pub(super) struct Shared<'a> {
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
    /// What is built for.
    platform: &'a Platform,
    bases: &'a Bases,
}

/// Where a `COPY` finds its sources.
#[derive(Clone, Debug)]
pub(super) enum CopyOrigin {
    /// The build context.
    Context,
    /// A stage above.
    Stage(usize),
    /// An image of a registry.
    Image(Arc<Base>),
}

impl<'a> Shared<'a> {
    /// What `request` and the text before the first `FROM` say.
    pub(super) fn new(
        request: &'a ImageRequest,
        parsed: &Dockerfile,
        text: &'a str,
        platform: &'a Platform,
        bases: &'a Bases,
    ) -> Result<Self> {
        let escape = parsed.parser_directives.escape.as_ref();
        let escape = escape.map_or('\\', |escape| escape.value.value);
        let mut shared = Self {
            places: Places::new(&request.dockerfile, text, escape),
            expander: Expander::new(escape),
            build_args: &request.build_args,
            globals: predefined(platform, request, parsed),
            stages: Vec::new(),
            platform,
            bases,
        };
        for arg in parsed.global_args() {
            let place = shared.places.at(arg.arg.span.start);
            for word in shared.expander.split(&arg.arguments.value) {
                let known = |name: &str| shared.globals.get(name).cloned();
                let (name, value) = argument(&shared, &place, &word, &known)?;
                if let Some(value) = value {
                    shared.globals.insert(name, value);
                }
            }
        }
        shared.stages = names(&shared.places, parsed)?;
        Ok(shared)
    }

    /// What `COPY --from=value` in stage `current` names; the error says what is wrong with `value`.
    pub(super) fn origin(
        &self,
        place: &InstructionPlace,
        value: &str,
        current: usize,
    ) -> Result<CopyOrigin> {
        if let Some(stage) = self.stage_before(place, value, current)? {
            return Ok(CopyOrigin::Stage(stage));
        }
        let found = self.base(place, value, self.platform);
        found.map(CopyOrigin::Image).map_err(|error| {
            match nearest(value, self.stages.iter().flatten()) {
                Some(name) => error.hint(format!("a stage with a similar name exists: `{name}`")),
                None => error,
            }
        })
    }

    /// The image that an instruction calls `name`, for `platform`.
    pub(super) fn base(
        &self,
        place: &InstructionPlace,
        name: &str,
        platform: &Platform,
    ) -> Result<Arc<Base>> {
        let name = Reference::parse(name).map_err(|error| error.within(place))?;
        let found = self.bases.find(&name, platform);
        found.map_err(|error| error.within(place))
    }

    /// The stage that `COPY --from=value` in stage `current` names, if it names one; the error says what is wrong with `value`.
    pub(super) fn stage_before(
        &self,
        place: &InstructionPlace,
        value: &str,
        current: usize,
    ) -> Result<Option<usize>> {
        if value.contains('$') {
            let why = "`--from` does not accept variables";
            return Err(place
                .misuse(why)
                .hint("put the variable into a `FROM … AS name` and copy from that name"));
        }
        let found = self.stage_named(value).or_else(|| value.parse().ok());
        match found {
            Some(index) if index < current => Ok(Some(index)),
            Some(index) => {
                let error = place.misuse(format!("there is no stage `{value}` above this one"));
                Err(match index < self.stages.len() {
                    true => error.hint("move that stage above this one"),
                    false => error,
                })
            }
            None => Ok(None),
        }
    }

    /// The stage that is called so.
    pub(super) fn stage_named(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.stages
            .iter()
            .position(|stage| stage.as_ref() == Some(&name))
    }
}

/// The arguments that every Dockerfile may ask for. Nothing is run, so the platform that builds is taken to be the one built for: the
/// image must not depend on the machine.
fn predefined(
    platform: &Platform,
    request: &ImageRequest,
    parsed: &Dockerfile,
) -> BTreeMap<String, String> {
    let mut arguments = BTreeMap::new();
    for side in ["TARGET", "BUILD"] {
        let variant = platform.variant.clone().unwrap_or_default();
        for (name, value) in [
            ("PLATFORM", platform.to_string()),
            ("OS", platform.os.clone()),
            ("OSVERSION", String::new()),
            ("ARCH", platform.architecture.clone()),
            ("VARIANT", variant),
        ] {
            arguments.insert(format!("{side}{name}"), value);
        }
    }
    let last = parsed
        .stages()
        .last()
        .and_then(|stage| stage.from.as_.as_ref());
    let last = last.map(|(_, name)| name.value.to_lowercase());
    let stage = request.target.clone().or(last);
    arguments.insert(
        "TARGETSTAGE".into(),
        stage.unwrap_or_else(|| "default".into()),
    );
    for (name, value) in &mut arguments {
        if let Some(given) = request.build_args.get(name) {
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

/// The name and value that one word of an `ARG` declares, `name` or `name=default`: a `--build-arg` goes before the default.
pub(super) fn argument(
    shared: &Shared,
    place: &InstructionPlace,
    word: &str,
    variables: Variables,
) -> Result<(String, Option<String>)> {
    let (name, default) = match word.split_once('=') {
        Some((name, default)) => (name, Some(default)),
        None => (word, None),
    };
    if name.is_empty() {
        return Err(place.misuse(format!("`{word}` has no name before its `=`")));
    }
    let value = match (shared.build_args.get(name), default) {
        (Some(given), _) => Some(given.clone()),
        (None, Some(default)) => {
            let value = shared.expander.word(default, variables);
            Some(value.map_err(|fault| place.fault(fault))?)
        }
        (None, None) => None,
    };
    Ok((name.to_owned(), value))
}
