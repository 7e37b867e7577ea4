//! The instructions of one stage, read in order: each one's variables replaced by what those before it have set.

use std::collections::BTreeMap;

use parse_dockerfile::{Command, Instruction, JsonOrStringArray};

use super::{
    copy::Copy,
    dockerfile::{InstructionPlace, NO_COMMAND},
    healthcheck,
    image::Image,
    paths,
    ports::exposed,
    shared::{Shared, argument},
    signal::is_signal,
    stage::{StageReader, owner},
    step::{Action, Step},
    users::OwnerName,
};
use crate::model::error::Result;

/// What a stage has become at its end.
pub(super) struct StageEnd {
    /// What is done, one step for each instruction.
    pub steps: Vec<Step>,
    /// The configuration.
    pub image: Image,
    /// What an instruction after the last one could refer to.
    pub variables: BTreeMap<String, String>,
}

/// Reads the instructions of stage `index`, which starts as `image`. `inherited` are the variables of the stage that it starts from,
/// its arguments too; the image's environment goes before them.
pub(super) fn read(
    shared: &Shared,
    index: usize,
    instructions: &[Instruction],
    image: Image,
    inherited: BTreeMap<String, String>,
) -> Result<StageEnd> {
    let mut variables = inherited;
    variables.extend(image.env.iter().cloned());
    let mut reader = StageReader {
        shared,
        index,
        image,
        variables,
        own_cmd: false,
    };
    let mut steps = Vec::new();
    for instruction in instructions {
        let place = shared.places.of(instruction);
        let action = reader.instruction(&place, instruction)?;
        steps.push(Step { place, action });
    }
    Ok(StageEnd {
        steps,
        image: reader.image,
        variables: reader.variables,
    })
}

/// Refuses what only an engine can do.
pub(super) fn refuse_what_runs(place: &InstructionPlace, instruction: &Instruction) -> Result<()> {
    match instruction {
        Instruction::Run(_) => Err(place.needs_engine("it runs a command")),
        Instruction::Onbuild(_) => {
            Err(place.needs_engine("it is an instruction for the images built on this one"))
        }
        _ => Ok(()),
    }
}

