//! `flota.graph/v1`

use serde::Serialize;

use super::{parts::Bytes, render::render};
use crate::model::{
    change::Action,
    document::{BaseV1, EndV1},
    graph::{EdgeKind, ServiceGraph},
};

/// `flota.graph/v1`
pub(crate) fn graph(graph: &ServiceGraph) -> String {
    let services = graph.services.iter().map(|(path, service)| NodeV1 {
        name: Bytes("name", service.name.as_ref()),
        path: Bytes("path", path.as_ref()),
        action: service.touched.as_ref().map(|(action, _)| *action),
        reason: service.touched.as_ref().map(|(_, reason)| reason.word()),
    });
    let edges = graph.edges.iter().map(|edge| EdgeV1 {
        from: Bytes("from", edge.from.as_ref()),
        to: Bytes("to", edge.to.as_ref()),
        kind: edge.kind,
    });
    render(&GraphV1 {
        schema: "flota.graph/v1",
        base: graph.base.as_ref().map(BaseV1::from),
        head: EndV1::from(&graph.head),
        services: services.collect(),
        edges: edges.collect(),
        unread: graph
            .unread
            .keys()
            .map(|path| UnreadNodeV1(Bytes("path", path.as_ref())))
            .collect(),
    })
}

#[derive(Serialize)]
struct GraphV1<'a> {
    schema: &'static str,
    base: Option<BaseV1<'a>>,
    head: EndV1<'a>,
    services: Vec<NodeV1<'a>>,
    edges: Vec<EdgeV1<'a>>,
    unread: Vec<UnreadNodeV1<'a>>,
}

#[derive(Serialize)]
struct NodeV1<'a> {
    #[serde(flatten)]
    name: Bytes<'a>,
    #[serde(flatten)]
    path: Bytes<'a>,
    action: Option<Action>,
    reason: Option<String>,
}

/// Both ends are paths.
#[derive(Serialize)]
struct EdgeV1<'a> {
    #[serde(flatten)]
    from: Bytes<'a>,
    #[serde(flatten)]
    to: Bytes<'a>,
    kind: EdgeKind,
}

#[derive(Serialize)]
struct UnreadNodeV1<'a>(Bytes<'a>);
