//! `flota bump`

use super::{
    table::table,
    words::{short, standing},
};
use crate::{model::bump::Bump, output::service_names::ServiceNames};

/// `flota bump`
pub(crate) fn bumps(bumps: &[Bump]) -> String {
    if bumps.is_empty() {
        return "The pins are up to date with HEAD.\n".to_owned();
    }
    let names = ServiceNames::of(bumps.iter().map(|bump| &bump.path));
    let rows = bumps.iter().map(|bump| {
        let name = names.at(&bump.path);
        match bump.from {
            Some(from) => {
                let pins = format!("{} → {}", short(from), short(bump.to));
                vec![name, pins, standing(bump.standing)]
            }
            None => vec![name, short(bump.to), "resolves the conflict".to_owned()],
        }
    });
    table(&["SERVICE", "PIN", "HEAD"], rows)
}
