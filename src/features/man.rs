//! `flota man`: the command line's help as pages for man(1).

use std::{fs, io, path::Path};

use clap::Command;
use clap_mangen::Man;

use crate::model::error::{Error, Result};

/// The page of the whole program.
///
/// # Errors
/// Unavailable: there is no memory for it.
pub fn page(command: Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    page_of(command)
        .render(&mut page)
        .map_err(|err| Error::unavailable("cannot write the page").because(err))?;
    Ok(page)
}

/// Writes that page and one for each command into `folder`, which is made if it is not there.
///
/// # Errors
/// Unavailable: it cannot be written.
pub fn write(mut command: Command, folder: &Path) -> Result<()> {
    // Subcommands know what they are part of only now.
    command = command.disable_help_subcommand(true);
    command.build();
    let write = || {
        fs::create_dir_all(folder)?;
        write_each(command, folder)
    };
    write().map_err(|err| {
        Error::unavailable(format!("cannot write into `{}`", folder.display())).because(err)
    })
}

fn write_each(command: Command, folder: &Path) -> io::Result<()> {
    for shown in command.get_subcommands().filter(|each| !each.is_hide_set()) {
        write_each(shown.clone(), folder)?;
    }
    page_of(command).generate_to(folder)?;
    Ok(())
}

/// One command's page. Its synopsis is the help's usage, since clap_mangen's own has options without what they take; and the
/// date is a blank, since an empty one is left out there, and the version read in its place.
fn page_of(mut command: Command) -> Man {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    Man::new(command.override_usage(usage))
        .date(" ")
        .source(concat!("flota ", env!("CARGO_PKG_VERSION")))
        .manual("flota")
}
