//! `flota branch`

use super::{
    table::table,
    words::{counts, short},
};
use crate::{
    model::{
        branch::{BranchResult, BranchStep, LocalBranch, ServiceBranches},
        outcome::Outcome,
    },
    output::{service_names::ServiceNames, text},
};

/// `flota branch`: a row for each branch of each service, `*` before the one that HEAD is on.
pub(crate) fn branches(services: &[ServiceBranches]) -> String {
    let names = ServiceNames::of(services.iter().map(|service| &service.path));
    let mut rows = Vec::new();
    for service in services {
        let mut name = names.at(&service.path);
        for branch in service.branches.iter().flatten() {
            rows.push(listed(std::mem::take(&mut name), branch));
        }
    }
    match rows.is_empty() {
        true => "The services have no branches.\n".to_owned(),
        false => table(&["SERVICE", "BRANCH", "COMMIT", "UPSTREAM", "STATE"], rows),
    }
}

fn listed(service: String, branch: &LocalBranch) -> Vec<String> {
    let mark = if branch.is_current { "* " } else { "" };
    let upstream = branch.upstream.as_ref();
    let count = |count: Option<usize>, what: &str| match count {
        None | Some(0) => None,
        Some(count) => Some(format!("{count} {what}")),
    };
    let merged = branch.is_merged && !branch.is_default;
    let state = [
        count(branch.ahead, "ahead"),
        count(branch.behind, "behind"),
        merged.then(|| "merged".to_owned()),
    ];
    vec![
        service,
        format!("{mark}{}", text::name(branch.name.as_ref())),
        short(branch.commit),
        upstream.map_or_else(String::new, |it| text::name(it.as_ref())),
        state.into_iter().flatten().collect::<Vec<_>>().join(", "),
    ]
}

/// `flota branch BRANCH`, `--delete`: what was made or deleted, and what was to be; then the numbers.
pub(crate) fn changed_branches(done: &[BranchResult]) -> String {
    let names = ServiceNames::of(done.iter().map(|one| &one.path));
    let shown = done.iter().filter(|one| {
        !matches!(
            one.outcome,
            Outcome::Done(BranchStep::Unchanged | BranchStep::Absent | BranchStep::Uninitialised)
        )
    });
    let row = |one: &BranchResult| {
        let branch = one.branch.as_ref();
        vec![
            names.at(&one.path),
            branch.map_or_else(String::new, |it| text::name(it.as_ref())),
            one.commit.map_or_else(String::new, short),
            one.outcome.name().to_owned(),
        ]
    };
    let rows: Vec<_> = shown.map(row).collect();
    let table = match rows.is_empty() {
        true => String::new(),
        false => table(&["SERVICE", "BRANCH", "COMMIT", "RESULT"], rows) + "\n",
    };
    let counts = counts(done.iter().map(|one| one.outcome.name()));
    format!("{table}{counts}\n")
}
