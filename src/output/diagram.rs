//! A graph of services, to be drawn by others. Names come from repositories: they stand in quotes, with what ends those escaped.

use std::{collections::BTreeMap, fmt::Write};

use bstr::BString;

use super::text;
use crate::model::graph::{EdgeKind, GraphService, ServiceGraph};

/// A flowchart for Mermaid (<https://mermaid.js.org/syntax/flowchart.html>): solid arrows for images, dotted ones for `depends_on`.
pub(crate) fn mermaid(graph: &ServiceGraph) -> String {
    let numbers = numbers(graph);
    let mut out = "flowchart LR\n".to_owned();
    for (number, (_, service)) in graph.services.iter().enumerate() {
        let touched = if service.touched.is_some() {
            ":::touched"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "  s{number}[\"{}\"]{touched}",
            entities(&label(service))
        );
    }
    for edge in &graph.edges {
        let arrow = match edge.kind {
            EdgeKind::Image => "-->",
            EdgeKind::DependsOn => "-.->",
        };
        if let (Some(from), Some(to)) = (numbers.get(&edge.from), numbers.get(&edge.to)) {
            let _ = writeln!(out, "  s{from} {arrow} s{to}");
        }
    }
    if graph.base.is_some() {
        out.push_str("  classDef touched stroke-width:3px\n");
    }
    out
}

/// A digraph for Graphviz (<https://graphviz.org/doc/info/lang.html>): solid edges for images, dashed ones for `depends_on`.
pub(crate) fn dot(graph: &ServiceGraph) -> String {
    let numbers = numbers(graph);
    let mut out = "digraph fleet {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (number, (_, service)) in graph.services.iter().enumerate() {
        let label = label(service).replace('\\', "\\\\").replace('"', "\\\"");
        let touched = if service.touched.is_some() {
            ", penwidth=3"
        } else {
            ""
        };
        let _ = writeln!(out, "  s{number} [label=\"{label}\"{touched}];");
    }
    for edge in &graph.edges {
        let style = match edge.kind {
            EdgeKind::Image => "",
            EdgeKind::DependsOn => " [style=dashed]",
        };
        if let (Some(from), Some(to)) = (numbers.get(&edge.from), numbers.get(&edge.to)) {
            let _ = writeln!(out, "  s{from} -> s{to}{style};");
        }
    }
    out.push_str("}\n");
    out
}

fn numbers(graph: &ServiceGraph) -> BTreeMap<&BString, usize> {
    graph.services.keys().zip(0..).collect()
}

fn label(service: &GraphService) -> String {
    text::name(service.name.as_ref())
}

/// Mermaid reads `#…;` as a character, and its labels as HTML.
fn entities(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " -_.".contains(c);
    text.chars().fold(String::new(), |mut out, c| {
        match plain(c) {
            true => out.push(c),
            false => {
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_quotes() {
        for (name, want) in [
            ("api-2", "api-2"),
            ("a\"]; b", "a#34;#93;#59; b"),
            ("<b>#1;", "#60;b#62;#35;1#59;"),
        ] {
            assert_eq!(entities(name), want);
        }
    }
}
