//! `flota sync`

use super::table::table;
use crate::{
    model::relocation::Relocation,
    output::{service_names::ServiceNames, text},
};

/// `flota sync`: which URLs change.
pub(crate) fn relocated(relocations: &[Relocation]) -> String {
    if relocations.is_empty() {
        return "The services have the URLs of .gitmodules.\n".to_owned();
    }
    let names = ServiceNames::of(relocations.iter().map(|one| &one.path));
    let rows = relocations.iter().map(|one| {
        vec![
            names.at(&one.path),
            text::name(one.from.as_ref()),
            text::name(one.to.as_ref()),
            if one.error.is_some() { "failed" } else { "" }.to_owned(),
        ]
    });
    table(&["SERVICE", "URL", "NEW URL", "RESULT"], rows)
}
