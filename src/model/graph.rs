//! Who depends on whom among the services of a fleet, and what a range of commits touches.

use std::collections::BTreeMap;

use bstr::BString;

use super::change::{Action, Base, End, Reason};

/// The services at one commit of the fleet, and what leads from one to another.
#[derive(Clone, Debug)]
pub struct ServiceGraph {
    /// The older end of the range; none where nobody asked what changed.
    pub base: Option<Base>,
    /// The newer end.
    pub head: End,
    /// The services, by their paths.
    pub services: BTreeMap<BString, GraphService>,
    /// What leads from one to another, sorted.
    pub edges: Vec<GraphEdge>,
    /// Why the Dockerfile of a service cannot be read or understood, by the service's path: what it builds on is not known.
    pub unread: BTreeMap<BString, String>,
}

/// One service of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphService {
    /// What people call it.
    pub name: BString,
    /// What the range calls for, and why; none where it calls for nothing.
    pub touched: Option<(Action, Reason)>,
}

/// That one service needs another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GraphEdge {
    /// The path of the one that needs the other.
    pub from: BString,
    /// The path of the other.
    pub to: BString,
    /// In which way.
    pub kind: EdgeKind,
}

/// In which way one service needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// Its image is built on the image of the other: its Dockerfile names it.
    Image,
    /// The configuration says so (`depends_on`).
    DependsOn,
}
