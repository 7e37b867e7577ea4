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
