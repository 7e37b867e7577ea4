//! `flota bump`

use super::{short, standing, table};
use crate::{model::bump::Bump, output::text};

/// `flota bump`
pub fn bumps(bumps: &[Bump]) -> String {
    if bumps.is_empty() {
        return "The pins are where HEAD is.\n".to_owned();
    }
    let rows = bumps.iter().map(|bump| {
        let pins = format!("{} → {}", short(bump.from), short(bump.to));
        vec![
            text::name(bump.path.as_ref()),
            pins,
            standing(bump.standing),
        ]
    });
    table(&["SERVICE", "PIN", "HEAD"], rows)
}
