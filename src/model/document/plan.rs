//! `flota.plan/v1`

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::parts::{BaseV1, EndV1, ExceptionV1, StepV1, UnreadV1, WarningV1, exceptions};
use crate::model::plan::Plan;

/// What a range of commits calls for.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlanV1<'a> {
    /// [`PlanV1::SCHEMA`].
    pub schema: Cow<'a, str>,
    /// The older end; none when everything was asked for.
    pub base: Option<BaseV1<'a>>,
    /// The newer end.
    pub head: EndV1<'a>,
    /// Services that are compared with another commit than the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionV1<'a>>,
    /// Builds, retirements left out.
    pub count: usize,
    /// Whether there is any.
    pub has_changes: bool,
    /// The actions, by path.
    pub steps: Vec<StepV1<'a>>,
    /// What a person should look at.
    #[serde(default)]
    pub warnings: Vec<WarningV1<'a>>,
    /// Submodules that could not be read.
    #[serde(default)]
    pub errors: Vec<UnreadV1<'a>>,
}

impl PlanV1<'_> {
    /// What stands under `schema`.
    pub const SCHEMA: &'static str = "flota.plan/v1";
}

impl<'a> From<&'a Plan> for PlanV1<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self {
            schema: Self::SCHEMA.into(),
            base: plan.base.as_ref().map(BaseV1::from),
            head: EndV1::from(&plan.head),
            exceptions: exceptions(&plan.exceptions),
            count: plan.builds().count(),
            has_changes: plan.builds().next().is_some(),
            steps: plan.steps.iter().map(StepV1::from).collect(),
            warnings: plan.warnings.iter().map(WarningV1::from).collect(),
            errors: plan.unread.iter().map(UnreadV1::from).collect(),
        }
    }
}
