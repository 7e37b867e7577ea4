//! `[[gate]]`.

use super::reader::{Keys, Value, list, one_of, tables, text};
use crate::model::{
    error::Result,
    settings::{
        ArgumentTemplate, Gate, GateField, GateSubject,
        gate::{Finding, GATE_TIMEOUT, Preset},
        valid,
    },
};

/// The gates, no two of one name.
pub(super) fn gates(value: &Value) -> Result<Vec<Gate>> {
    let gates = tables(gate)(value)?;
    let second = gates
        .iter()
        .enumerate()
        .find(|(at, gate)| gates[..*at].iter().any(|other| other.name == gate.name));
    match second {
        Some((_, gate)) => Err(value
            .fault(format!("has two gates named `{}`", gate.name))
            .hint("results are kept under a gate's name: give each its own")),
        None => Ok(gates),
    }
}

/// What is read of one table before it is known whether it can be meant.
#[derive(Default)]
struct WrittenGate {
    name: Option<String>,
    per: Option<GateSubject>,
    preset: Option<Preset>,
    run: Option<Vec<ArgumentTemplate>>,
    failed: Option<Vec<u8>>,
}

fn gate(value: &Value) -> Result<Gate> {
    let mut written = WrittenGate::default();
    let (mut valid_for, mut timeout) = (None, GATE_TIMEOUT);
    value.table(|keys| {
        keys.read("name", &mut written.name, text(valid::gate_name))?;
        keys.read("per", &mut written.per, per)?;
        let preset = one_of(&Preset::NAMES);
        keys.read("preset", &mut written.preset, preset)?;
        keys.read("run", &mut written.run, run)?;
        keys.read("failed", &mut written.failed, list(status))?;
        keys.read("valid", &mut valid_for, duration)?;
        keys.read("timeout", &mut timeout, duration)?;
        of_a_build(keys)
    })?;
    let name = value.required(written.name.take(), r#"name = "scan""#)?;
    let (per, run, finding) = written.program(value)?;
    let subjects: Vec<_> = run
        .iter()
        .flat_map(ArgumentTemplate::fields)
        .filter_map(GateField::subject)
        .collect();
    if subjects.is_empty() || subjects.iter().any(|subject| *subject != per) {
        let what = match subjects.is_empty() {
            true => "its program is not given it",
            false => "its program is given something else",
        };
        return Err(value
            .fault(format!("judges {}, and {what}", per.phrase()))
            .hint(given(per)));
    }
    Ok(Gate {
        name,
        per,
        run,
        finding,
        valid: valid_for,
        timeout,
    })
}

impl WrittenGate {
    /// What is judged, by which program, and what tells that it found something.
    fn program(self, value: &Value) -> Result<(GateSubject, Vec<ArgumentTemplate>, Finding)> {
        match (self.preset, self.run) {
            (Some(preset), None) => {
                if self.failed.is_some() {
                    return Err(value
                        .fault("has a preset, which knows the statuses of its program")
                        .hint("leave `failed` out, or write the program itself: run = […]"));
                }
                if self.per.is_some_and(|per| per != preset.per()) {
                    let what = format!("has a preset that judges {}", preset.per().phrase());
                    return Err(value.fault(what).hint("leave `per` out"));
                }
                let run = preset.run().iter().map(|argument| argument.parse());
                let run = run.collect::<Result<_>>()?;
                Ok((preset.per(), run, preset.finding()))
            }
            (None, Some(run)) => {
                // Beside a preset the key is not required.
                let per = self.per.ok_or_else(|| {
                    value
                        .fault("lacks the key `per`")
                        .hint(r#"add a line to it, as in per = "image""#)
                })?;
                let finding = Finding {
                    statuses: self.failed,
                    words: None,
                };
                Ok((per, run, finding))
            }
            (Some(_), Some(_)) => Err(value
                .fault("has both a preset and a program")
                .hint("keep one of `preset` and `run`")),
            (None, None) => Err(value
                .fault("has no program")
                .hint(r#"write preset = "trivy", or run = ["PROGRAM", "ARGUMENT", …]"#)),
        }
    }
}

/// What a gate of this kind has to be given.
fn given(per: GateSubject) -> &'static str {
    match per {
        GateSubject::Image => "an image is {image}, {layout} or {archive}",
        GateSubject::Chart => "a chart is {chart} or {manifests}",
    }
}

/// Gates of a deployment are no gates of a build.
fn of_a_build(keys: &mut Keys) -> Result<()> {
    if let Some(value) = keys.get("when") {
        let when = value.checked(|text| Ok(text.to_owned()))?;
        if when != "build" {
            let what = format!("is `{}`: gates run in a build only", valid::shown(&when));
            return Err(value
                .fault(what)
                .hint(r#"write when = "build", or leave it out"#));
        }
    }
    match keys.foreign("environments") {
        Some(value) => Err(value
            .fault("is for gates of a deployment: gates run in a build only")
            .hint("leave `environments` out: the gate then runs in each build")),
        None => Ok(()),
    }
}

fn per(value: &Value) -> Result<GateSubject> {
    let word = value.checked(|text| Ok(text.to_owned()))?;
    match word.as_str() {
        "service" | "release" => Err(value
            .fault(format!(
                "is `{word}`, which only a deployment has: gates run in a build only"
            ))
            .hint(r#"write per = "image" or per = "chart""#)),
        _ => one_of(&GateSubject::NAMES)(value),
    }
}

/// A program on PATH, or a whole path: what a relative one would mean depends on where flota is started.
fn run(value: &Value) -> Result<Vec<ArgumentTemplate>> {
    let run = list(Value::parse::<ArgumentTemplate>)(value)?;
    let Some(program) = run.first() else {
        return Err(value
            .fault("is empty")
            .hint(r#"write run = ["PROGRAM", "ARGUMENT", …]"#));
    };
    let name = program.to_string();
    if program.fields().next().is_some() || !(name.starts_with('/') || is_file_name(&name)) {
        let what = format!("begins with `{}`", valid::shown(&name));
        return Err(value
            .fault(what)
            .hint("begin with the name of a program on PATH, or its whole path"));
    }
    Ok(run)
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.contains('/')
}

/// An exit status that says that something was found.
fn status(value: &Value) -> Result<u8> {
    value.integer(1, 255)
}

/// As `24h`.
fn duration(value: &Value) -> Result<std::time::Duration> {
    value.checked(valid::duration)
}
