//! Why a service is built, or is not: the decision, what it rests on, and the git commands that show the same.

use bstr::{BStr, BString, ByteSlice};

use crate::{
    fleet::{
        changed::{self, ChangedOptions},
        range::Ends,
    },
    git::repository::Repository,
    model::{
        change::{Action, Base, BaseKind, End, ServiceChange, Unread},
        error::{Error, Result},
        explanation::{Explanation, ShownCommand},
        fleet::service_name,
        rules,
        settings::{ChangeSettings, GateSubject, Settings},
    },
};

/// Explains what `changed` says of the one service that `options` select, and that the user called `asked`.
///
/// # Errors
/// Misuse: they select none, or several. And what [`changed::changed`] says.
pub(crate) fn explain(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    asked: &BStr,
    options: ChangedOptions<'_>,
) -> Result<Explanation> {
    let path = one(changed::chosen(repository, settings, &ends, options.only)?)?;
    let changed = changed::changed(repository, settings, ends, options)?;
    if let Some(error) = Unread::error(&changed.unread) {
        return Err(error);
    }
    let service = changed.services.into_iter().next();
    let path = service
        .as_ref()
        .map_or(path, |service| service.path.clone());
    let mut base = changed.base;
    if let Some(own) = changed.exceptions.get(&path) {
        base.commit = *own;
    }
    let name = match &service {
        Some(service) => service.name.as_ref(),
        None => service_name(path.as_ref()),
    };
    let own = settings.for_service(&name.to_str_lossy());
    let shown = path.to_str_lossy();
    let commands = commands(&base, &changed.head, &shown, service.as_ref(), &own.change);
    Ok(Explanation {
        gates: gates(settings, service.as_ref()),
        rule: rules::rule_of(service.as_ref()),
        base,
        head: changed.head,
        asked: asked.to_owned(),
        service,
        commands,
    })
}

/// An image build makes a chart too, where the service has one.
fn gates(settings: &Settings, service: Option<&ServiceChange>) -> Vec<(String, GateSubject)> {
    let action = service.map(|service| service.action);
    let has_chart = service.is_some_and(|service| service.config.to.is_some());
    let is_made = |per: GateSubject| match (per, action) {
        (GateSubject::Image, action) => action == Some(Action::Image),
        (GateSubject::Chart, Some(Action::Image | Action::Chart)) => has_chart,
        (GateSubject::Chart, _) => false,
    };
    let gates = settings.gates.iter().filter(|gate| is_made(gate.per));
    gates.map(|gate| (gate.name.clone(), gate.per)).collect()
}

/// A glob may mean several, and an answer is about one.
fn one(mut paths: Vec<BString>) -> Result<BString> {
    match paths.len() {
        1 => Ok(paths.remove(0)),
        count => {
            let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
            Err(Error::misuse(format!(
                "SERVICE matches {count} services: {}",
                paths.join(", ")
            ))
            .hint("name one of them: flota explain SERVICE"))
        }
    }
}

/// The commands that show pins, direction and content identities, in the order in which the rules look at them.
fn commands(
    base: &Base,
    head: &End,
    path: &str,
    service: Option<&ServiceChange>,
    change: &ChangeSettings,
) -> Vec<ShownCommand> {
    let mut lines = Lines::default();
    let head_commit = head.commit.to_string();
    if base.kind == BaseKind::MergeBase {
        lines.git("the base", &["merge-base", &base.rev, &head_commit]);
    }
    if path != "." {
        let base_commit = base.commit.map(|commit| commit.to_string());
        for commit in base_commit.iter().chain([&head_commit]) {
            lines.git("the pin", &["ls-tree", "-r", commit, "--", path]);
        }
    }
    let pins = service.map(|service| (service.from, service.to));
    if let Some((Some(from), Some(to))) = pins
        && from != to
    {
        let (from, to) = (from.to_string(), to.to_string());
        let forward = ["-C", path, "merge-base", "--is-ancestor", &from, &to];
        lines.git("whether it went forward (exit 0)", &forward);
        let files = [
            "-C",
            path,
            "diff",
            "--name-status",
            "--no-renames",
            &from,
            &to,
        ];
        lines.git("what differs inside", &files);
    }
    for pin in pins.into_iter().flat_map(|(from, to)| [from, to]).flatten() {
        let pin = pin.to_string();
        if *change == ChangeSettings::default() {
            let parts = [
                "-C", path, "ls-tree", &pin, "--", "code", "config", "charts",
            ];
            lines.git("the content ids", &parts);
        } else {
            let listing = ["-C", path, "ls-tree", "-r", &pin];
            lines.git("what the globs of [change] choose from", &listing);
        }
    }
    lines.0
}

#[derive(Default)]
struct Lines(Vec<ShownCommand>);

impl Lines {
    fn git(&mut self, shows: &'static str, arguments: &[&str]) {
        let words = std::iter::once("git").chain(arguments.iter().copied());
        // A NUL is the one thing that no argument can hold, and Git's paths hold none either.
        if let Ok(line) = shlex::try_join(words) {
            self.0.push(ShownCommand { shows, line });
        }
    }
}
