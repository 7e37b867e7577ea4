//! `flota.explain/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, ServiceV1},
    render::render,
};
use crate::model::{
    document::{BaseV1, EndV1},
    explanation::Explanation,
    settings::GateSubject,
};

/// `flota.explain/v1`
pub(crate) fn explanation(explanation: &Explanation) -> String {
    render(&ExplainV1 {
        schema: "flota.explain/v1",
        base: BaseV1::from(&explanation.base),
        head: EndV1::from(&explanation.head),
        asked: Bytes("asked", explanation.asked.as_ref()),
        service: explanation.service.as_ref().map(ServiceV1::from),
        rule: explanation.rule.number,
        rule_text: explanation.rule.text,
        gates: explanation.gates.iter().map(GateNameV1::from).collect(),
        commands: explanation
            .commands
            .iter()
            .map(|command| command.line.as_str())
            .collect(),
    })
}

#[derive(Serialize)]
struct ExplainV1<'a> {
    schema: &'static str,
    base: BaseV1<'a>,
    head: EndV1<'a>,
    #[serde(flatten)]
    asked: Bytes<'a>,
    service: Option<ServiceV1<'a>>,
    rule: u8,
    rule_text: &'static str,
    gates: Vec<GateNameV1<'a>>,
    commands: Vec<&'a str>,
}

#[derive(Serialize)]
struct GateNameV1<'a> {
    name: &'a str,
    per: GateSubject,
}

impl<'a> From<&'a (String, GateSubject)> for GateNameV1<'a> {
    fn from((name, per): &'a (String, GateSubject)) -> Self {
        Self { name, per: *per }
    }
}
