//! `flota man`: the command line's help as pages for man(1).

use std::{fs, path::Path};

use clap::Command;
use clap_mangen::Man;

use crate::model::error::{Error, Result};

/// The page of the whole program.
///
/// # Errors
/// Environment: there is no memory for it.
pub fn page(command: Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|err| Error::environment("cannot write the page").because(err))?;
    Ok(page)
}

/// Writes that page and one for each command into `folder`, which is made if it is not there.
///
/// # Errors
/// Environment: it cannot be written.
pub fn write(command: Command, folder: &Path) -> Result<()> {
    let write = || {
        fs::create_dir_all(folder)?;
        clap_mangen::generate_to(command, folder)
    };
    write().map_err(|err| {
        Error::environment(format!("cannot write into `{}`", folder.display())).because(err)
    })
}
