//! Links in the place of the folders that hold code and configuration.

use bstr::BString;

use crate::{
    git::content_id::LinkedParts,
    model::change::{Warning, WarningKind},
};

/// That those of the service at `path` are not followed: what changes behind them is seen by nobody.
pub(super) fn warnings(path: &BString, linked: LinkedParts) -> impl Iterator<Item = Warning> {
    linked.names().map(move |part| Warning {
        path: Some(path.clone()),
        kind: WarningKind::LinkedPart,
        message: format!(
            "{path}: its {part} is a symbolic link or a submodule and no directory, so what it leads to counts as neither code nor configuration; [change] of flota.toml can name the folder itself"
        ),
    })
}
