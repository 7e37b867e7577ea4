//! One gate: its program, what its end means, and what is kept of it.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use super::{
    super::job::{Job, Run},
    content::{Content, text},
    environment,
    known::makes_output,
};
use crate::{
    files,
    model::{
        digest::oci_digest,
        error::{Error, Result},
        evidence::{Evidence, key},
        settings::{ArgumentTemplate, Gate, GateField, gate::Verdict},
    },
    process::{Command, masked},
};

/// What a gate came to.
pub(super) enum Judgement {
    /// It has nothing to object to; and what its program made.
    Passed(Evidence, Option<PathBuf>),
    /// It found something: the error says so.
    Failed(Evidence, Option<PathBuf>, Error),
    /// Nothing is known.
    CouldNotRun(Error),
}

/// Runs a gate on the content.
///
/// # Errors
/// The code of the signal, when flota is interrupted. Whatever else goes wrong is a gate that could not run.
pub(super) fn judge(
    run: &Run<'_>,
    job: &Job,
    gate: &Gate,
    content: &Content<'_>,
) -> Result<Judgement> {
    let started = Instant::now();
    let call = Call {
        gate,
        content,
        log: &job.log,
        output: makes_output(gate).then(|| output_file(run, gate, content)),
    };
    let ended = call.run();
    let (verdict, error) = match ended {
        Ok(ended) => ended,
        Err(error) if error.exit().is_signal() => return Err(error),
        Err(error) => return Ok(Judgement::CouldNotRun(call.could_not_run(error))),
    };
    let evidence = |output: Option<&Path>| -> Result<Evidence> {
        let [digest, id] = content.names().map(|name| name.map(str::to_owned));
        Ok(Evidence {
            gate: gate.name.clone(),
            definition: gate.definition(),
            per: gate.per,
            digest,
            id,
            passed: verdict == Verdict::Passed,
            at: jiff::Timestamp::now().to_string(),
            seconds: started.elapsed().as_secs_f64(),
            run: run.options.run,
            output: output.map(digest_of).transpose()?,
        })
    };
    // Who found something may have left nothing.
    let made = call.output.clone().filter(|file| file.is_file());
    if verdict == Verdict::Passed && call.output.is_some() && made.is_none() {
        let error = Error::unavailable("its program left no file at {output}");
        return Ok(Judgement::CouldNotRun(call.could_not_run(error)));
    }
    match (evidence(made.as_deref()), error) {
        (Ok(evidence), None) => Ok(Judgement::Passed(evidence, made)),
        (Ok(evidence), Some(error)) => Ok(Judgement::Failed(evidence, made, error)),
        (Err(error), _) => Ok(Judgement::CouldNotRun(call.could_not_run(error))),
    }
}

/// Where a gate's program leaves what it makes: beside its result.
fn output_file(run: &Run<'_>, gate: &Gate, content: &Content<'_>) -> PathBuf {
    let name = content.names().into_iter().flatten().next();
    let key = name.and_then(|name| key(gate.per, name, &gate.name));
    let place = key.map_or_else(|| gate.name.clone(), |key| key.path());
    run.products.evidence().join(place).with_extension("output")
}

fn digest_of(file: &Path) -> Result<String> {
    let bytes = fs::read(file).map_err(|error| files::cannot("read", file, error))?;
    Ok(oci_digest(&bytes))
}

/// The calls of a gate's program: one, or one for each platform of an image.
struct Call<'a> {
    gate: &'a Gate,
    content: &'a Content<'a>,
    log: &'a Path,
    output: Option<PathBuf>,
}

impl Call<'_> {
    /// The verdict, and the error that a finding is.
    fn run(&self) -> Result<(Verdict, Option<Error>)> {
        let fields = |argument: &ArgumentTemplate| argument.fields().collect::<Vec<_>>();
        let fields: Vec<_> = self.gate.run.iter().flat_map(fields).collect();
        if let Some(output) = &self.output {
            files::create_parent(output)?;
            let _ = fs::remove_file(output);
        }
        if !fields.contains(&GateField::Archive) {
            return self.once(&fields, None);
        }
        let mut found = None;
        for archive in self.content.archives()? {
            let (_, error) = self.once(&fields, Some(archive))?;
            found = found.or(error);
        }
        let verdict = match found {
            Some(_) => Verdict::Failed,
            None => Verdict::Passed,
        };
        Ok((verdict, found))
    }

    fn once(
        &self,
        fields: &[GateField],
        archive: Option<&PathBuf>,
    ) -> Result<(Verdict, Option<Error>)> {
        let mut forms = Vec::new();
        for field in fields {
            let form = match field {
                GateField::Archive => archive.map(|file| text(file)).transpose()?,
                GateField::Output => self.output.as_deref().map(text).transpose()?,
                field => Some(self.content.form(*field)?),
            };
            forms.push((*field, form.unwrap_or_default()));
        }
        let form = |field: GateField| {
            let known = forms.iter().find(|(known, _)| *known == field);
            known.map_or("", |(_, form)| form.as_str())
        };
        let arguments = self.gate.run.iter();
        let arguments: Vec<_> = arguments.map(|argument| argument.render(form)).collect();
        self.log_line(&arguments);
        let (program, arguments) = arguments
            .split_first()
            .ok_or_else(|| Error::misuse("the gate has no program"))?;
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.content.folder)
            .inherit_only(environment::is_passed)
            .timeout(self.gate.timeout)
            .log(self.log)
            .run()?;
        let verdict = self
            .gate
            .finding
            .verdict(output.status.code(), &output.text);
        match verdict {
            Verdict::Passed => Ok((verdict, None)),
            Verdict::Failed => {
                let error = output.check(|| {
                    Error::work(format!(
                        "the gate {} found something in {}",
                        self.gate.name,
                        self.content.shown()
                    ))
                });
                Ok((verdict, error.err()))
            }
            Verdict::CouldNotRun => {
                let error = output.check(|| Error::unavailable(format!("{program} failed")));
                Err(error
                    .err()
                    .unwrap_or_else(|| Error::unavailable("its program failed")))
            }
        }
    }

    /// Which program said what follows. That the log cannot be written, the program's own output will tell.
    fn log_line(&self, arguments: &[String]) {
        let line = shlex::try_join(arguments.iter().map(String::as_str)).unwrap_or_default();
        let line = masked(format!("gate {}: {line}\n", self.gate.name).as_bytes());
        let _ = File::options()
            .append(true)
            .create(true)
            .open(self.log)
            .and_then(|mut log| log.write_all(&line));
    }

    /// Whatever was the reason: it is no finding.
    fn could_not_run(&self, error: Error) -> Error {
        let mut whole = Error::unavailable(format!(
            "the gate {} could not run on {}",
            self.gate.name,
            self.content.shown()
        ))
        .because(error.with_causes());
        for hint in error.hints() {
            whole = whole.hint(hint.clone());
        }
        whole
    }
}
