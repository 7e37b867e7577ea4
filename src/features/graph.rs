//! `flota graph`: who depends on whom, and what a range touches.

use std::collections::BTreeMap;

use bstr::{BString, ByteSlice};

use crate::{
    fleet::{
        changed::{self, ChangedOptions},
        image_edges::{Dockerfiles, Reading},
        range::Ends,
    },
    git::repository::Repository,
    model::{
        change::{Action, Changed, End},
        error::Result,
        fleet::service_name,
        graph::{EdgeKind, GraphEdge, GraphService, ServiceGraph},
        settings::Settings,
    },
};

/// The graph at HEAD, or at the newer end of a range, with what that calls for.
///
/// # Errors
/// What [`changed::changed`] says, and a repository that is damaged.
pub(crate) fn graph(
    repository: &Repository,
    settings: &Settings,
    ends: Option<Ends>,
    options: ChangedOptions<'_>,
) -> Result<ServiceGraph> {
    let changed = ends
        .map(|ends| changed::changed(repository, settings, ends, options))
        .transpose()?;
    let head = match &changed {
        Some(changed) => changed.head.clone(),
        None => End {
            rev: "HEAD".to_owned(),
            commit: repository.resolve("HEAD")?,
        },
    };
    let mut files = Dockerfiles::at(repository, settings, repository.tree_of(head.commit)?)?;
    let paths: Vec<BString> = files.paths().cloned().collect();
    let found = files.edges(
        paths.iter().cloned(),
        Reading {
            jobs: options.jobs,
            fetches: !options.offline,
            events: options.events,
        },
    )?;
    let mut edges: Vec<GraphEdge> = found
        .edges
        .iter()
        .map(|(child, parent)| GraphEdge {
            from: child.clone(),
            to: parent.clone(),
            kind: EdgeKind::Image,
        })
        .collect();
    edges.extend(dependencies(settings, &paths));
    edges.sort();
    Ok(ServiceGraph {
        services: services(paths, changed.as_ref()),
        base: changed.map(|changed| changed.base),
        head,
        edges,
        unread: found.unread.into_iter().chain(found.malformed).collect(),
    })
}

fn services(paths: Vec<BString>, changed: Option<&Changed>) -> BTreeMap<BString, GraphService> {
    let all = changed.into_iter().flat_map(|changed| &changed.services);
    let touched: BTreeMap<_, _> = all
        .filter(|one| matches!(one.action, Action::Image | Action::Chart))
        .map(|one| (&one.path, (one.action, one.reason.clone())))
        .collect();
    let service = |path: BString| {
        let service = GraphService {
            name: service_name(path.as_ref()).to_owned(),
            touched: touched.get(&path).cloned(),
        };
        (path, service)
    };
    paths.into_iter().map(service).collect()
}

/// What the configuration says, between services that there are.
fn dependencies(settings: &Settings, paths: &[BString]) -> Vec<GraphEdge> {
    let mut by_name = BTreeMap::<_, Vec<&BString>>::new();
    for path in paths {
        by_name
            .entry(service_name(path.as_ref()).to_str_lossy())
            .or_default()
            .push(path);
    }
    let of = |name: &str| by_name.get(name).into_iter().flatten().copied();
    let mut edges = Vec::new();
    for (name, service) in &settings.services {
        for from in of(name) {
            for to in service.depends_on.iter().flat_map(|name| of(name)) {
                edges.push(GraphEdge {
                    from: from.clone(),
                    to: to.clone(),
                    kind: EdgeKind::DependsOn,
                });
            }
        }
    }
    edges
}
