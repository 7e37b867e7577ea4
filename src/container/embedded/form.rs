//! What is wrong with an instruction whatever its variables are.

use parse_dockerfile::{Instruction, JsonOrStringArray};

use super::{
    copy,
    dockerfile::{InstructionPlace, Places},
    healthcheck, options,
};
use crate::model::error::Result;

/// Refuses `instruction`, which stands at `place`, if its form is wrong: as for BuildKit, also in a stage that is not needed.
pub(super) fn check(
    places: &Places,
    place: &InstructionPlace,
    instruction: &Instruction,
) -> Result<()> {
    let (has_options, may_be_array) = match instruction {
        Instruction::Add(_) | Instruction::Copy(_) | Instruction::Healthcheck(_) => (true, true),
        Instruction::Cmd(_)
        | Instruction::Entrypoint(_)
        | Instruction::Shell(_)
        | Instruction::Volume(_) => (false, true),
        Instruction::Arg(_) | Instruction::Run(_) | Instruction::Onbuild(_) => (true, false),
        _ => (false, false),
    };
    place.check_form(has_options, may_be_array)?;
    match instruction {
        Instruction::Add(it) => options::read(place, &it.options, &copy::ADD).map(drop),
        Instruction::Copy(it) => options::read(place, &it.options, &copy::COPY).map(drop),
        Instruction::Healthcheck(it) => healthcheck::read(places, place, it).map(drop),
        Instruction::Volume(it) => match &it.arguments {
            JsonOrStringArray::Json(paths) if paths.value.is_empty() => {
                Err(place.misuse("there is no volume"))
            }
            JsonOrStringArray::Json(paths)
                if paths.value.iter().any(|path| path.value.trim().is_empty()) =>
            {
                Err(place.misuse("a volume's path is empty"))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}
