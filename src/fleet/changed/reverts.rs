//! Pins that went back to an older commit by mistake.

use gix::ObjectId;

use crate::{
    git::{history, repository::Repository},
    model::{
        change::{Direction, ServiceChange, Warning, WarningKind},
        error::Result,
    },
};

/// A pin that went backwards although no commit of the range did that: a merge kept the older of two. Where base is no
/// ancestor of head there is nothing to keep: head never had the newer one.
pub(super) fn unintended(
    repository: &Repository,
    base: Option<ObjectId>,
    head: ObjectId,
    services: &[ServiceChange],
) -> Result<Vec<Warning>> {
    let Some(base) = base else {
        return Ok(Vec::new());
    };
    let mut warnings = Vec::new();
    let mut went_back = services
        .iter()
        .filter(|s| s.direction == Some(Direction::Rollback))
        .peekable();
    if went_back.peek().is_none() || repository.merge_base(base, head)? != Some(base) {
        return Ok(warnings);
    }
    for service in went_back {
        let (Some(from), Some(to)) = (service.from, service.to) else {
            continue;
        };
        if history::pin_was_meant(repository, base, head, service.path.as_ref(), to)? {
            continue;
        }
        let message = format!(
            "{} went back from {} to {}, but no commit in the range did that: a merge kept the older pin",
            service.path,
            from.to_hex_with_len(7),
            to.to_hex_with_len(7)
        );
        let path = Some(service.path.clone());
        warnings.push(Warning {
            path,
            kind: WarningKind::UnintendedRevert,
            message,
        });
    }
    Ok(warnings)
}
