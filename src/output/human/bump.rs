//! `flota bump`

use super::{
    table::table,
    words::{short, standing},
};
use crate::{model::bump::Bump, output::text};

/// `flota bump`
pub fn bumps(bumps: &[Bump]) -> String {
    if bumps.is_empty() {
        return "The pins are where HEAD is.\n".to_owned();
    }
    let rows = bumps.iter().map(|bump| {
        let name = text::name(bump.path.as_ref());
        match bump.from {
            Some(from) => {
                let pins = format!("{} → {}", short(from), short(bump.to));
                vec![name, pins, standing(bump.standing)]
            }
            None => vec![name, short(bump.to), "settles the conflict".to_owned()],
        }
    });
    table(&["SERVICE", "PIN", "HEAD"], rows)
}
