//! `flota graph`

use std::{collections::BTreeSet, fmt::Write};

use bstr::BString;

use super::{
    table::table,
    words::{action_word, ends},
};
use crate::{
    model::{
        graph::{EdgeKind, GraphService, ServiceGraph},
        success::Exceptions,
    },
    output::{text, theme},
};

/// `flota graph`
pub(crate) fn graph(graph: &ServiceGraph) -> String {
    let mut out = ends(graph.base.as_ref(), &graph.head, &Exceptions::new());
    let joined: BTreeSet<&BString> = graph
        .edges
        .iter()
        .flat_map(|edge| [&edge.from, &edge.to])
        .collect();
    let is_shown = |(path, service): &(&BString, &GraphService)| {
        joined.contains(path) || service.touched.is_some()
    };
    let shown: Vec<_> = graph.services.iter().filter(is_shown).collect();
    let others = graph.services.len() - shown.len();
    let names = |path: &BString, kind: EdgeKind| {
        let edges = graph.edges.iter();
        let own = edges.filter(|edge| edge.from == *path && edge.kind == kind);
        let names: Vec<_> = own
            .filter_map(|edge| graph.services.get(&edge.to))
            .map(|service| text::name(service.name.as_ref()))
            .collect();
        names.join(", ")
    };
    let rows = shown.iter().map(|(path, service)| {
        let (action, reason) = match &service.touched {
            Some((action, reason)) => (
                theme::action(*action)
                    .apply_to(action_word(*action))
                    .to_string(),
                text::line(&reason.word()),
            ),
            None => Default::default(),
        };
        vec![
            theme::heading(text::name(service.name.as_ref())).to_string(),
            names(path, EdgeKind::Image),
            names(path, EdgeKind::DependsOn),
            action,
            reason,
        ]
    });
    if !shown.is_empty() {
        let header = ["SERVICE", "BUILDS ON", "DEPENDS ON", "ACTION", "REASON"];
        out.push_str(&table(&header, rows));
        out.push('\n');
    }
    let _ = match shown.is_empty() {
        true => writeln!(out, "No service needs another."),
        false => writeln!(out, "{} alone.", text::plural(others, "other service")),
    };
    out
}