impl StageReader<'_> {
    fn instruction(
        &mut self,
        place: &InstructionPlace,
        instruction: &Instruction,
    ) -> Result<Action> {
        match instruction {
            Instruction::Add(add) => return Copy::of_add(self, place, add).map(Action::Copy),
            Instruction::Copy(copy) => return Copy::of_copy(self, place, copy).map(Action::Copy),
            Instruction::Workdir(it) => {
                return self.workdir_instruction(place, &it.arguments.value);
            }
            Instruction::Arg(it) => self.arg(place, &it.arguments.value)?,
            Instruction::Env(it) => self.env(place, &it.arguments.value)?,
            Instruction::Label(it) => self.label(place, &it.arguments.value)?,
            Instruction::Expose(it) => {
                for port in &it.arguments {
                    self.expose(place, &port.value)?;
                }
            }
            Instruction::Volume(it) => self.volume(place, &it.arguments)?,
            Instruction::User(it) => {
                let user = self.word(place, &it.arguments.value)?;
                self.image.user = Some(user).filter(|user| !user.is_empty());
            }
            Instruction::Stopsignal(it) => self.stop_signal(place, &it.arguments.value)?,
            Instruction::Shell(it) => {
                let shell = it.arguments.iter().map(|word| word.value.to_string());
                self.image.shell = Some(shell.collect());
            }
            Instruction::Maintainer(it) => self.image.author = Some(it.name.value.to_string()),
            Instruction::Cmd(it) => {
                self.image.cmd = self.command(place, &it.arguments)?;
                self.own_cmd = true;
            }
            Instruction::Entrypoint(it) => {
                self.image.entrypoint = self.command(place, &it.arguments)?;
                if !self.own_cmd {
                    // What the base image passed to its entry point means nothing to another one.
                    self.image.cmd = None;
                }
            }
            Instruction::Healthcheck(it) => {
                self.image.healthcheck = Some(healthcheck::read(&self.shared.places, place, it)?)
            }
            _ => return Err(place.needs_engine("it is not known here")),
        }
        Ok(Action::Describe)
    }

    fn arg(&mut self, place: &InstructionPlace, text: &str) -> Result<()> {
        for word in self.shared.expander.split(text) {
            let (name, value) = argument(self.shared, place, &word, &|name| self.variable(name))?;
            let global = || self.shared.globals.get(&name).cloned();
            if let Some(value) = value.or_else(global) {
                self.variables.insert(name, value);
            }
        }
        Ok(())
    }

    fn env(&mut self, place: &InstructionPlace, text: &str) -> Result<()> {
        // All values of one instruction see the variables as they were before it.
        for (name, value) in self.pairs(place, text)? {
            self.variables.insert(name.clone(), value.clone());
            self.image.set_env(name, value);
        }
        Ok(())
    }

    fn label(&mut self, place: &InstructionPlace, text: &str) -> Result<()> {
        let labels = self.pairs(place, text)?;
        self.image.labels.extend(labels);
        Ok(())
    }

    fn pairs(&self, place: &InstructionPlace, text: &str) -> Result<Vec<(String, String)>> {
        let pairs = self
            .shared
            .expander
            .pairs(text)
            .map_err(|fault| place.fault(fault))?;
        let replaced = |(name, value): (String, String)| {
            Ok((self.word(place, &name)?, self.word(place, &value)?))
        };
        pairs.into_iter().map(replaced).collect()
    }

    fn expose(&mut self, place: &InstructionPlace, text: &str) -> Result<()> {
        for spec in self.word(place, text)?.split_whitespace() {
            let ports = exposed(spec).ok_or_else(|| {
                place
                    .misuse(format!("`{spec}` is not a port"))
                    .hint("write `80`, `80/udp` or `8000-8010`")
            })?;
            self.image.ports.extend(ports);
        }
        Ok(())
    }

    fn volume(&mut self, place: &InstructionPlace, paths: &JsonOrStringArray<1>) -> Result<()> {
        let paths = match paths {
            JsonOrStringArray::Json(paths) => &paths.value,
            JsonOrStringArray::String(paths) => paths,
        };
        for path in paths {
            match self.word(place, path.value.trim())? {
                path if path.is_empty() => return Err(place.misuse("a volume's path is empty")),
                path => self.image.volumes.insert(path),
            };
        }
        Ok(())
    }

    fn stop_signal(&mut self, place: &InstructionPlace, text: &str) -> Result<()> {
        let signal = self.word(place, text)?;
        if !is_signal(&signal) {
            return Err(place
                .misuse(format!("`{signal}` is not a signal"))
                .hint("write `SIGTERM` or `15`"));
        }
        self.image.stop_signal = Some(signal);
        Ok(())
    }

    fn workdir_instruction(&mut self, place: &InstructionPlace, text: &str) -> Result<Action> {
        let text = self.word(place, text)?;
        let path = paths::join(&self.workdir(), &text);
        // BuildKit writes an absolute path down as it stands, and cleans the others.
        self.image.workdir = match text.as_str() {
            "" => self.image.workdir.clone(),
            absolute if absolute.starts_with('/') => absolute.to_owned(),
            _ => format!("/{}", path.display()),
        };
        if path.as_os_str().is_empty() {
            return Ok(Action::Describe);
        }
        let owner = match &self.image.user {
            None => OwnerName::root(),
            Some(user) => owner(place, user)?,
        };
        Ok(Action::MakeDirectory(path, owner))
    }

    fn command(&self, place: &InstructionPlace, command: &Command) -> Result<Option<Vec<String>>> {
        match command {
            Command::Exec(words) if words.value.is_empty() => Ok(None),
            Command::Shell(text) if text.value.trim() == NO_COMMAND => Ok(None),
            Command::Exec(words) => Ok(Some(
                words
                    .value
                    .iter()
                    .map(|word| word.value.to_string())
                    .collect(),
            )),
            Command::Shell(text) => Ok(Some(
                self.image
                    .in_shell(self.shared.places.command(place, text.value)?),
            )),
            _ => Err(place.needs_engine("its form is not known here")),
        }
    }
}
