//! `flota help`

use crate::{
    cli::{Help as Args, parse::command},
    features::help,
    model::{
        error::{Error, Result},
        exit::Exit,
    },
    output::{Output, human, pager},
};

pub(super) fn run(args: &Args, output: &Output) -> Result<Exit> {
    if args.schema {
        let topic = args.name.as_deref().filter(|_| args.subcommands.is_empty());
        output.result(help::schema(topic)?)?;
        return Ok(Exit::Done);
    }
    let names = args.name.iter().chain(&args.subcommands);
    match args.name.as_deref().and_then(help::page) {
        Some(page) if args.subcommands.is_empty() => show(page, output)?,
        _ => output.result(human::command_help(&of_command(names)?))?,
    }
    Ok(Exit::Done)
}

/// What `--help` prints of the command that `names` lead to.
fn of_command<'a>(names: impl Iterator<Item = &'a String>) -> Result<clap::builder::StyledStr> {
    let mut root = command();
    root.build();
    let mut command = &mut root;
    for name in names {
        let parent = command.get_bin_name().unwrap_or("flota").to_owned();
        command = command.find_subcommand_mut(name).ok_or_else(|| {
            Error::misuse(format!("`{parent}` has no command `{name}`"))
                .hint(format!("{parent} --help"))
        })?;
    }
    Ok(command.render_long_help())
}

/// On a terminal through the pager; one that cannot be run is warned of, and the page is shown without.
fn show(page: &str, output: &Output) -> Result<()> {
    let pager = match pager::is_wanted() {
        true => help::pager().unwrap_or_else(|error| {
            output.warning(&error.to_string());
            None
        }),
        false => None,
    };
    pager::show(output, pager, &human::help_page(page))
}
