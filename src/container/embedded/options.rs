//! The `--name=value` options of an instruction.

use parse_dockerfile::Flag;

use super::dockerfile::InstructionPlace;
use crate::model::error::Result;

/// Options that are known to be allowed.
pub(super) struct InstructionOptions<'a>(Vec<(&'a str, Option<&'a str>)>);

/// Checks `flags` against the names that the instruction at `place` knows. Only `exclude` may come more than once.
pub(super) fn read<'a>(
    place: &InstructionPlace,
    flags: &'a [Flag],
    known: &[&str],
) -> Result<InstructionOptions<'a>> {
    let mut options: Vec<(&str, Option<&str>)> = Vec::new();
    for flag in flags {
        let name: &str = &flag.name.value;
        if !known.contains(&name) {
            let known: Vec<String> = known.iter().map(|name| format!("--{name}")).collect();
            let error = place.misuse(format!("`--{name}` is not an option of this instruction"));
            return Err(error.hint(format!("its options are {}", known.join(", "))));
        }
        if name != "exclude" && options.iter().any(|(seen, _)| *seen == name) {
            return Err(place.misuse(format!("`--{name}` is there twice")));
        }
        options.push((name, flag.value.as_ref().map(|value| &*value.value)));
    }
    Ok(InstructionOptions(options))
}

impl<'a> InstructionOptions<'a> {
    /// Whether `--name` is there, with a value or without.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| *found == name)
    }

    /// The value of `--name=value`.
    pub(super) fn value(&self, place: &InstructionPlace, name: &str) -> Result<Option<&'a str>> {
        match self.0.iter().find(|(found, _)| *found == name) {
            None => Ok(None),
            Some((_, Some(value))) if !value.is_empty() => Ok(Some(value)),
            Some(_) => Err(place.misuse(format!("`--{name}` needs a value: `--{name}=…`"))),
        }
    }

    /// All values of an option that may come more than once.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(move |(found, _)| *found == name);
        found.filter_map(|(_, value)| *value)
    }

    /// `--name`, `--name=true` or `--name=false`; `None` if it is not there.
    pub(super) fn switch(&self, place: &InstructionPlace, name: &str) -> Result<Option<bool>> {
        match self.0.iter().find(|(found, _)| *found == name) {
            None => Ok(None),
            Some((_, None | Some("true"))) => Ok(Some(true)),
            Some((_, Some("false"))) => Ok(Some(false)),
            Some(_) => Err(place.misuse(format!("`--{name}` is either true or false"))),
        }
    }
}
