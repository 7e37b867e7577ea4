//! Why a service is built, or is not: the decision, what it rests on, and the git commands that show the same.

use bstr::{BString, ByteSlice};

use crate::{
    fleet::{
        changed::{self, Options},
        range::Ends,
    },
    git::repository::Repository,
    model::{
        change::{Base, BaseKind, End, ServiceChange, Unread},
        error::Result,
        explanation::{Command, Explanation},
        rules,
        settings::{ChangeSettings, Settings},
    },
};

/// Explains what `changed` says of the service `asked`.
pub fn explain(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    asked: &str,
    options: Options<'_>,
) -> Result<Explanation> {
    let only = [BString::from(asked)];
    let options = Options {
        only: &only,
        ..options
    };
    let changed = changed::changed(repository, settings, ends, options)?;
    if let Some(error) = Unread::error(&changed.unread) {
        return Err(error);
    }
    let service = changed.services.into_iter().next();
    let path = match &service {
        Some(service) => Some(service.path.clone()),
        None => changed::selection::path_of(repository, &changed.head, asked)?,
    };
    let mut base = changed.base;
    if let Some(own) = path.as_ref().and_then(|path| changed.exceptions.get(path)) {
        base.commit = *own;
    }
    let path = path.map_or_else(|| asked.to_owned(), |path| path.to_str_lossy().into_owned());
    let own = settings.for_service(
        &service
            .as_ref()
            .map_or(asked.into(), |s| s.name.to_string()),
    );
    let commands = commands(&base, &changed.head, &path, service.as_ref(), &own.change);
    Ok(Explanation {
        rule: rules::rule_of(service.as_ref()),
        base,
        head: changed.head,
        asked: asked.to_owned(),
        service,
        commands,
    })
}

/// The commands that show pins, direction and content identities, in the order in which the rules look at them.
fn commands(
    base: &Base,
    head: &End,
    path: &str,
    service: Option<&ServiceChange>,
    change: &ChangeSettings,
) -> Vec<Command> {
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
struct Lines(Vec<Command>);

impl Lines {
    fn git(&mut self, shows: &'static str, arguments: &[&str]) {
        let words = std::iter::once("git").chain(arguments.iter().copied());
        // A NUL is the one thing that no argument can hold, and Git's paths hold none either.
        if let Ok(line) = shlex::try_join(words) {
            self.0.push(Command { shows, line });
        }
    }
}
