//! `flota new`

use super::{table::table, words::short};
use crate::{
    model::new::{NewService, RemoteKind},
    output::{text, theme},
};

/// `flota new`
pub(crate) fn new(service: &NewService) -> String {
    let row = vec![
        text::name(service.path.as_ref()),
        short(service.commit),
        service.branch.clone(),
        text::name(service.url.as_ref()),
    ];
    table(&["SERVICE", "COMMIT", "BRANCH", "REPOSITORY"], [row])
}

/// What to know and to do next.
pub(crate) fn after_new(service: &NewService) -> Vec<String> {
    let mut lines = Vec::new();
    if let RemoteKind::NewFolder(folder) = &service.kind {
        let folder = text::line(&folder.to_string_lossy());
        lines.push(format!("Created the bare repository {folder}"));
    }
    lines.push(match service.is_committed {
        true => "Committed; run git push to share it.".to_owned(),
        false => "Staged; run git commit to record it.".to_owned(),
    });
    let path = text::name(service.path.as_ref());
    let bump = format!("flota bump {path}");
    lines.push(format!(
        "Edit {path}/code, commit and push there, then record the new commit in the fleet: {}",
        theme::command(&bump)
    ));
    lines
}
