//! A single service's repository: its own directories instead of a submodule's.

use bstr::{BString, ByteSlice};

use super::{links, options::ChangedOptions, trees::Trees};
use crate::{
    fleet::range::Ends,
    git::{
        Objects,
        content_id::{self, is_part},
        history,
        repository::Repository,
        tree::{self, Difference},
    },
    model::{
        change::{Action, ChangeKind, Changed, Part, ServiceChange},
        error::Result,
        fleet,
        rules::{self, Evidence, Old, Side},
        settings::Settings,
    },
};

/// The same question inside one service's own repository: its folders instead of a submodule's.
pub(super) fn in_service(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    trees: &Trees,
    options: ChangedOptions<'_>,
) -> Result<Changed> {
    let objects = repository.objects();
    let objects = Objects::new(&objects);
    let name = own_name(repository);
    options.only.check_own(name.as_ref())?;
    let change = settings.change_of(&name.to_str_lossy());
    let content = |root| content_id::of_tree(objects, root, change);
    let with_links = |root| content_id::with_links(objects, root, change);
    let (from, to) = (ends.base.commit, ends.head.commit);
    let old = trees.base.map(content).transpose()?;
    let new = trees.head.map(with_links).transpose()?;
    let (new, linked) = new.unwrap_or_default();
    let base = match from.zip(old) {
        Some((from, old)) => Side::Pinned(from, old),
        None => Side::Absent,
    };
    let decision = rules::decide(&Evidence {
        base: Old::Known(base),
        head: Side::Pinned(to, new),
        moved: false,
        url_changed: false,
        other_action: change.other.map_or(Action::None, Action::from),
    });
    let differences = tree::diff(objects, trees.base, trees.head)?;
    let (inside, outside): (Vec<_>, Vec<_>) = differences
        .iter()
        .map(Difference::to_file_change)
        .partition(|file| {
            let top = file
                .path
                .split_str("/")
                .next()
                .unwrap_or_default()
                .as_bstr();
            is_part(top)
        });
    let old = old.unwrap_or_default();
    let service = ServiceChange {
        url: repository
            .remote_url()
            .map(|url| fleet::without_credentials(url.as_ref())),
        name,
        path: ".".into(),
        previous_path: None,
        change: decision.change,
        direction: from
            .map(|from| history::direction(objects, from, to, || repository.is_shallow())),
        from,
        to: Some(to),
        code: Part {
            from: old.code,
            to: new.code,
        },
        config: Part {
            from: old.config,
            to: new.config,
        },
        other: old.other != new.other || old.environments != new.environments,
        action: decision.action,
        reason: decision.reason,
        files: options.files.then_some(inside),
    };
    // That a commit exists is no news: only what is in it.
    let quiet = [ChangeKind::PointerOnly, ChangeKind::Unchanged].contains(&service.change);
    let services = if quiet { Vec::new() } else { vec![service] };
    let (base, head, mut warnings) = (ends.base, ends.head, ends.warnings);
    if from != Some(to) {
        warnings.extend(links::warnings(&".".into(), linked));
    }
    Ok(Changed {
        base,
        head,
        exceptions: ends.exceptions,
        services,
        paths: outside,
        warnings,
        unread: Vec::new(),
    })
}

/// A service's repository is called by its remote's last component, else by its folder.
pub(super) fn own_name(repository: &Repository) -> BString {
    let from_url = repository.remote_url().and_then(|url| {
        let url = url.trim_end_with(|c| c == '/');
        let last = url.rsplit(|byte| matches!(byte, b'/' | b':')).next()?;
        let name = last.strip_suffix(b".git").unwrap_or(last);
        (!name.is_empty()).then(|| BString::from(name))
    });
    let from_folder = || {
        let folder = repository.folder().ok()?;
        let name = folder.file_name()?.as_encoded_bytes();
        Some(BString::from(name.strip_suffix(b".git").unwrap_or(name)))
    };
    from_url
        .or_else(from_folder)
        .unwrap_or_else(|| "service".into())
}
