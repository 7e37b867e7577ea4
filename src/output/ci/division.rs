//! A plan divided among jobs, and what each job is told.

use bstr::BStr;
use serde::Serialize;

use crate::{
    model::{
        error::{Error, Result},
        leg::Leg,
        plan::Plan,
        step_id::{StepId, inert},
    },
    output::service_names::ServiceNames,
};

/// What one environment variable may hold, in bytes: Linux takes 128 KiB with its name (execve(2)).
pub(super) const VARIABLE: usize = 120_000;

/// A plan, and its division among jobs.
pub(crate) struct Division<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What each job builds.
    pub legs: &'a [Leg<'a>],
}

impl Division<'_> {
    /// How many builds the plan has.
    pub(super) fn count(&self) -> usize {
        self.plan.builds().count()
    }

    /// What the services that are retired are called, by path.
    pub(super) fn retires(&self) -> Vec<String> {
        let names = ServiceNames::of_plan(self.plan);
        let retired = self.plan.retirements();
        let retired = retired.map(|step| inert(names.called(step.name.as_ref(), &step.path)));
        retired.collect()
    }

    /// The same as environment variables, `FLOTA_RETIRES` with a comma between two names. No name has one.
    ///
    /// # Errors
    /// They are more than a variable may hold.
    pub(super) fn retire_variables(&self, system: &str) -> Result<[(&'static str, String); 2]> {
        let retires = self.retires();
        let has_retires = !retires.is_empty();
        let joined = retires.join(",");
        if joined.len() > VARIABLE {
            return Err(too_many_retire(retires.len(), system, VARIABLE));
        }
        Ok([
            ("FLOTA_RETIRES", joined),
            ("FLOTA_HAS_RETIRES", has_retires.to_string()),
        ])
    }

    /// The fleet's commits; the base is empty where everything was asked for or is new.
    pub(super) fn ends(&self) -> (String, String) {
        let base = self.plan.base.as_ref().and_then(|base| base.commit);
        let base = base.map(|commit| commit.to_string());
        (base.unwrap_or_default(), self.plan.head.commit.to_string())
    }
}

/// What a job is told of its leg.
#[derive(Serialize)]
pub(super) struct JobVariables {
    /// For people: `cart`, or `cart and 2 more`.
    pub name: String,
    pub action: &'static str,
    /// For `flota build --step`.
    steps: String,
    /// The fleet's older commit, or nothing.
    base: String,
    /// The fleet's newer commit.
    head: String,
    #[serde(flatten)]
    only: Option<OnlyService>,
}

/// What there is to say of a leg with one service.
#[derive(Serialize)]
struct OnlyService {
    service: String,
    path: String,
    commit: String,
}

impl JobVariables {
    /// Those of a leg.
    pub(super) fn of(leg: &Leg<'_>, division: &Division<'_>) -> Self {
        let (base, head) = division.ends();
        let service = |name: &BStr| inert(name);
        let first = service(leg.steps[0].name.as_ref());
        let only = leg.only().map(|step| OnlyService {
            service: service(step.name.as_ref()),
            path: inert(step.path.as_ref()),
            commit: leg.words[0].commit.to_string(),
        });
        Self {
            name: match leg.steps.len() - 1 {
                0 => first,
                more => format!("{first} and {more} more"),
            },
            action: StepId::action_word(leg.action()),
            steps: leg.joined(),
            base,
            head,
            only,
        }
    }

    /// The same as environment variables: `FLOTA_STEPS` and so on.
    pub(super) fn variables(self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("FLOTA_NAME", self.name),
            ("FLOTA_ACTION", self.action.to_owned()),
            ("FLOTA_STEPS", self.steps),
            ("FLOTA_BASE", self.base),
            ("FLOTA_HEAD", self.head),
        ];
        if let Some(only) = self.only {
            all.extend([
                ("FLOTA_SERVICE", only.service),
                ("FLOTA_PATH", only.path),
                ("FLOTA_PIN", only.commit),
            ]);
        }
        all
    }
}

/// That nothing is left out in silence: the plan is refused, with what can be done.
pub(super) fn too_large(
    division: &Division<'_>,
    system: &str,
    format: &str,
    bytes: usize,
    legs: usize,
) -> Error {
    let builds = division.count();
    let error = Error::work(format!(
        "a plan of {builds} builds in {} jobs is too large for {system}: the limit is {bytes} bytes",
        division.legs.len()
    ));
    let error = match division.legs.len() > legs {
        true => error.hint(format!(
            "let services share jobs: flota plan --format {format} --legs {legs}"
        )),
        false => error,
    };
    error.hint("or build all of them in one job: flota build")
}

/// The same of the services that are retired.
pub(super) fn too_many_retire(count: usize, system: &str, bytes: usize) -> Error {
    Error::work(format!(
        "the names of {count} retired services are too large for {system}: the limit is {bytes} bytes"
    ))
    .hint("read them from the plan itself: flota plan --format json")
}

/// Double-quoted for YAML: every value here is made of characters that stand for themselves in it.
pub(super) fn quoted(value: &str) -> String {
    debug_assert!(!value.contains(['"', '\\', '\n']));
    format!("\"{value}\"")
}
