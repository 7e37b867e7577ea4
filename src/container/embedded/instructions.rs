//! The instructions of one stage, read in order: each one's variables replaced by what those before it have set.

use std::collections::BTreeMap;

use parse_dockerfile::{
    Command, HealthcheckArguments, HealthcheckInstruction, Instruction, JsonOrStringArray,
};
use serde_json::{Map, Value, json};

use super::{
    copy::Copy,
    dockerfile::InstructionPlace,
    image::Image,
    options, paths,
    shared::{Shared, argument},
    stage::{StageReader, owner},
    step::{Action, Step},
    users::OwnerName,
};
use crate::model::error::Result;

/// Reads the instructions of stage `index`, which starts as `image`: its steps, and what it has become at the end.
pub(super) fn read(
    shared: &Shared,
    index: usize,
    instructions: &[Instruction],
    image: Image,
) -> Result<(Vec<Step>, Image)> {
    let mut reader = StageReader {
        shared,
        index,
        image,
        arguments: BTreeMap::new(),
        own_cmd: false,
    };
    let mut steps = Vec::new();
    for instruction in instructions {
        let place = shared.places.of(instruction);
        let action = reader.instruction(&place, instruction)?;
        steps.push(Step { place, action });
    }
    Ok((steps, reader.image))
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
            Instruction::User(it) => self.image.user = Some(self.word(place, &it.arguments.value)?),
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
                self.image.healthcheck = Some(self.healthcheck(place, it)?)
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
                self.arguments.insert(name, value);
            }
        }
        Ok(())
    }

    fn env(&mut self, place: &InstructionPlace, text: &str) -> Result<()> {
        // All values of one instruction see the variables as they were before it.
        for (name, value) in self.pairs(place, text)? {
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

    /// `port[-port][/protocol]`, TCP where nothing is said.
    fn expose(&mut self, place: &InstructionPlace, text: &str) -> Result<()> {
        for spec in self.word(place, text)?.split_whitespace() {
            let (ports, protocol) = spec.split_once('/').unwrap_or((spec, "tcp"));
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            let protocol = protocol.to_ascii_lowercase();
            match (first.parse::<u16>(), last.parse::<u16>()) {
                (Ok(first), Ok(last))
                    if first <= last && matches!(&*protocol, "tcp" | "udp" | "sctp") =>
                {
                    self.image
                        .ports
                        .extend((first..=last).map(|port| format!("{port}/{protocol}")));
                }
                _ => {
                    let why = format!("`{spec}` is not a port");
                    return Err(place
                        .misuse(why)
                        .hint("write `80`, `80/udp` or `8000-8010`"));
                }
            }
        }
        Ok(())
    }

    fn volume(&mut self, place: &InstructionPlace, paths: &JsonOrStringArray<1>) -> Result<()> {
        let paths = match paths {
            JsonOrStringArray::Json(paths) => &paths.value,
            JsonOrStringArray::String(paths) => paths,
        };
        for path in paths {
            match self.word(place, &path.value)? {
                path if path.is_empty() => return Err(place.misuse("a volume's path is empty")),
                path => self.image.volumes.insert(path),
            };
        }
        Ok(())
    }

    fn stop_signal(&mut self, place: &InstructionPlace, text: &str) -> Result<()> {
        let signal = self.word(place, text)?;
        let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"+-".contains(&b);
        if signal.is_empty() || !signal.bytes().all(plain) {
            return Err(place
                .misuse(format!("`{signal}` is not a signal"))
                .hint("write `SIGTERM` or `15`"));
        }
        self.image.stop_signal = Some(signal);
        Ok(())
    }

    fn workdir_instruction(&mut self, place: &InstructionPlace, text: &str) -> Result<Action> {
        let path = paths::join(&self.workdir(), &self.word(place, text)?);
        self.image.workdir = format!("/{}", path.display());
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
            Command::Exec(words) => Ok(Some(
                words
                    .value
                    .iter()
                    .map(|word| word.value.to_string())
                    .collect(),
            )),
            Command::Shell(text) => Ok(Some(
                self.image.in_shell(self.shell_text(place, text.value)?),
            )),
            _ => Err(place.needs_engine("its form is not known here")),
        }
    }

    fn shell_text(&self, place: &InstructionPlace, text: &str) -> Result<String> {
        match self.shared.places.logical_line(text) {
            text if text.is_empty() => Err(place.misuse("there is no command")),
            text => Ok(text),
        }
    }

    fn healthcheck(&self, place: &InstructionPlace, it: &HealthcheckInstruction) -> Result<Value> {
        let HealthcheckArguments::Cmd { arguments, .. } = &it.arguments else {
            return Ok(json!({ "Test": ["NONE"] }));
        };
        let test = match arguments {
            Command::Exec(words) => words
                .value
                .iter()
                .map(|word| word.value.to_string())
                .collect(),
            Command::Shell(text) => vec![self.shell_text(place, text.value)?],
            _ => return Err(place.needs_engine("its form is not known here")),
        };
        let kind = if matches!(arguments, Command::Exec(_)) {
            "CMD"
        } else {
            "CMD-SHELL"
        };
        let mut check = Map::new();
        check.insert("Test".into(), [vec![kind.to_owned()], test].concat().into());

        let durations = [
            ("interval", "Interval"),
            ("timeout", "Timeout"),
            ("start-period", "StartPeriod"),
            ("start-interval", "StartInterval"),
        ];
        let known = [
            "interval",
            "timeout",
            "start-period",
            "start-interval",
            "retries",
        ];
        let options = options::read(place, &it.options, &known)?;
        for (option, key) in durations {
            let Some(text) = options.value(place, option)? else {
                continue;
            };
            // Zero means "the default" there, as does absence.
            let duration = Some(nanoseconds(place, text)?).filter(|&duration| duration > 0);
            check.extend(duration.map(|duration| (key.to_owned(), duration.into())));
        }
        if let Some(text) = options.value(place, "retries")? {
            let retries = text
                .parse::<u32>()
                .map_err(|_| place.misuse(format!("`{text}` is not a number of retries")))?;
            check.insert("Retries".into(), retries.into());
        }
        Ok(Value::Object(check))
    }
}

/// A duration in Go's notation (`1m30s`), which Docker keeps in nanoseconds.
fn nanoseconds(place: &InstructionPlace, text: &str) -> Result<i64> {
    let go = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b".hmsun".contains(&b));
    let duration = text.parse::<jiff::SignedDuration>().ok().filter(|_| go);
    let nanoseconds = duration.and_then(|duration| i64::try_from(duration.as_nanos()).ok());
    match nanoseconds.filter(|&nanoseconds| nanoseconds >= 1_000_000) {
        Some(nanoseconds) => Ok(nanoseconds),
        None if text == "0" || text == "0s" => Ok(0),
        None => {
            let why = format!("`{text}` is not a duration of at least 1ms");
            Err(place.misuse(why).hint("write `30s`, `1m30s` or `500ms`"))
        }
    }
}
