//! `flota status`

use super::{table::table, words::standing};
use crate::{
    model::status::{ServiceState, ServiceStatus},
    output::{service_names::ServiceNames, text},
};

/// `flota status`: what needs somebody, or all; then the numbers.
pub(crate) fn status(services: &[ServiceStatus], all: bool) -> String {
    let shown: Vec<_> = services
        .iter()
        .filter(|service| all || service.needs_attention())
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
            let rows = shown.into_iter().map(|service| status_row(service, &names));
            let header = ["SERVICE", "BRANCH", "PIN", "CHANGES", "TO PUSH"];
            format!("{}\n{rest}\n", table(&header, rows))
        }
    }
}

fn status_row(service: &ServiceStatus, names: &ServiceNames<'_>) -> Vec<String> {
    let name = names.at(&service.path);
    const IN_CONFLICT: &str = "in conflict";
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
    let changes = &worktree.changes;
    let counted = [
        (changes.conflicted, IN_CONFLICT),
        (changes.staged, "staged"),
        (changes.unstaged, "unstaged"),
        (changes.untracked, "untracked"),
        (worktree.stashes, "stashed"),
    ];
    let counted: Vec<_> = counted
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let unpushed = match worktree.unpushed {
        0 => String::new(),
        count => text::plural(count, "commit"),
    };
    vec![name, branch, pin, counted.join(", "), unpushed]
}
