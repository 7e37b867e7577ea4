//! `flota status`

use super::{table::table, words::standing};
use crate::{
    model::{
        fleet_status::FleetStatus,
        leftover::Leftover,
        status::{Changes, Operation, ServiceState, ServiceStatus},
    },
    output::{service_names::ServiceNames, text},
};

const IN_CONFLICT: &str = "in conflict";

/// `flota status`: what needs somebody, or all; then the numbers.
pub(crate) fn status(status: &FleetStatus, all: bool) -> String {
    let services = services(&status.services, all);
    match status.leftovers.is_empty() {
        true => services,
        false => {
            let rows = status.leftovers.iter().map(leftover_row);
            let header = ["NOT IN THE FLEET", "CHANGES", "TO PUSH", "STASHED"];
            format!("{services}\n{}", table(&header, rows))
        }
    }
}

/// What is in a worktree or git directory of a service that was dropped.
fn leftover_row(leftover: &Leftover) -> Vec<String> {
    let name = text::name(leftover.path.as_ref());
    if leftover.error.is_some() {
        return vec![name, "unreadable".to_owned()];
    }
    let work = &leftover.work;
    vec![
        name,
        changes(work.operation, &work.changes, 0),
        commits(work.unpushed),
        match work.stashes {
            0 => String::new(),
            count => count.to_string(),
        },
    ]
}

fn services(services: &[ServiceStatus], all: bool) -> String {
    let shown: Vec<_> = services
        .iter()
        .flat_map(|service| {
            let itself = Some(service).filter(|it| all || it.needs_attention_itself());
            let nested = service.nested.iter();
            itself
                .into_iter()
                .chain(nested.filter(|it| it.needs_attention_itself()))
        })
        .collect();
    let rest = services.len() - services.iter().filter(|one| one.needs_attention()).count();
    let rest = format!(
        "{} of {} in step",
        rest,
        text::plural(services.len(), "service")
    );
    if services.is_empty() {
        return "No services: this repository has no submodules.\n".to_owned();
    }
    match shown.is_empty() {
        true => rest + "\n",
        false => {
            let names = ServiceNames::of(services.iter().map(|service| &service.path));
            // Nested ones are named by their whole paths: services are what names are for.
            let is_service = |one: &ServiceStatus| services.iter().any(|it| std::ptr::eq(it, one));
            let name = |one: &ServiceStatus| match is_service(one) {
                true => names.at(&one.path),
                false => text::name(one.path.as_ref()),
            };
            let rows = shown.into_iter().map(|one| status_row(one, name(one)));
            let header = ["SERVICE", "BRANCH", "PIN", "CHANGES", "TO PUSH"];
            format!("{}\n{rest}\n", table(&header, rows))
        }
    }
}

fn status_row(service: &ServiceStatus, name: String) -> Vec<String> {
    let without = |what: &str| match service.pin {
        Some(_) => vec![name.clone(), what.to_owned()],
        None => vec![name.clone(), what.to_owned(), IN_CONFLICT.to_owned()],
    };
    let worktree = match &service.state {
        ServiceState::Here(worktree) => worktree,
        ServiceState::Uninitialised => return without("not initialised"),
        ServiceState::Unreadable(_) => return without("unreadable"),
    };
    let branch = match &worktree.branch {
        Some(branch) => text::name(branch.as_ref()),
        None => "detached".to_owned(),
    };
    let branch = match worktree.behind {
        0 => branch,
        behind => format!("{branch}, {behind} behind"),
    };
    let pin = match service.pin {
        Some(_) => standing(worktree.standing),
        None => IN_CONFLICT.to_owned(),
    };
    vec![
        name,
        branch,
        pin,
        changes(worktree.operation, &worktree.changes, worktree.stashes),
        commits(worktree.unpushed),
    ]
}

fn changes(operation: Option<Operation>, changes: &Changes, stashes: usize) -> String {
    let counted = [
        (changes.conflicted, IN_CONFLICT),
        (changes.staged, "staged"),
        (changes.unstaged, "unstaged"),
        (changes.untracked, "untracked"),
        (stashes, "stashed"),
    ];
    let counted = counted
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"));
    let operation = operation.map(|operation| format!("{} in progress", operation.name()));
    let told: Vec<_> = operation.into_iter().chain(counted).collect();
    told.join(", ")
}

fn commits(count: usize) -> String {
    match count {
        0 => String::new(),
        count => text::plural(count, "commit"),
    }
}
