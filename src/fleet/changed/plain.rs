//! Submodules that are no services: nothing is ever built of them.

use bstr::{BStr, BString};

use crate::{
    fleet::select::MeantByWord,
    model::{
        change::{Changed, ServiceChange},
        error::{Error, Result},
        settings::Settings,
    },
};

/// Whether `[fleet] services` leaves out the submodule at `path`.
pub(super) fn is_left_out(settings: &Settings, path: &BStr) -> bool {
    let chosen = settings.fleet.services.as_ref();
    chosen.is_some_and(|globs| !globs.is_match(path))
}

/// Whether `[fleet] services` leaves out the submodule at `path`, and all that may lie inside it: what it holds need not be known.
pub(super) fn is_nobodys_business(settings: &Settings, path: &BStr) -> bool {
    let chosen = settings.fleet.services.as_ref();
    chosen.is_some_and(|globs| !globs.is_match(path) && !globs.may_match_below(path))
}

/// Refuses a word that means no service, as far as that is known: of one that did not change, and of one that could not be read,
/// only the configuration says something.
///
/// # Errors
/// Misuse: it means submodules alone that are none.
pub(super) fn refuse(settings: &Settings, word: &MeantByWord, changed: &Changed) -> Result<()> {
    let is_left_out = |path: &&BString| is_left_out(settings, BStr::new(*path));
    let is_plain = |path: &&BString| is_left_out(path) || is_seen_to_be_plain(changed, path);
    let [path, ..] = &word.paths[..] else {
        return Ok(());
    };
    if !word.paths.iter().all(|path| is_plain(&path)) {
        return Ok(());
    }
    let why = match (&word.paths[..], is_left_out(&path)) {
        ([_], true) => format!("`[fleet] services` of flota.toml leaves out {path}"),
        ([_], false) => format!("{path} has neither code/ nor config/ nor charts/"),
        (several, _) => format!("the {} submodules that it means are none", several.len()),
    };
    Err(
        Error::misuse(format!("`{}` is no service: {why}", word.typed))
            .hint("list the services: flota plan --all"),
    )
}

fn is_seen_to_be_plain(changed: &Changed, path: &BString) -> bool {
    let has_no_part = |service: &ServiceChange| {
        let ids = [service.code, service.config].map(|part| part.from.or(part.to));
        ids.iter().all(Option::is_none)
    };
    let mut services = changed.services.iter();
    services.any(|service| service.path == *path && has_no_part(service))
}
