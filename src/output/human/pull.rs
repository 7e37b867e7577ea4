//! `flota pull`

use super::{
    table::table,
    update::updated,
    words::{moved_pins, short},
};
use crate::{
    model::pull::{Pulled, PulledPin},
    output::{service_names::ServiceNames, text},
};

/// `flota pull`: the fleet's commits, the pins that they move, then the services as after `flota update`.
pub(crate) fn pulled(pulled: &Pulled, dry_run: bool) -> String {
    let branch = text::name(pulled.branch.as_ref());
    let upstream = text::name(pulled.upstream.as_ref());
    let mut out = match pulled.from {
        Some(from) if from == pulled.to => format!("{branch} is up to date with {upstream}.\n"),
        Some(from) => {
            let (from, to) = (short(from), short(pulled.to));
            format!("{branch}: {from} → {to}, from {upstream}\n")
        }
        None => format!("{branch}: {}, from {upstream}\n", short(pulled.to)),
    };
    if !pulled.pins.is_empty() {
        let names = ServiceNames::of(pulled.pins.iter().map(|pin| &pin.path));
        let rows = pulled.pins.iter().map(|pin| row(pin, &names));
        out += "\n";
        out += &table(&["SERVICE", "PIN"], rows);
    }
    if !dry_run {
        out += "\n";
        out += &updated(&pulled.synced, None);
    }
    out
}

fn row(pin: &PulledPin, names: &ServiceNames<'_>) -> Vec<String> {
    vec![names.at(&pin.path), moved_pins(pin.from, pin.to, None)]
}
