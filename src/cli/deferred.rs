//! Arguments that are laid out once their command is called: a start lays out one command's, and not all commands'.

use std::ops::Deref;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, Id, builder::Resettable, error::Error};

/// The arguments `A` of a command, which clap asks for when that command is called, or when the whole command line is built.
///
/// What clap's `defer` attribute does, but that the description stays the command's: there it would become that of `A`. Not for
/// a command that has commands of its own: completions of `flota help` would not know them.
#[derive(Debug)]
pub struct Deferred<A>(A);

impl<A> Deref for Deferred<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.0
    }
}

impl<A: Args> Args for Deferred<A> {
    fn group_id() -> Option<Id> {
        A::group_id()
    }

    fn augment_args(command: Command) -> Command {
        command.defer(|command| described(command, A::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(|command| described(command, A::augment_args_for_update))
    }
}

/// The command with what `augment` adds to it, with its own description, and with those of its arguments last that all commands
/// have: they are there already.
fn described(command: Command, augment: fn(Command) -> Command) -> Command {
    let about = Resettable::from(command.get_about().cloned());
    let long_about = Resettable::from(command.get_long_about().cloned());
    let global: Vec<_> = command.get_arguments().map(Arg::get_id).cloned().collect();
    let whole = augment(command).about(about).long_about(long_about);
    // clap takes an argument that is changed to the end.
    global
        .into_iter()
        .fold(whole, |whole, id| whole.mut_arg(id, |arg| arg))
}

impl<A: FromArgMatches> FromArgMatches for Deferred<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        A::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        A::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    /// What a command says of itself before its arguments are laid out, as the list of commands shows it.
    fn descriptions(command: &clap::Command) -> Vec<(String, Option<String>)> {
        let commands = command.get_subcommands();
        let described = commands.map(|command| {
            let about = command.get_about().map(ToString::to_string);
            (command.get_name().to_owned(), about)
        });
        described.filter(|(name, _)| name != "help").collect()
    }

    #[test]
    fn a_command_keeps_its_description_and_has_its_own_arguments_first() {
        let mut command = crate::cli::Cli::command();
        let before = descriptions(&command);
        command.build();
        assert_eq!(descriptions(&command), before);

        let global: Vec<_> = command
            .get_arguments()
            .filter(|arg| arg.is_global_set())
            .map(|arg| arg.get_id().to_string())
            .collect();
        assert!(global.len() > 5);
        for command in command.get_subcommands() {
            let ids = command.get_arguments().map(|arg| arg.get_id().to_string());
            let ids: Vec<_> = ids
                .filter(|id| !["help", "version"].contains(&id.as_str()))
                .collect();
            if command.get_name() != "help" {
                assert!(ids.ends_with(&global), "{}: {ids:?}", command.get_name());
            }
        }
    }

    #[test]
    fn commands_that_were_not_called_are_not_laid_out() {
        let command = crate::cli::Cli::command();
        let plan = command.find_subcommand("plan").unwrap();
        assert_eq!(plan.get_arguments().count(), 0);
    }
}
