//! `flota.plan/v1`

use super::render::render;
use crate::model::{document::PlanV1, plan::Plan};

/// `flota.plan/v1`
pub(crate) fn plan(plan: &Plan) -> String {
    render(&PlanV1::from(plan))
}
