//! `flota plan`

use std::fmt::Write;

use super::{
    table::table,
    words::{action_word, ends, nothing, short},
};
use crate::{
    model::{change::Action, plan::Plan},
    output::{service_names::ServiceNames, text, theme},
};

/// `flota plan`
pub(crate) fn plan(plan: &Plan) -> String {
    let mut out = ends(plan.base.as_ref(), &plan.head, &plan.exceptions);
    if plan.steps.is_empty() {
        out.push_str(nothing(&plan.unread, "Nothing to do."));
        out.push('\n');
        return out;
    }
    let names = ServiceNames::of_plan(plan);
    let rows = plan.steps.iter().map(|step| {
        vec![
            theme::heading(names.cell(step.name.as_ref(), &step.path)).to_string(),
            theme::action(step.action)
                .apply_to(action_word(step.action))
                .to_string(),
            step.commit.map(short).unwrap_or_default(),
            text::line(&step.reason.word()),
        ]
    });
    out.push_str(&table(&["SERVICE", "ACTION", "COMMIT", "REASON"], rows));
    let count = |action| {
        plan.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    };
    let parts: Vec<_> = [
        (Action::Image, "image build"),
        (Action::Chart, "chart build"),
        (Action::Retire, "retirement"),
    ]
    .into_iter()
    .map(|(action, noun)| (count(action), noun))
    .filter(|(count, _)| *count > 0)
    .map(|(count, noun)| text::plural(count, noun))
    .collect();
    let _ = writeln!(out, "\n{}.", parts.join(", "));
    out
}

/// `flota plan --format names`: what is built, and not what is retired.
pub(crate) fn plan_names(plan: &Plan, null: bool) -> Vec<u8> {
    let builds = plan.builds().map(|step| (step.name.as_ref(), &step.path));
    ServiceNames::of_plan(plan).list(builds, null)
}
