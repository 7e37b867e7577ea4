//! `flota.plan/v1`

use serde::Serialize;

use super::{BaseV1, EndV1, ExceptionV1, StepV1, UnreadV1, WarningV1, exceptions, render};
use crate::model::plan::Plan;

/// `flota.plan/v1`
pub fn plan(plan: &Plan) -> String {
    render(&PlanV1 {
        schema: "flota.plan/v1",
        base: plan.base.as_ref().map(BaseV1::from),
        head: EndV1::from(&plan.head),
        exceptions: exceptions(&plan.exceptions),
        count: plan.builds().count(),
        has_changes: plan.builds().next().is_some(),
        steps: plan.steps.iter().map(StepV1::from).collect(),
        warnings: plan.warnings.iter().map(WarningV1::from).collect(),
        errors: plan.unread.iter().map(UnreadV1::from).collect(),
    })
}

#[derive(Serialize)]
struct PlanV1<'a> {
    schema: &'static str,
    base: Option<BaseV1<'a>>,
    head: EndV1<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exceptions: Vec<ExceptionV1<'a>>,
    /// Builds, retirements left out.
    count: usize,
    has_changes: bool,
    steps: Vec<StepV1<'a>>,
    warnings: Vec<WarningV1<'a>>,
    errors: Vec<UnreadV1<'a>>,
}
